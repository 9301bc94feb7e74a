/* SPDX-License-Identifier: MIT
 *
 * Futures: waiting, cancelling, values, joining, and failures that nobody reads. */
#include "support/pace.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_wait_ends_at_its_deadline_and_leaves_the_job_alone(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_int_equal(lend_future_wait(future, LEND_NOW), EBUSY);
    assert_int_equal(lend_future_wait(future, lend_within_ms(5)), ETIMEDOUT);
    assert_int_equal(lend_future_outcome(future), LEND_PENDING);
    assert_int_equal(lend_future_error(future), EBUSY);
    assert_string_equal(lend_future_reason(future), "");
    assert_null(lend_future_peek(future));
    tally_add(&held.go);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_wait(future, LEND_NOW), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void nothing_is_asked_of_no_future(void **state) {
    (void)state;
    assert_int_equal(lend_future_wait(NULL, LEND_NOW), EINVAL);
    assert_int_equal(lend_future_join(NULL, LEND_NOW), EINVAL);
    assert_int_equal(lend_future_cancel(NULL), EINVAL);
    assert_int_equal(lend_future_outcome(NULL), LEND_FAILED);
    assert_int_equal(lend_future_error(NULL), EINVAL);
    assert_string_equal(lend_future_reason(NULL), "");
    assert_null(lend_future_peek(NULL));
    assert_null(lend_future_take(NULL));
    lend_future_drop(NULL);
}

static void a_jobs_error_is_in_its_future(void **state) {
    (void)state;
    struct workshop shop;
    int error = 4711;
    workshop_open(&shop, 1, NULL);
    lend_future *future;
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .argument = &error), &future),
        0);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_FAILED);
    assert_int_equal(lend_future_error(future), 4711);
    assert_string_equal(lend_future_reason(future), "an error of the caller's own");
    lend_future_drop(future);
    workshop_close(&shop);
}

/* cancelling */

static void a_queued_job_that_is_cancelled_never_starts(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job first, second;
    held_job_init(&first);
    held_job_init(&second);
    workshop_open(&shop, 1, NULL);
    lend_future *running = held_job_submit(&shop, &first, LEND_FOREVER);
    assert_true(tally_wait(&first.started, 1));
    lend_future *queued = held_job_submit(&shop, &second, LEND_FOREVER);
    assert_int_equal(lend_future_cancel(queued), 0);
    assert_int_equal(lend_future_wait(queued, LEND_NOW), 0);
    assert_int_equal(lend_future_outcome(queued), LEND_CANCELLED);
    assert_int_equal(lend_future_error(queued), ECANCELED);
    assert_int_equal(lend_future_cancel(queued), EALREADY);
    assert_int_equal(lend_future_join(queued, LEND_FOREVER), 0);
    assert_int_equal(tally_count(&second.started), 0);
    assert_int_equal(tally_count(&second.done), 1);
    assert_int_equal(tally_count(&second.dropped), 1);
    assert_false(second.done_on_this_thread);
    assert_false(second.dropped_on_this_thread);
    tally_add(&first.go);
    assert_int_equal(lend_future_join(running, LEND_FOREVER), 0);
    lend_future_drop(running);
    lend_future_drop(queued);
    workshop_close(&shop);
    held_job_deinit(&first);
    held_job_deinit(&second);
}

static void a_job_that_waits_for_a_model_and_is_cancelled_never_starts(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_true(lend_lease_ok(&lease));
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(eventually(stats_of(shop.pool).waiting == 1));
    assert_int_equal(executor_stats_of(shop.executor).borrowing, 1);
    assert_int_equal(lend_future_cancel(future), 0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_CANCELLED);
    assert_int_equal(tally_count(&held.started), 0);
    assert_int_equal(tally_count(&held.dropped), 1);
    assert_int_equal(stats_of(shop.pool).waiting, 0);
    lend_future_drop(future);
    lend_release(&lease);
    assert_int_equal(stats_of(shop.pool).free, 1);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void a_running_job_is_asked_to_stop_and_may(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    held.heeds = true;
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    assert_int_equal(lend_future_cancel(future), EINPROGRESS);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_CANCELLED);
    assert_int_equal(lend_future_error(future), ECANCELED);
    assert_int_equal(stats_of(shop.pool).free, 1);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void a_running_job_that_finishes_in_spite_of_a_cancel_has_succeeded(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    assert_int_equal(lend_future_cancel(future), EINPROGRESS);
    assert_int_equal(lend_future_cancel(future), EINPROGRESS);
    tally_add(&held.go);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void a_job_that_says_cancelled_without_being_asked_has_failed(void **state) {
    (void)state;
    struct workshop shop;
    int error = ECANCELED;
    workshop_open(&shop, 1, NULL);
    lend_future *future;
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .argument = &error), &future),
        0);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_FAILED);
    assert_int_equal(lend_future_error(future), ECANCELED);
    lend_future_drop(future);
    workshop_close(&shop);
}

/* values */

static void count_destroyed(void *value) {
    tally_add(value);
}

static int return_argument(void *model, void *argument, lend_job *job) {
    (void)model;
    lend_job_return(job, argument, count_destroyed);
    return 0;
}

