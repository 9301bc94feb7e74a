/* SPDX-License-Identifier: MIT
 *
 * Who has given his model to one who waited, and wants one again, lets the others have the core
 * before he queues: once, with empty hands, and as one whom close waits for. */
#include "sync/thread.h"

#include <errno.h>
#include <lend/lease.h>
#include <lend/thread.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/plain_pool.h"

void __real_lend__thread_gives_way(void);
void __wrap_lend__thread_gives_way(void);

static unsigned times;          /* that somebody gave way */
static void (*meanwhile)(void); /* called then, once */

void __wrap_lend__thread_gives_way(void) {
    void (*call)(void) = meanwhile;
    times++;
    meanwhile = NULL;
    if (call != NULL)
        call();
    __real_lend__thread_gives_way();
}

static lend_pool *pool; /* of one model */
static pthread_t other; /* has it, until `enough` */
static sem_t enough;

static void *borrow_until_enough(void *argument) {
    (void)argument;
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    while (sem_wait(&enough) != 0)
        ;
    lend_release(&lease);
    return NULL;
}

static struct lend_pool_stats stats_of_pool(void) {
    struct lend_pool_stats stats;
    assert_int_equal(lend_pool_stats_get(pool, &stats), 0);
    return stats;
}

/* This thread borrows the model, and gives it to the other one, who waits for it. */
static void hand_on(void) {
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    assert_true(lend_lease_ok(&lease));
    assert_int_equal(pthread_create(&other, NULL, borrow_until_enough, NULL), 0);
    while (stats_of_pool().waiting == 0)
        sched_yield();
    lend_release(&lease);
    assert_int_equal(stats_of_pool().lent, 1);
}

static void get_it_back(void) {
    assert_int_equal(sem_post(&enough), 0);
    assert_int_equal(pthread_join(other, NULL), 0);
}

/* The model goes to nobody, who keeps it. Returns what to give back. */
static struct lend_lease leave_with_nobody(lend_pool *of) {
    struct lend_lease lease = lend_acquire(of, LEND_NOW);
    assert_int_equal(lend_lease_detach(&lease), 0);
    return lease;
}

static void acquire_in_vain(lend_pool *from, lend_deadline deadline, int error) {
    struct lend_lease lease = lend_acquire(from, deadline);
    assert_int_equal(lend_lease_error(&lease), error);
    lend_release(&lease);
}

static int set_up(void **state) {
    (void)state;
    pool = plain_pool(.models = 1);
    times = 0;
    return sem_init(&enough, 0, 0);
}

static int tear_down(void **state) {
    (void)state;
    plain_pool_close(pool);
    return sem_destroy(&enough);
}

static void who_gave_a_model_on_gives_way_and_need_not_queue(void **state) {
    (void)state;
    hand_on();
    meanwhile = get_it_back;
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    assert_true(lend_lease_ok(&lease));
    lend_release(&lease);
    assert_int_equal(times, 1);
}

static void to_give_way_is_to_wait(void **state) {
    (void)state;
    hand_on();
    meanwhile = get_it_back;
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    lend_release(&lease);

    struct lend_pool_stats stats = stats_of_pool();
    assert_int_equal(stats.queued, 2);
    assert_int_equal(lend_histogram_count(&stats.waits), 2);
}

static void who_gave_way_in_vain_queues_and_is_counted_once(void **state) {
    (void)state;
    hand_on();
    acquire_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    assert_int_equal(times, 1);
    assert_int_equal(stats_of_pool().queued, 2);
    get_it_back();
}

static void one_gives_way_once_for_each_model_given_on(void **state) {
    (void)state;
    hand_on();
    acquire_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    acquire_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    assert_int_equal(times, 1);
    get_it_back();
    hand_on();
    acquire_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    assert_int_equal(times, 2);
    get_it_back();
}

static void who_may_not_wait_does_not_give_way(void **state) {
    (void)state;
    hand_on();
    acquire_in_vain(pool, LEND_NOW, EBUSY);
    lend_thread_forbid_blocking(true);
    acquire_in_vain(pool, LEND_FOREVER, EAGAIN);
    lend_thread_forbid_blocking(false);
    assert_int_equal(times, 0);
    get_it_back();
}

static void who_holds_a_model_does_not_give_way(void **state) {
    (void)state;
    lend_pool *second = plain_pool(.models = 1);
    hand_on();
    struct lend_lease held = lend_acquire(second, LEND_NOW);
    acquire_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    assert_int_equal(times, 0);
    lend_release(&held);
    get_it_back();
    plain_pool_close(second);
}

static void a_model_of_another_pool_does_not_count(void **state) {
    (void)state;
    lend_pool *second = plain_pool(.models = 1);
    struct lend_lease nobodys = leave_with_nobody(second);
    hand_on();
    acquire_in_vain(second, lend_within_ms(1), ETIMEDOUT);
    assert_int_equal(times, 0);
    lend_release(&nobodys);
    get_it_back();
    plain_pool_close(second);
}

/* Though it came back through the lock, as one that is given on does. */
static void a_model_that_nobody_waited_for_does_not_count(void **state) {
    (void)state;
    hand_on();
    get_it_back();
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_int_equal(lend_pool_suspend(pool), 0);
    lend_release(&lease);
    assert_int_equal(lend_pool_resume(pool), 0);
    struct lend_lease nobodys = leave_with_nobody(pool);
    acquire_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    assert_int_equal(times, 0);
    lend_release(&nobodys);
}

static void who_may_not_wait_in_this_pool_any_more_does_not_give_way(void **state) {
    (void)state;
    hand_on();
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    acquire_in_vain(pool, LEND_FOREVER, ESHUTDOWN);
    assert_int_equal(times, 0);
    get_it_back();
}

/* It is there, and the pool lends nothing. */
static void nobody_gives_way_for_an_idle_model(void **state) {
    (void)state;
    hand_on();
    get_it_back();
    assert_int_equal(lend_pool_suspend(pool), 0);
    acquire_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    assert_int_equal(times, 0);
    assert_int_equal(lend_pool_resume(pool), 0);
}

static void try_to_close(void) {
    get_it_back();
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
}

static void a_pool_is_not_freed_under_who_gives_way(void **state) {
    (void)state;
    hand_on();
    meanwhile = try_to_close;
    acquire_in_vain(pool, LEND_FOREVER, ESHUTDOWN);
    assert_int_equal(times, 1);
}

#define claim(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        claim(who_gave_a_model_on_gives_way_and_need_not_queue),
        claim(to_give_way_is_to_wait),
        claim(who_gave_way_in_vain_queues_and_is_counted_once),
        claim(one_gives_way_once_for_each_model_given_on),
        claim(who_may_not_wait_does_not_give_way),
        claim(who_holds_a_model_does_not_give_way),
        claim(a_model_of_another_pool_does_not_count),
        claim(a_model_that_nobody_waited_for_does_not_count),
        claim(who_may_not_wait_in_this_pool_any_more_does_not_give_way),
        claim(nobody_gives_way_for_an_idle_model),
        claim(a_pool_is_not_freed_under_who_gives_way),
    };
    return cmocka_run_group_tests_name("gives_way", tests, NULL, NULL);
}
