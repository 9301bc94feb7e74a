/* SPDX-License-Identifier: MIT
 *
 * Waits for several jobs that could not end: which of them is refused, and which is not. */
#include "support/pace.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct nesting {
    lend_executor *executor;
    int error; /* of the wait for any of two jobs that are queued behind it, and one that is not */
};

static int wait_for_two(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    struct nesting *nesting = argument;
    lend_future *futures[3] = {NULL};
    size_t index;
    for (int i = 1; i < 3; i++) {
        int error =
            lend_submit(nesting->executor,
                        &LEND_JOB(.run = plain_job_run, .deadline = LEND_FOREVER), &futures[i]);
        if (error != 0)
            return error;
    }
    nesting->error = lend_future_wait_any(futures, 3, LEND_FOREVER, &index);
    for (int i = 1; i < 3; i++)
        lend_future_drop(futures[i]);
    return 0;
}

static void a_job_that_waits_for_any_of_those_behind_it_is_refused(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct nesting nesting = {.executor = shop.executor};
    lend_future *future;
    assert_int_equal(
        lend_submit(shop.executor,
                    &LEND_JOB(.run = wait_for_two, .argument = &nesting, .deadline = LEND_FOREVER),
                    &future),
        0);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    assert_int_equal(nesting.error, EDEADLK);
    assert_non_null(
        strstr(events_first_of(&shop.events, LEND_EVENT_DEADLOCK).text, "one of 2 jobs"));
    lend_future_drop(future);
    workshop_close(&shop);
}

/* As the callback of a job before them, without a model. */
struct callback {
    lend_executor *executor;
    struct tally called, taken;
    int error;
};

static void wait_for_any_of_two(lend_future *future, void *argument) {
    (void)future;
    struct callback *self = argument;
    struct nesting nesting = {.executor = self->executor};
    tally_add(&self->called);
    tally_wait(&self->taken, 1);
    int error = wait_for_two(NULL, &nesting, NULL);
    self->error = error != 0 ? error : nesting.error;
}

static void a_callback_that_waits_for_any_of_those_behind_it_is_refused(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct callback callback = {.executor = shop.executor};
    tally_init(&callback.called);
    tally_init(&callback.taken);
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = plain_job_run, .done = wait_for_any_of_two,
                                           .done_argument = &callback),
                                 &future),
                     0);
    assert_true(tally_wait(&callback.called, 1));
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_true(lend_lease_ok(&lease));
    tally_add(&callback.taken);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(callback.error, EDEADLK);
    lend_release(&lease);
    lend_future_drop(future);
    workshop_close(&shop);
    tally_deinit(&callback.called);
    tally_deinit(&callback.taken);
}

/* Its wait is the first to end by its deadline. */
static void who_has_the_model_that_all_of_them_need_is_refused(void **state) {
    (void)state;
    struct workshop shop;
    lend_future *futures[2];
    size_t index;
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    for (int i = 0; i < 2; i++)
        assert_int_equal(lend_submit(shop.executor,
                                     &LEND_JOB(.run = plain_job_run, .deadline = LEND_FOREVER),
                                     &futures[i]),
                         0);
    assert_int_equal(lend_future_wait_any(futures, 2, lend_within_ms(3600000), &index), EDEADLK);
    lend_release(&lease);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lend_future_wait(futures[i], LEND_FOREVER), 0);
        assert_int_equal(lend_future_error(futures[i]), 0);
        lend_future_drop(futures[i]);
    }
    workshop_close(&shop);
}

static void with_another_worker_it_is_not(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 2, NULL);
    struct nesting nesting = {.executor = shop.executor, .error = -1};
    for (int i = 0; i < rounds(100, 10); i++) {
        lend_future *future;
        assert_int_equal(lend_submit(shop.executor,
                                     &LEND_JOB(.run = wait_for_two, .argument = &nesting), &future),
                         0);
        assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
        assert_int_equal(nesting.error, 0);
        lend_future_drop(future);
    }
    workshop_close(&shop);
}