static int return_and_hold(void *model, void *argument, lend_job *job) {
    struct held_job *held = argument;
    lend_job_return(job, held, NULL);
    return held_job_run(model, held, job);
}

static void a_value_is_not_to_be_had_before_the_decision(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *future;
    assert_int_equal(
        lend_submit(shop.executor,
                    &LEND_JOB(.run = return_and_hold, .argument = &held, .deadline = LEND_FOREVER),
                    &future),
        0);
    assert_true(tally_wait(&held.started, 1));
    assert_null(lend_future_peek(future));
    assert_null(lend_future_take(future));
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_ptr_equal(lend_future_take(future), &held);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static lend_future *run_for_value(struct workshop *shop, struct tally *value) {
    lend_future *future = NULL;
    assert_int_equal(
        lend_submit(shop->executor, &LEND_JOB(.run = return_argument, .argument = value), &future),
        0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    return future;
}

static void a_value_is_taken_once_and_then_not_destroyed(void **state) {
    (void)state;
    struct workshop shop;
    struct tally value;
    tally_init(&value);
    workshop_open(&shop, 1, NULL);
    lend_future *future = run_for_value(&shop, &value);
    assert_ptr_equal(lend_future_peek(future), &value);
    assert_ptr_equal(lend_future_take(future), &value);
    assert_null(lend_future_take(future));
    assert_null(lend_future_peek(future));
    lend_future_drop(future);
    assert_int_equal(tally_count(&value), 0);
    workshop_close(&shop);
    tally_deinit(&value);
}

static void a_value_that_nobody_takes_is_destroyed_with_the_future(void **state) {
    (void)state;
    struct workshop shop;
    struct tally value;
    tally_init(&value);
    workshop_open(&shop, 1, NULL);
    lend_future *future = run_for_value(&shop, &value);
    assert_ptr_equal(lend_future_peek(future), &value);
    assert_int_equal(tally_count(&value), 0);
    lend_future_drop(future);
    assert_int_equal(tally_count(&value), 1);
    workshop_close(&shop);
    tally_deinit(&value);
}

static void the_value_of_a_job_without_a_future_is_destroyed(void **state) {
    (void)state;
    struct workshop shop;
    struct tally value;
    tally_init(&value);
    workshop_open(&shop, 1, NULL);
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = return_argument, .argument = &value), NULL), 0);
    workshop_close(&shop);
    assert_int_equal(tally_count(&value), 1);
    tally_deinit(&value);
}

/* failures that nobody reads */

static void a_failure_that_nobody_reads_goes_to_the_sink(void **state) {
    (void)state;
    struct workshop shop;
    int error = EIO;
    workshop_open(&shop, 1, NULL);
    lend_future *future;
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .argument = &error), &future),
        0);
    int line = __LINE__ - 3;
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(events_count(&shop.events), 0);
    lend_future_drop(future);
    assert_int_equal(events_count(&shop.events), 1);
    struct recorded_event event = events_first_of(&shop.events, LEND_EVENT_JOB_UNREAD);
    assert_int_equal(event.error, EIO);
    assert_int_equal(event.slot, -1);
    assert_true(event.job > 0);
    assert_string_equal(event.owner, "workshop");
    assert_string_equal(event.text, lend_strerror(EIO));
    assert_true(event.site->line >= line - 1 && event.site->line <= line + 1);
    assert_int_equal(executor_stats_of(shop.executor).events, 1);
    workshop_close(&shop);
}

static void a_failure_of_a_job_without_a_future_goes_to_the_sink(void **state) {
    (void)state;
    struct workshop shop;
    int error = EIO;
    workshop_open(&shop, 1, NULL);
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .argument = &error), NULL), 0);
    workshop_close(&shop);
    assert_int_equal(shop.events.count, 1);
    assert_int_equal(shop.events.kept[0].kind, LEND_EVENT_JOB_UNREAD);
}

static void a_failure_that_was_read_or_asked_for_is_no_news(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held, cancelled;
    int error = EIO;
    held_job_init(&held);
    held_job_init(&cancelled);
    workshop_open(&shop, 1, NULL);
    lend_future *future;
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .argument = &error), &future),
        0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_error(future), EIO);
    lend_future_drop(future);

    future = held_job_submit(&shop, &held, LEND_FOREVER);
    lend_future *unstarted = held_job_submit(&shop, &cancelled, LEND_FOREVER);
    assert_int_equal(lend_future_cancel(unstarted), 0);
    lend_future_drop(unstarted);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    assert_true(tally_wait(&cancelled.dropped, 1));
    assert_int_equal(events_count(&shop.events), 0);
    workshop_close(&shop);
    held_job_deinit(&held);
    held_job_deinit(&cancelled);
}

static void drop_in_done(lend_future *future, void *argument) {
    struct tally *errors = argument;
    if (lend_future_error(future) == EIO)
        tally_add(errors);
    lend_future_drop(future);
}

