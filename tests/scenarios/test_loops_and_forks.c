/* SPDX-License-Identifier: MIT
 *
 * Two places in which other pools hang: the thread of an event loop, that waits for what only its
 * own next turn could give back, and the child of a fork, that waits for threads which it does not
 * have. Here both are told at once. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/child.h"
#include "support/fake_model.h"
#include "support/pace.h"
#include "support/workshop.h"

#include <lend/thread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MODELS 4
#define TASKS 5

static int allow_blocking(void **state) {
    (void)state;
    lend_thread_forbid_blocking(false);
    return 0;
}

/* An event loop: each turn runs one step of each task. A task takes a model in one step and gives
 * it back in a later one. */
struct task {
    struct lend_lease lease;
    bool holds, done;
    unsigned put_off; /* turns in which there was no model for it */
};

static void run_step(struct task *task, lend_pool *pool) {
    if (task->done)
        return;
    if (task->holds) {
        fake_end(task->lease.model);
        lend_release(&task->lease);
        task->done = true;
        return;
    }
    task->lease = lend_acquire(pool, LEND_FOREVER);
    task->holds = lend_lease_ok(&task->lease);
    if (task->holds) {
        fake_begin(task->lease.model);
        return;
    }
    assert_int_equal(lend_lease_error(&task->lease), EWOULDBLOCK);
    assert_int_equal(lend_lease_report(&task->lease)->holder_count, MODELS);
    lend_release(&task->lease);
    task->put_off++;
}

static void five_tasks_on_four_models_do_not_freeze_their_loop(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct task tasks[TASKS] = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = MODELS);
    lend_thread_forbid_blocking(true);
    for (int turn = 0; turn < 4; turn++)
        for (int i = 0; i < TASKS; i++)
            run_step(&tasks[i], pool);
    lend_thread_forbid_blocking(false);
    for (int i = 0; i < TASKS; i++) {
        assert_true(tasks[i].done);
        assert_int_equal(tasks[i].put_off, i < MODELS ? 0 : 1);
    }
    assert_int_equal(stats_of(pool).free, MODELS);
    fakes_close(&fakes, pool);
}

/* The same without the mark: it does not hang either, since all that it waits for is its own. */
static void a_loop_that_holds_every_model_itself_is_told_so(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_lease leases[MODELS];
    lend_pool *pool = fakes_pool(&fakes, .models = MODELS);
    for (int i = 0; i < MODELS; i++)
        leases[i] = borrow_now(pool);
    borrow_in_vain(pool, LEND_FOREVER, EDEADLK);
    for (int i = 0; i < MODELS; i++)
        lend_release(&leases[i]);
    assert_int_equal(stats_of(pool).free, MODELS);
    fakes_close(&fakes, pool);
}

/* Results come to a loop by a callback, with which it wakes itself: here, a tally. */
static void on_done(lend_future *future, void *argument) {
    (void)future;
    tally_add(argument);
}

static void a_loop_that_submits_waits_for_nothing_at_all(void **state) {
    (void)state;
    struct workshop shop;
    struct tally done;
    unsigned accepted = 0, refused = 0, asked = (unsigned)rounds(10000, 500);
    tally_init(&done);
    workshop_open(&shop, MODELS, &LEND_EXECUTOR_OPTIONS(.when_full = LEND_FULL_WAIT));
    lend_thread_forbid_blocking(true);
    for (unsigned i = 0; i < asked; i++) {
        int error = lend_submit(
            shop.executor, &LEND_JOB(.run = plain_job_run, .done = on_done, .done_argument = &done),
            NULL);
        accepted += error == 0;
        refused += error == EWOULDBLOCK;
    }
    lend_thread_forbid_blocking(false);
    assert_int_equal(accepted + refused, asked);
    assert_true(accepted > 0);
    assert_true(tally_wait(&done, accepted));
    workshop_close(&shop);
    tally_deinit(&done);
}

/* forks */

/* What a child does that knows nothing of all this; 0 if it was told each time. */
static int use_parents_pool(struct workshop *shop, struct lend_lease *lease, lend_future *future) {
    alarm(20); /* were it to hang */
    struct lend_lease more = lend_acquire(shop->pool, LEND_FOREVER);
    int wrong = lend_lease_error(&more) != EOWNERDEAD;
    lend_release(&more);
    lend_release(lease);
    wrong += lend_submit(shop->executor, &LEND_JOB(.run = plain_job_run), NULL) != EOWNERDEAD;
    wrong += lend_future_wait(future, LEND_FOREVER) != EOWNERDEAD;
    wrong += lend_executor_close(shop->executor, LEND_FOREVER) != EOWNERDEAD;
    wrong += lend_pool_suspend(shop->pool) != EOWNERDEAD;
    wrong += lend_pool_reload(shop->pool, LEND_FOREVER, NULL) != EOWNERDEAD;
    wrong += lend_pool_close(shop->pool, LEND_FOREVER, NULL) != EOWNERDEAD;
    return wrong;
}

static void a_forked_child_hangs_in_nothing_and_its_parent_notices_nothing(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 2, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    struct lend_lease lease = borrow_detached(shop.pool);
    lend_future *waiting; /* all are out, and somebody waits */
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &waiting), 0);
    assert_true(eventually(stats_of(shop.pool).waiting == 1));

    for (int i = 0; i < 10; i++) {
        pid_t child = child_fork();
        if (child == 0)
            _exit(use_parents_pool(&shop, &lease, future));
        assert_int_equal(child_status(child), 0);
    }

    assert_int_equal(stats_of(shop.pool).lent, 2);
    lend_release(&lease);
    assert_int_equal(lend_future_join(waiting, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_error(waiting), 0);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    lend_future_drop(waiting);
    lend_future_drop(future);
    assert_int_equal(events_count(&shop.events), 0);
    assert_int_equal(stats_of(shop.pool).free, 2);
    workshop_close(&shop);
    held_job_deinit(&held);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(five_tasks_on_four_models_do_not_freeze_their_loop,
                                  allow_blocking),
        cmocka_unit_test(a_loop_that_holds_every_model_itself_is_told_so),
        cmocka_unit_test_teardown(a_loop_that_submits_waits_for_nothing_at_all, allow_blocking),
        cmocka_unit_test(a_forked_child_hangs_in_nothing_and_its_parent_notices_nothing),
    };
    return cmocka_run_group_tests_name("loops_and_forks", tests, NULL, NULL);
}
