/* SPDX-License-Identifier: MIT
 *
 * A parker loses no wake, ends its sleeps on time, and asks the kernel only when somebody sleeps.
 */
#include "sync/parker.h"

#include "base/clock.h"
#include "support/pace.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define FUTEX_WAIT_BITSET_PRIVATE 137 /* the kernel's */

/* What the kernel does at each wait, in order; 0: let the sleeper be woken meanwhile. */
static struct {
    const int *errors;
    unsigned waits, wakes;
    struct timespec until; /* of the last wait; zeroed: none */
    struct parker *parker;
    bool wakes_at_the_end; /* the wake comes with the last error */
} kernel;

static long fake_wait(const struct timespec *until) {
    int error = kernel.errors[kernel.waits++];
    kernel.until = until != NULL ? *until : (struct timespec){0};
    if (error == 0 || kernel.wakes_at_the_end)
        lend__parker_wake(kernel.parker);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

/* The linker has the core's calls come here, and has these go to the C library. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    void *word = va_arg(list, void *);
    int operation = va_arg(list, int);
    unsigned value = va_arg(list, unsigned);
    const struct timespec *until = va_arg(list, const struct timespec *);
    void *word2 = va_arg(list, void *);
    unsigned mask = va_arg(list, unsigned);
    va_end(list);
    bool is_fake = number == SYS_futex && kernel.errors != NULL;
    if (is_fake && operation == FUTEX_WAIT_BITSET_PRIVATE)
        return fake_wait(until);
    if (is_fake) {
        kernel.wakes++;
        errno = EFAULT; /* as if the sleeper were up and gone */
        return -1;
    }
    return __real_syscall(number, word, operation, value, until, word2, mask);
}

static void script(struct parker *parker, const int *errors) {
    parker_init(parker);
    kernel.parker = parker;
    kernel.errors = errors;
    kernel.waits = kernel.wakes = 0;
    kernel.wakes_at_the_end = false;
    errno = EDOM;
}

static int end_script(void **state) {
    (void)state;
    kernel.errors = NULL;
    return 0;
}

static void a_wake_before_the_sleep_is_kept_and_two_are_one(void **state) {
    (void)state;
    struct parker parker;
    script(&parker, (const int[]){ENOSYS});
    lend__parker_wake(&parker);
    lend__parker_wake(&parker);
    assert_true(lend__parker_sleep(&parker, LEND_FOREVER));
    assert_false(lend__parker_sleep(&parker, LEND_NOW));
    assert_int_equal(kernel.waits + kernel.wakes, 0);
    parker_deinit(&parker);
}

static void a_sleep_that_is_disturbed_goes_on_until_the_wake(void **state) {
    (void)state;
    struct parker parker;
    script(&parker, (const int[]){EINTR, EAGAIN, EINTR, 0});
    assert_true(lend__parker_sleep(&parker, LEND_FOREVER));
    assert_int_equal(kernel.waits, 4);
    assert_int_equal(kernel.wakes, 1);
    assert_int_equal(kernel.until.tv_sec, 0);
    assert_false(lend__parker_sleep(&parker, LEND_NOW));
    assert_int_equal(errno, EDOM);
}

static void a_sleep_ends_at_its_deadline(void **state) {
    (void)state;
    struct parker parker;
    script(&parker, (const int[]){EINTR, ETIMEDOUT});
    assert_false(lend__parker_sleep(&parker, (lend_deadline){7 * NS_PER_S + 5}));
    assert_int_equal(kernel.waits, 2);
    assert_int_equal(kernel.until.tv_sec, 7);
    assert_int_equal(kernel.until.tv_nsec, 5);
    assert_int_equal(errno, EDOM);
    lend__parker_wake(&parker); /* nobody sleeps any more */
    assert_int_equal(kernel.wakes, 0);
    assert_true(lend__parker_sleep(&parker, LEND_NOW));
}

static void a_wake_that_meets_the_deadline_is_not_lost(void **state) {
    (void)state;
    struct parker parker;
    script(&parker, (const int[]){ETIMEDOUT});
    kernel.wakes_at_the_end = true;
    assert_true(lend__parker_sleep(&parker, (lend_deadline){1}));
    assert_false(lend__parker_sleep(&parker, LEND_NOW));
}

static void the_clock_of_deadlines_is_the_kernels(void **state) {
    (void)state;
    struct parker parker;
    parker_init(&parker);
    int64_t until_ns = lend__clock_now_ns() + 20 * NS_PER_MS;
    assert_false(lend__parker_sleep(&parker, (lend_deadline){until_ns}));
    assert_true(lend__clock_now_ns() >= until_ns);
    parker_deinit(&parker);
}

/* Two take turns at a plain variable: each sees what the other has done before the wake. */
enum { PATIENCE_MS = 30000 };

struct table {
    struct parker player[2];
    unsigned each;  /* turns that each takes */
    unsigned turns; /* of whoever's turn it is */
};

static bool take_turns(struct table *table, int me, bool begins) {
    for (unsigned i = 0; i < table->each; i++) {
        if (!begins && !lend__parker_sleep(&table->player[me], lend_within_ms(PATIENCE_MS)))
            return false;
        begins = false;
        table->turns++;
        lend__parker_wake(&table->player[1 - me]);
    }
    return true;
}

static void *play_second(void *table) {
    return take_turns(table, 1, /* begins= */ false) ? table : NULL;
}

static void who_is_woken_sees_what_was_done_before(void **state) {
    (void)state;
    struct table table = {.each = (unsigned)rounds(20000, 1000)};
    pthread_t second;
    void *played = NULL;
    parker_init(&table.player[0]);
    parker_init(&table.player[1]);
    assert_int_equal(pthread_create(&second, NULL, play_second, &table), 0);
    bool in_time = take_turns(&table, 0, /* begins= */ true);
    assert_int_equal(pthread_join(second, &played), 0);
    assert_true(in_time);
    assert_ptr_equal(played, &table);
    assert_int_equal(table.turns, 2 * table.each);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_wake_before_the_sleep_is_kept_and_two_are_one, end_script),
        cmocka_unit_test_teardown(a_sleep_that_is_disturbed_goes_on_until_the_wake, end_script),
        cmocka_unit_test_teardown(a_sleep_ends_at_its_deadline, end_script),
        cmocka_unit_test_teardown(a_wake_that_meets_the_deadline_is_not_lost, end_script),
        cmocka_unit_test(the_clock_of_deadlines_is_the_kernels),
        cmocka_unit_test(who_is_woken_sees_what_was_done_before),
    };
    return cmocka_run_group_tests_name("parker", tests, NULL, NULL);
}
