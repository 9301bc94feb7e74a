/* SPDX-License-Identifier: MIT
 *
 * Leases, waits and closes at moments that do not last: a race leads there, and the functions
 * inside are called in just that state. */
#include "base/clock.h"
#include "pool/deadlock.h"
#include "pool/lending.h"
#include "pool/state.h"

#include <lend/completions.h>
#include <lend/executor.h>
#include <lend/lease.h>
#include <lend/request.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/plain_pool.h"

/* adopting */

static struct slot detached_slot(uint64_t generation, uint64_t told) {
    struct slot slot = {0};
    word_init(&slot.life, life_make(generation, SLOT_LENT));
    word_init(&slot.owner, owner_make(OWNER_DETACHED, 7, told));
    word_init(&slot.told, told);
    return slot;
}

static void a_lease_that_ended_while_it_was_adopted_leaves_the_next_one_detached(void **state) {
    (void)state;
    struct slot slot = detached_slot(2, 2);
    int held = (int)lend__thread_self.held;
    assert_int_equal(lend__slot_adopt(&slot, 1), ESTALE);
    assert_int_equal(owner_kind(word_peek(&slot.owner)), OWNER_DETACHED);
    assert_int_equal(owner_tid(word_peek(&slot.owner)), 7);
    assert_int_equal(lend__thread_self.held, held);
}

static void a_lease_that_nobody_has_told_of_so_far_is_not_adopted(void **state) {
    (void)state;
    struct slot slot = detached_slot(2, 1);
    assert_int_equal(lend__slot_adopt(&slot, 2), ESTALE);
    assert_int_equal(owner_kind(word_peek(&slot.owner)), OWNER_DETACHED);
}

static void a_lease_that_came_back_in_time_is_not_overdue(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 1, .spares = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    const struct lend_lease copy = lease;
    lend_release(&lease);
    lend__lease_overdue(pool, &copy);
    assert_false(pool->slots[0].overdue);
    lend__lock_acquire(&pool->lock);
    assert_int_equal(lend__pool_wanted(pool), 1);
    lend__lock_release(&pool->lock);
    plain_pool_close(pool);
}

static void a_lease_that_came_back_takes_nothing_from_the_next_one(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 1, .spares = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    const struct lend_lease copy = lease;
    lend_release(&lease);
    lease = lend_acquire(pool, LEND_NOW);
    lend__lease_overdue(pool, &lease);
    lend__lease_overdue(pool, &copy);
    lend__lock_acquire(&pool->lock);
    assert_int_equal(lend__pool_wanted(pool), 2);
    lend__lock_release(&pool->lock);
    lend_release(&lease);
    plain_pool_close(pool);
}

/* what a task holds */

static void keep(struct lend_lease *lease, void *argument) {
    *(struct lend_lease *)argument = lend_lease_take(lease);
}

enum { TASK = 7 };

/* The pool's model, as the task. */
static struct lend_lease lend_to_task(lend_pool *pool) {
    struct lend_lease lease = {0};
    lend_completions *queue;
    assert_int_equal(lend_completions_open(&queue), 0);
    assert_int_equal(lend_acquire_later(pool, LEND_NOW,
                                        &LEND_REQUEST(.queue = queue, .acquired = keep,
                                                      .argument = &lease, .task = TASK),
                                        NULL),
                     0);
    assert_int_equal(lend_completions_run(queue, 1), 1);
    assert_true(lend_lease_ok(&lease));
    assert_true(lend__watch_task_may_be_awaited(TASK));
    assert_int_equal(lend_completions_close(queue), 0);
    return lease;
}

static void *leave_as_task(void *pool) {
    lend_to_task(pool);
    return NULL;
}

static void a_task_that_has_its_lease_no_more_is_not_awaited_for_it(void **state) {
    (void)state;
    pthread_t leaver;
    lend_pool *pool = plain_pool(.models = 1);
    struct lend_lease lease = lend_to_task(pool);
    assert_int_equal(lend_lease_detach(&lease), 0);
    assert_false(lend__watch_task_may_be_awaited(TASK));
    lend_release(&lease);
    lease = lend_to_task(pool);
    assert_int_equal(lend_lease_adopt(&lease), 0);
    assert_false(lend__watch_task_may_be_awaited(TASK));
    lend_release(&lease);
    assert_int_equal(pthread_create(&leaver, NULL, leave_as_task, pool), 0);
    pthread_join(leaver, NULL);
    assert_false(lend__watch_task_may_be_awaited(TASK));
    plain_pool_close(pool);
}

static void a_thread_that_gives_its_lease_away_is_not_taken_for_a_task(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_int_equal(lend_lease_detach(&lease), 0);
    assert_false(lend__watch_task_may_be_awaited(owner_number(thread_owner())));
    lend_release(&lease);
    plain_pool_close(pool);
}

static int await(void *model, void *go, lend_job *job) {
    (void)model;
    (void)job;
    while (!atomic_load((atomic_bool *)go))
        sched_yield();
    return 0;
}

/* A task's lease, on the thread of that task. */
struct adoption {
    lend_pool *pool;
    struct lend_lease *lease;
};

static int adopt_and_leave(void *model, void *argument, lend_job *job) {
    struct adoption *adoption = argument;
    (void)model;
    (void)job;
    return lend_lease_adopt(adoption->lease);
}