static void a_future_may_be_read_and_dropped_in_its_own_done(void **state) {
    (void)state;
    struct workshop shop;
    struct tally errors;
    int error = EIO;
    tally_init(&errors);
    workshop_open(&shop, 1, NULL);
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = plain_job_run, .argument = &error,
                                           .done = drop_in_done, .done_argument = &errors),
                                 &future),
                     0);
    assert_true(tally_wait(&errors, 1));
    assert_int_equal(events_count(&shop.events), 0);
    workshop_close(&shop);
    tally_deinit(&errors);
}

/* lifetimes */

static void a_future_outlives_its_executor_and_its_pool(void **state) {
    (void)state;
    struct workshop shop;
    struct tally value;
    tally_init(&value);
    workshop_open(&shop, 1, NULL);
    lend_future *good = run_for_value(&shop, &value);
    int error = EIO;
    lend_future *bad;
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .argument = &error), &bad), 0);
    assert_int_equal(lend_executor_close(shop.executor, LEND_FOREVER), 0);
    shop.executor = NULL;
    assert_int_equal(lend_pool_close(shop.pool, LEND_NOW, NULL), 0);
    assert_int_equal(lend_future_wait(good, LEND_NOW), 0);
    assert_int_equal(lend_future_join(good, LEND_NOW), 0);
    assert_int_equal(lend_future_cancel(good), EALREADY);
    assert_ptr_equal(lend_future_take(good), &value);
    lend_future_drop(good);
    assert_int_equal(events_count(&shop.events), 0);
    lend_future_drop(bad);
    assert_int_equal(events_count_of(&shop.events, LEND_EVENT_JOB_UNREAD), 1);
    events_deinit(&shop.events);
    tally_deinit(&value);
}

struct introspection {
    lend_future *future; /* of the job itself; set once `told` was counted */
    struct tally told;
    int wait_in_job, join_in_job, wait_in_done, join_in_done;
};

static int wait_for_oneself(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    struct introspection *self = argument;
    tally_wait(&self->told, 1);
    self->wait_in_job = lend_future_wait(self->future, LEND_FOREVER);
    self->join_in_job = lend_future_join(self->future, LEND_FOREVER);
    return 0;
}

static void wait_in_done(lend_future *future, void *argument) {
    struct introspection *self = argument;
    self->wait_in_done = lend_future_wait(future, LEND_FOREVER);
    self->join_in_done = lend_future_join(future, LEND_FOREVER);
}

static void a_job_cannot_wait_for_itself(void **state) {
    (void)state;
    struct workshop shop;
    struct introspection self = {0};
    tally_init(&self.told);
    workshop_open(&shop, 1, NULL);
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = wait_for_oneself, .argument = &self,
                                           .done = wait_in_done, .done_argument = &self),
                                 &self.future),
                     0);
    tally_add(&self.told);
    assert_int_equal(lend_future_join(self.future, LEND_FOREVER), 0);
    assert_int_equal(self.wait_in_job, EDEADLK);
    assert_int_equal(self.join_in_job, EDEADLK);
    assert_int_equal(self.wait_in_done, 0);
    assert_int_equal(self.join_in_done, EDEADLK);
    lend_future_drop(self.future);
    workshop_close(&shop);
    tally_deinit(&self.told);
}

static void the_model_is_back_when_the_outcome_is_seen(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    for (int i = 0; i < rounds(500, 50); i++) {
        lend_future *future;
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &future), 0);
        assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
        assert_int_equal(stats_of(shop.pool).free, 1);
        lend_future_drop(future);
    }
    workshop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_at_its_deadline_and_leaves_the_job_alone),
        cmocka_unit_test(nothing_is_asked_of_no_future),
        cmocka_unit_test(a_jobs_error_is_in_its_future),
        cmocka_unit_test(a_queued_job_that_is_cancelled_never_starts),
        cmocka_unit_test(a_job_that_waits_for_a_model_and_is_cancelled_never_starts),
        cmocka_unit_test(a_running_job_is_asked_to_stop_and_may),
        cmocka_unit_test(a_running_job_that_finishes_in_spite_of_a_cancel_has_succeeded),
        cmocka_unit_test(a_job_that_says_cancelled_without_being_asked_has_failed),
        cmocka_unit_test(a_value_is_not_to_be_had_before_the_decision),
        cmocka_unit_test(a_value_is_taken_once_and_then_not_destroyed),
        cmocka_unit_test(a_value_that_nobody_takes_is_destroyed_with_the_future),
        cmocka_unit_test(the_value_of_a_job_without_a_future_is_destroyed),
        cmocka_unit_test(a_failure_that_nobody_reads_goes_to_the_sink),
        cmocka_unit_test(a_failure_of_a_job_without_a_future_goes_to_the_sink),
        cmocka_unit_test(a_failure_that_was_read_or_asked_for_is_no_news),
        cmocka_unit_test(a_future_may_be_read_and_dropped_in_its_own_done),
        cmocka_unit_test(a_future_outlives_its_executor_and_its_pool),
        cmocka_unit_test(a_job_cannot_wait_for_itself),
        cmocka_unit_test(the_model_is_back_when_the_outcome_is_seen),
    };
    return cmocka_run_group_tests_name("future", tests, NULL, NULL);
}
