/* SPDX-License-Identifier: MIT
 *
 * When an executor takes its runs for short, whether that has anybody spin, and what of a job may
 * be passed over then. */
#define _GNU_SOURCE
#include "base/clock.h"
#include "base/cores.h"
#include "exec/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/one_core.h"
#include "support/plain_pool.h"

struct office {
    lend_pool *pool;
    lend_executor *executor;
};

static void open_office(struct office *office) {
    office->pool = plain_pool(.models = 1);
    assert_int_equal(
        lend_executor_open(&office->executor, &LEND_EXECUTOR_OPTIONS(.pool = office->pool)), 0);
}

static void close_office(struct office *office) {
    assert_int_equal(lend_executor_close(office->executor, LEND_FOREVER), 0);
    plain_pool_close(office->pool);
}

static int return_at_once(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    (void)job;
    return 0;
}

static int take_long(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    (void)job;
    for (int64_t began_ns = lend__clock_now_ns(); lend__clock_now_ns() < began_ns + NS_PER_MS;)
        ;
    return 0;
}

static int await_go(void *model, void *go, lend_job *job) {
    (void)model;
    (void)job;
    lend__parker_sleep(go, LEND_FOREVER);
    return 0;
}

/* Until the executor has seen it: not each run is timed, and a short one may be interrupted. */
static void run_until(lend_executor *executor, lend_job_function *run, bool hurries) {
    lend_future *future;
    do {
        assert_int_equal(
            lend_submit(executor, &LEND_JOB(.run = run, .deadline = LEND_FOREVER), &future), 0);
        assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
        lend_future_drop(future);
    } while (executor_hurries(executor) != hurries);
}

static void an_executor_hurries_while_runs_are_short(void **state) {
    (void)state;
    struct office office;
    open_office(&office);
    assert_false(executor_hurries(office.executor));
    run_until(office.executor, return_at_once, /* hurries= */ true);
    assert_int_equal(executor_spin_pays(office.executor), lend__cores_usable() > 1);
    run_until(office.executor, take_long, /* hurries= */ false);
    assert_false(executor_spin_pays(office.executor));
    run_until(office.executor, return_at_once, /* hurries= */ true);
    close_office(&office);
}

static void nobody_spins_on_the_only_core(void **state) {
    (void)state;
    struct office office;
    cpu_set_t before;
    assert_int_equal(restrict_to_one_core(&before), 0);
    open_office(&office);
    run_until(office.executor, return_at_once, /* hurries= */ true);
    assert_false(executor_spin_pays(office.executor));
    close_office(&office);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

/* Has the timekeeper seen the only job in the queue? */
static bool queued_is_watched(lend_executor *executor) {
    lend__lock_acquire(&executor->lock);
    const struct list_node *first = executor->locked.queue.first;
    bool watched = first != NULL && list_entry(first, struct task, place)->watched;
    lend__lock_release(&executor->lock);
    return watched;
}

/* Neither timed nor with an owner, it is answered the short way, but for that. */
static void a_job_that_the_timekeeper_watches_leaves_no_timer(void **state) {
    (void)state;
    struct office office;
    struct parker go;
    lend_future *held;
    parker_init(&go);
    open_office(&office);
    run_until(office.executor, return_at_once, /* hurries= */ true);
    while (inbox_entered(&office.executor->inbox) % 64 != 63)
        run_until(office.executor, return_at_once, /* hurries= */ true);
    run_until(office.executor, return_at_once, /* hurries= */ true); /* who counts for others */
    assert_int_equal(
        lend_submit(office.executor,
                    &LEND_JOB(.run = await_go, .argument = &go, .deadline = LEND_FOREVER), &held),
        0);
    assert_int_equal(
        lend_submit(office.executor,
                    &LEND_JOB(.run = return_at_once, .deadline = lend_within_ms(3600000)), NULL),
        0);
    while (!queued_is_watched(office.executor))
        sched_yield();
    lend__parker_wake(&go);
    assert_int_equal(lend_future_join(held, LEND_FOREVER), 0);
    lend_future_drop(held);
    run_until(office.executor, return_at_once, /* hurries= */ true);
    lend__lock_acquire(&office.executor->lock);
    assert_null(office.executor->locked.timers.top);
    lend__lock_release(&office.executor->lock);
    close_office(&office);
}

/* What the others do while somebody looks for room, once. */
static _Thread_local struct office *closed_meanwhile;
static _Thread_local struct parker *go_meanwhile;

/* It may linger for a lock, too. */
static _Thread_local bool locks;

bool __real_lend__thread_lingers(uint32_t *times);
bool __wrap_lend__thread_lingers(uint32_t *times);
void __real_lend__lock_acquire(struct lock *lock);
void __wrap_lend__lock_acquire(struct lock *lock);

void __wrap_lend__lock_acquire(struct lock *lock) {
    locks = true;
    __real_lend__lock_acquire(lock);
    locks = false;
}

bool __wrap_lend__thread_lingers(uint32_t *times) {
    struct office *office = locks ? NULL : closed_meanwhile;
    if (office != NULL) {
        closed_meanwhile = NULL;
        lend__parker_wake(go_meanwhile);
        close_office(office);
    }
    return __real_lend__thread_lingers(times);
}

/* Its worker has a job that ends on `go`, and the queue is full. Who looks for room closes it. */
static void open_full_office(struct office *office, struct parker *go) {
    struct lend_executor_stats stats;
    parker_init(go);
    office->pool = plain_pool(.models = 1);
    assert_int_equal(
        lend_executor_open(&office->executor, &LEND_EXECUTOR_OPTIONS(.pool = office->pool,
                                                                     .when_full = LEND_FULL_WAIT)),
        0);
    run_until(office->executor, return_at_once, /* hurries= */ true);
    assert_int_equal(
        lend_submit(office->executor,
                    &LEND_JOB(.run = await_go, .argument = go, .deadline = LEND_FOREVER), NULL),
        0);
    do
        assert_int_equal(lend_executor_stats_get(office->executor, &stats), 0);
    while (stats.running == 0);
    for (uint32_t i = 0; i < office->executor->options.queue_max; i++)
        assert_int_equal(lend_submit(office->executor, &LEND_JOB(.run = return_at_once), NULL), 0);
    go_meanwhile = go;
    closed_meanwhile = office;
}

static void an_executor_is_not_freed_under_who_looks_for_room(void **state) {
    (void)state;
    struct office office;
    struct parker go;
    open_full_office(&office, &go);
    assert_int_equal(lend_submit(office.executor, &LEND_JOB(.run = return_at_once), NULL),
                     ESHUTDOWN);
    assert_null(closed_meanwhile);
}

static void who_has_no_time_does_not_look_for_room(void **state) {
    (void)state;
    struct office office;
    struct parker go;
    open_full_office(&office, &go);
    assert_int_equal(
        lend_submit(office.executor, &LEND_JOB(.run = return_at_once, .deadline = LEND_NOW), NULL),
        ETIMEDOUT);
    assert_ptr_equal(closed_meanwhile, &office);
    closed_meanwhile = NULL;
    lend__parker_wake(&go);
    close_office(&office);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_executor_hurries_while_runs_are_short),
        cmocka_unit_test(nobody_spins_on_the_only_core),
        cmocka_unit_test(a_job_that_the_timekeeper_watches_leaves_no_timer),
        cmocka_unit_test(an_executor_is_not_freed_under_who_looks_for_room),
        cmocka_unit_test(who_has_no_time_does_not_look_for_room),
    };
    return cmocka_run_group_tests_name("haste", tests, NULL, NULL);
}