/* A pool with one model, which this thread has, and jobs that wait for it. */
struct knot {
    struct workshop shop, kept;
    struct lend_lease lease;
};

struct borrowing {
    lend_pool *pool;
    lend_deadline deadline;
    int error;
};

static int borrow(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    struct borrowing *borrowing = argument;
    struct lend_lease lease = lend_acquire(borrowing->pool, borrowing->deadline);
    borrowing->error = lend_lease_error(&lease);
    lend_release(&lease);
    return 0;
}

static lend_future *knot_submit(struct knot *knot, struct borrowing *borrowing,
                                lend_deadline deadline) {
    lend_future *future = NULL;
    borrowing->pool = knot->kept.pool;
    assert_int_equal(
        lend_submit(knot->shop.executor,
                    &LEND_JOB(.run = borrow, .argument = borrowing, .deadline = deadline), &future),
        0);
    return future;
}

static void knot_open(struct knot *knot) {
    workshop_open(&knot->shop, 2, NULL);
    workshop_open(&knot->kept, 1, NULL);
    knot->lease = lend_acquire(knot->kept.pool, LEND_NOW);
}

static void knot_close(struct knot *knot, lend_future *futures[2]) {
    lend_release(&knot->lease);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lend_future_join(futures[i], lend_within_ms(PATIENCE_MS)), 0);
        lend_future_drop(futures[i]);
    }
    workshop_close(&knot->shop);
    workshop_close(&knot->kept);
}

static void one_that_can_go_on_is_enough_whichever_it_is(void **state) {
    (void)state;
    struct knot knot;
    struct held_job held;
    struct borrowing borrowing = {.deadline = LEND_FOREVER};
    size_t index;
    knot_open(&knot);
    held_job_init(&held);
    lend_future *futures[] = {knot_submit(&knot, &borrowing, LEND_FOREVER),
                              held_job_submit(&knot.shop, &held, LEND_FOREVER)};
    lend_future *const reversed[] = {futures[1], futures[0]};
    assert_true(tally_wait(&held.started, 1));
    assert_true(eventually(stats_of(knot.kept.pool).waiting == 1));
    assert_int_equal(lend_future_wait_any(futures, 2, lend_within_ms(5), &index), ETIMEDOUT);
    assert_int_equal(lend_future_wait_any(reversed, 2, lend_within_ms(5), &index), ETIMEDOUT);
    tally_add(&held.go);
    knot_close(&knot, futures);
    held_job_deinit(&held);
}

/* Of three that wait for each other the one is refused whose wait would end first. */
static void a_wait_for_any_ends_with_the_first_deadline_of_the_jobs(void **state) {
    (void)state;
    struct knot knot;
    struct borrowing borrowings[2];
    lend_future *futures[2];
    size_t index;
    knot_open(&knot);
    for (int i = 0; i < 2; i++) {
        borrowings[i] = (struct borrowing){.deadline = lend_within_ms(2 * 3600 * 1000)};
        futures[i] =
            knot_submit(&knot, &borrowings[i], i == 0 ? LEND_FOREVER : lend_within_ms(3600 * 1000));
    }
    assert_int_equal(lend_future_wait_any(futures, 2, LEND_FOREVER, &index), EDEADLK);
    knot_close(&knot, futures);
    assert_int_equal(borrowings[0].error, 0);
    assert_int_equal(borrowings[1].error, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_waits_for_any_of_those_behind_it_is_refused),
        cmocka_unit_test(a_callback_that_waits_for_any_of_those_behind_it_is_refused),
        cmocka_unit_test(who_has_the_model_that_all_of_them_need_is_refused),
        cmocka_unit_test(with_another_worker_it_is_not),
        cmocka_unit_test(one_that_can_go_on_is_enough_whichever_it_is),
        cmocka_unit_test(a_wait_for_any_ends_with_the_first_deadline_of_the_jobs),
    };
    return cmocka_run_group_tests_name("several_deadlock", tests, NULL, NULL);
}
