/* SPDX-License-Identifier: MIT
 *
 * Before a thread sleeps it looks again, and for no longer than a sleep would cost. */
#include "base/clock.h"
#include "sync/lock.h"
#include "sync/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* As in test_thread.c. */
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_sched_yield(void);
int __wrap_sched_yield(void);

static struct lock lock = LOCK_INIT;
static unsigned yields, sleeps;
static bool left_in_yield, left_in_sleep; /* by its holder */

int __wrap_sched_yield(void) {
    yields++;
    if (left_in_yield)
        lend__lock_release(&lock);
    left_in_yield = false;
    return __real_sched_yield();
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    sleeps++;
    if (left_in_sleep)
        lend__lock_release(&lock);
    left_in_sleep = false;
    return __real_pthread_mutex_lock(mutex);
}

static void who_lingers_gives_up_after_a_few_times(void **state) {
    (void)state;
    uint32_t times = 0;
    yields = 0;
    while (lend__thread_lingers(&times))
        assert_in_range(yields, 1, 100);
    assert_int_equal(yields, times);
    assert_false(lend__thread_lingers(&times));
    assert_int_equal(yields, times);
}

static void who_spins_gives_up_after_some_microseconds(void **state) {
    (void)state;
    int64_t since_ns = 0;
    int64_t began_ns = lend__clock_now_ns();
    unsigned looks = 0;
    while (lend__thread_spins(&since_ns))
        looks++;
    assert_in_range(since_ns, began_ns, lend__clock_now_ns());
    assert_true(lend__clock_now_ns() - since_ns >= NS_PER_US);
    assert_true(looks > 0);
    assert_false(lend__thread_spins(&since_ns));
}

static void a_free_lock_is_taken_at_once(void **state) {
    (void)state;
    yields = sleeps = 0;
    lend__lock_acquire(&lock);
    lend__lock_release(&lock);
    assert_int_equal(yields, 0);
    assert_int_equal(sleeps, 0);
}

static void nobody_sleeps_for_a_lock_that_is_left_at_once(void **state) {
    (void)state;
    yields = sleeps = 0;
    lend__lock_acquire(&lock);
    left_in_yield = true;
    lend__lock_acquire(&lock);
    lend__lock_release(&lock);
    assert_int_equal(yields, 1);
    assert_int_equal(sleeps, 0);
}

static void who_waits_for_a_lock_for_long_sleeps(void **state) {
    (void)state;
    uint32_t times = 0;
    while (lend__thread_lingers(&times))
        ;
    yields = sleeps = 0;
    lend__lock_acquire(&lock);
    left_in_sleep = true;
    lend__lock_acquire(&lock);
    lend__lock_release(&lock);
    assert_int_equal(yields, times);
    assert_int_equal(sleeps, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_lingers_gives_up_after_a_few_times),
        cmocka_unit_test(who_spins_gives_up_after_some_microseconds),
        cmocka_unit_test(a_free_lock_is_taken_at_once),
        cmocka_unit_test(nobody_sleeps_for_a_lock_that_is_left_at_once),
        cmocka_unit_test(who_waits_for_a_lock_for_long_sleeps),
    };
    return cmocka_run_group_tests_name("linger", tests, NULL, NULL);
}