static int release_and_leave_another(void *model, void *argument, lend_job *job) {
    struct adoption *adoption = argument;
    struct lend_lease left = lend_acquire(adoption->pool, LEND_NOW);
    (void)model;
    (void)job;
    lend_release(adoption->lease);
    return lend_lease_error(&left);
}

static uint32_t lent(lend_pool *pool) {
    struct lend_pool_stats stats;
    assert_int_equal(lend_pool_stats_get(pool, &stats), 0);
    return stats.lent;
}

/* On this thread, since the worker is busy and the queue is full. */
static void run_beside_a_task(lend_job_function *run) {
    atomic_bool go = false;
    lend_executor *executor;
    lend_pool *pool = plain_pool(.models = 4);
    assert_int_equal(
        lend_executor_open(&executor,
                           &LEND_EXECUTOR_OPTIONS(.pool = pool, .workers = 1, .queue_max = 1,
                                                  .when_full = LEND_FULL_RUN_HERE)),
        0);
    struct lend_lease lease = lend_to_task(pool);
    struct adoption adoption = {pool, &lease};
    for (int i = 0; i < 2; i++)
        assert_int_equal(lend_submit(executor, &LEND_JOB(.run = await, .argument = &go), NULL), 0);
    while (lent(pool) < 2)
        sched_yield();
    lend_future *future;
    assert_int_equal(lend_submit(executor, &LEND_JOB(.run = run, .argument = &adoption), &future),
                     0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
    assert_int_equal(lent(pool), 1);
    assert_false(lend__watch_task_may_be_awaited(TASK));
    atomic_store(&go, true);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    plain_pool_close(pool);
}

static void what_a_job_adopted_of_a_task_comes_back_with_it(void **state) {
    (void)state;
    run_beside_a_task(adopt_and_leave);
}

static void a_task_s_lease_that_a_job_gave_back_hides_none_that_it_left(void **state) {
    (void)state;
    run_beside_a_task(release_and_leave_another);
}

/* calling off a wait */

static void who_was_called_off_before_it_came_does_not_queue(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 1);
    struct borrow_cancel cancel = {0};
    lend__acquire_cancel(pool, &cancel);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    struct lend_lease none = lend__acquire(pool, LEND_FOREVER, /* site= */ NULL, &cancel);
    assert_int_equal(lend_lease_error(&none), ECANCELED);
    assert_int_equal(pool->locked.queued, 0);
    lend_release(&none);
    lend_release(&lease);
    plain_pool_close(pool);
}

static void a_grant_stands_though_it_is_called_off_afterwards(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 1);
    struct borrower granted = {.waiter = {.verdict = VERDICT_GRANTED}};
    struct borrow_cancel cancel = {.borrower = &granted};
    lend__acquire_cancel(pool, &cancel);
    assert_int_equal(granted.waiter.verdict, VERDICT_GRANTED);
    plain_pool_close(pool);
}

static void a_grant_stands_though_a_deadlock_was_found_meanwhile(void **state) {
    (void)state;
    struct list woken = {0};
    lend_pool *pool = plain_pool(.models = 1);
    struct borrower granted = {.waiter = {.verdict = VERDICT_GRANTED}};
    struct wait wait = lend__borrower_wait(pool, &granted, LEND_FOREVER);
    wait.ops->refuse(&wait, &woken);
    assert_int_equal(granted.waiter.verdict, VERDICT_GRANTED);
    assert_int_equal(woken.length, 0);
    plain_pool_close(pool);
}

/* an early wake of a closer */

static void *wake_the_closer(void *argument) {
    lend_pool *pool = argument;
    for (bool woken = false; !woken; sched_yield()) {
        lend__lock_acquire(&pool->lock);
        woken = pool->locked.closer != NULL;
        if (woken)
            lend__parker_wake(pool->locked.closer);
        lend__lock_release(&pool->lock);
    }
    return NULL;
}

static void a_closer_that_is_woken_early_waits_on(void **state) {
    (void)state;
    pthread_t waker;
    lend_pool *pool = plain_pool(.models = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_int_equal(pthread_create(&waker, NULL, wake_the_closer, pool), 0);
    int64_t began_ns = lend__clock_now_ns();
    assert_int_equal(lend_pool_close(pool, lend_within_ms(50), NULL), EBUSY);
    assert_true(lend__clock_now_ns() - began_ns >= 50 * NS_PER_MS);
    pthread_join(waker, NULL);
    lend_release(&lease);
    plain_pool_close(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_that_ended_while_it_was_adopted_leaves_the_next_one_detached),
        cmocka_unit_test(a_lease_that_nobody_has_told_of_so_far_is_not_adopted),
        cmocka_unit_test(a_lease_that_came_back_in_time_is_not_overdue),
        cmocka_unit_test(a_lease_that_came_back_takes_nothing_from_the_next_one),
        cmocka_unit_test(a_task_that_has_its_lease_no_more_is_not_awaited_for_it),
        cmocka_unit_test(a_thread_that_gives_its_lease_away_is_not_taken_for_a_task),
        cmocka_unit_test(what_a_job_adopted_of_a_task_comes_back_with_it),
        cmocka_unit_test(a_task_s_lease_that_a_job_gave_back_hides_none_that_it_left),
        cmocka_unit_test(who_was_called_off_before_it_came_does_not_queue),
        cmocka_unit_test(a_grant_stands_though_it_is_called_off_afterwards),
        cmocka_unit_test(a_grant_stands_though_a_deadlock_was_found_meanwhile),
        cmocka_unit_test(a_closer_that_is_woken_early_waits_on),
    };
    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
