/* SPDX-License-Identifier: MIT
 *
 * Deadlines saturate, round up and compare as points in time. */
#include <lend/deadline.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define NS_PER_MS INT64_C(1000000)

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

static void a_zeroed_deadline_is_the_default_patience(void **state) {
    (void)state;
    const lend_deadline zeroed = {0};
    assert_true(zeroed.at_ns == LEND_BY_DEFAULT.at_ns);
    assert_true(LEND_BY_DEFAULT.at_ns != LEND_NOW.at_ns);
    assert_true(LEND_BY_DEFAULT.at_ns != LEND_FOREVER.at_ns);
}

static void within_is_so_many_ms_from_now_on_the_monotonic_clock(void **state) {
    (void)state;
    int64_t before_ns = now_ns();
    lend_deadline deadline = lend_within_ms(1500);
    int64_t after_ns = now_ns();
    assert_true(deadline.at_ns >= before_ns + 1500 * NS_PER_MS);
    assert_true(deadline.at_ns <= after_ns + 1500 * NS_PER_MS);
}

static void within_zero_or_less_is_now(void **state) {
    (void)state;
    assert_true(lend_within_ms(0).at_ns == LEND_NOW.at_ns);
    assert_true(lend_within_ms(-1).at_ns == LEND_NOW.at_ns);
    assert_true(lend_within_ms(INT64_MIN).at_ns == LEND_NOW.at_ns);
}

static void what_lies_beyond_the_end_of_the_clock_is_for_ever(void **state) {
    (void)state;
    assert_true(lend_within_ms(INT64_MAX).at_ns == LEND_FOREVER.at_ns);
    assert_true(lend_within_ms(INT64_MAX / NS_PER_MS).at_ns == LEND_FOREVER.at_ns);
    lend_deadline late = lend_within_ms(INT64_MAX / NS_PER_MS / 2);
    assert_true(late.at_ns > now_ns());
    assert_true(late.at_ns < LEND_FOREVER.at_ns);
}

static void what_is_left_is_rounded_up(void **state) {
    (void)state;
    lend_deadline deadline = {now_ns() + 20 * NS_PER_MS + 1};
    int64_t left_ms = lend_deadline_left_ms(deadline);
    assert_true(left_ms <= 21);
    assert_true(left_ms > 0);
    while (now_ns() < deadline.at_ns)
        assert_true(lend_deadline_left_ms(deadline) > 0 || now_ns() >= deadline.at_ns);
    assert_int_equal(lend_deadline_left_ms(deadline), 0);
}

static void nothing_is_left_once_it_has_passed(void **state) {
    (void)state;
    assert_int_equal(lend_deadline_left_ms(LEND_NOW), 0);
    assert_int_equal(lend_deadline_left_ms((lend_deadline){1}), 0);
    assert_int_equal(lend_deadline_left_ms((lend_deadline){now_ns()}), 0);
}

static void for_ever_and_the_default_have_no_end(void **state) {
    (void)state;
    assert_true(lend_deadline_left_ms(LEND_FOREVER) == INT64_MAX);
    assert_true(lend_deadline_left_ms(LEND_BY_DEFAULT) == INT64_MAX);
}

static void check_earlier(lend_deadline one, lend_deadline other, lend_deadline expected) {
    assert_true(lend_deadline_earlier(one, other).at_ns == expected.at_ns);
    assert_true(lend_deadline_earlier(other, one).at_ns == expected.at_ns);
}

static void the_earlier_is_the_one_that_passes_first(void **state) {
    (void)state;
    const lend_deadline soon = {1000}, late = {2000};
    check_earlier(soon, late, soon);
    check_earlier(soon, soon, soon);
    check_earlier(soon, LEND_FOREVER, soon);
    check_earlier(soon, LEND_NOW, LEND_NOW);
    check_earlier(LEND_NOW, LEND_FOREVER, LEND_NOW);
}

static void the_default_gives_way_to_any_other(void **state) {
    (void)state;
    const lend_deadline soon = {1000};
    check_earlier(LEND_BY_DEFAULT, soon, soon);
    check_earlier(LEND_BY_DEFAULT, LEND_NOW, LEND_NOW);
    check_earlier(LEND_BY_DEFAULT, LEND_FOREVER, LEND_FOREVER);
    check_earlier(LEND_BY_DEFAULT, LEND_BY_DEFAULT, LEND_BY_DEFAULT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_deadline_is_the_default_patience),
        cmocka_unit_test(within_is_so_many_ms_from_now_on_the_monotonic_clock),
        cmocka_unit_test(within_zero_or_less_is_now),
        cmocka_unit_test(what_lies_beyond_the_end_of_the_clock_is_for_ever),
        cmocka_unit_test(what_is_left_is_rounded_up),
        cmocka_unit_test(nothing_is_left_once_it_has_passed),
        cmocka_unit_test(for_ever_and_the_default_have_no_end),
        cmocka_unit_test(the_earlier_is_the_one_that_passes_first),
        cmocka_unit_test(the_default_gives_way_to_any_other),
    };
    return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
