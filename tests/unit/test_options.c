/* SPDX-License-Identifier: MIT
 *
 * The size rule: a struct of an older caller is filled up with zeros, one of a newer caller is
 * accepted while it sets nothing that is unknown here. And what a caller is told of a bad one. */
#include "base/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct known {
    size_t size;
    int64_t first, second;
};

/* As a later version might have it. */
struct newer {
    size_t size;
    int64_t first, second, third;
};

static int read_known(struct known *own, const void *given) {
    memset(own, '#', sizeof *own);
    return lend__options_read(own, sizeof *own, given);
}

static void the_same_size_is_copied(void **state) {
    (void)state;
    struct known own;
    const struct known given = {.size = sizeof given, .first = 1, .second = 2};
    assert_int_equal(read_known(&own, &given), 0);
    assert_memory_equal(&own, &given, sizeof own);
}

static void what_an_older_caller_does_not_know_is_zero(void **state) {
    (void)state;
    struct known own;
    const struct known given = {.size = offsetof(struct known, second), .first = 1, .second = 4711};
    assert_int_equal(read_known(&own, &given), 0);
    assert_int_equal(own.first, 1);
    assert_int_equal(own.second, 0);
    assert_int_equal(own.size, sizeof own);
}

static void the_size_alone_is_enough(void **state) {
    (void)state;
    struct known own;
    const size_t given = sizeof given;
    assert_int_equal(read_known(&own, &given), 0);
    assert_int_equal(own.first, 0);
    assert_int_equal(own.second, 0);
}

static void a_newer_caller_that_sets_nothing_new_is_read(void **state) {
    (void)state;
    struct known own;
    const struct newer given = {.size = sizeof given, .first = 1, .second = 2};
    assert_int_equal(read_known(&own, &given), 0);
    assert_int_equal(own.first, 1);
    assert_int_equal(own.second, 2);
    assert_int_equal(own.size, sizeof own);
}

static void a_newer_caller_that_sets_something_new_is_refused(void **state) {
    (void)state;
    struct known own;
    for (size_t byte = 0; byte < sizeof(int64_t); byte++) {
        struct newer given = {.size = sizeof given, .third = (int64_t)1 << (8 * byte)};
        assert_int_equal(read_known(&own, &given), E2BIG);
    }
}

static void a_size_smaller_than_itself_is_refused(void **state) {
    (void)state;
    struct known own;
    for (size_t size = 0; size < sizeof(size_t); size++) {
        const struct known given = {.size = size};
        assert_int_equal(read_known(&own, &given), EINVAL);
    }
}

static void nothing_is_refused(void **state) {
    (void)state;
    struct known own;
    assert_int_equal(read_known(&own, NULL), EINVAL);
}

struct told {
    size_t size;
    int64_t first;
    struct lend_reason *reason;
};

static void a_reason_is_only_looked_for_where_there_is_one(void **state) {
    (void)state;
    struct lend_reason reason;
    const size_t offset = offsetof(struct told, reason);
    struct told given = {.size = sizeof given, .reason = &reason};
    assert_ptr_equal(lend__options_reason(&given, offset), &reason);
    given.size--;
    assert_null(lend__options_reason(&given, offset));
    given.size = 0;
    assert_null(lend__options_reason(&given, offset));
    assert_null(lend__options_reason(NULL, offset));
}

static void of_several_numbers_the_first_that_is_out_of_range_is_named(void **state) {
    (void)state;
    struct lend_reason reason = {0};
    struct option_range ranges[] = {{"first", -1, -1, 4}, {"second", 4, -1, 4}, {"third", 5, 0, 4}};
    assert_int_equal(lend__options_check(ranges, 2, &reason), 0);
    assert_string_equal(reason.text, "");
    assert_int_equal(lend__options_check(ranges, 3, &reason), EINVAL);
    assert_int_equal(reason.error, EINVAL);
    assert_string_equal(reason.text, "third is 5, more than 4");
    ranges[0].value = -9;
    assert_int_equal(lend__options_check(ranges, 3, &reason), EINVAL);
    assert_string_equal(reason.text, "first is -9, less than -1");
    assert_int_equal(lend__options_check(ranges, 3, NULL), EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_size_is_copied),
        cmocka_unit_test(what_an_older_caller_does_not_know_is_zero),
        cmocka_unit_test(the_size_alone_is_enough),
        cmocka_unit_test(a_newer_caller_that_sets_nothing_new_is_read),
        cmocka_unit_test(a_newer_caller_that_sets_something_new_is_refused),
        cmocka_unit_test(a_size_smaller_than_itself_is_refused),
        cmocka_unit_test(nothing_is_refused),
        cmocka_unit_test(a_reason_is_only_looked_for_where_there_is_one),
        cmocka_unit_test(of_several_numbers_the_first_that_is_out_of_range_is_named),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
