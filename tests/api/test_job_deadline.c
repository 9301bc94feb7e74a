/* SPDX-License-Identifier: MIT
 *
 * A job's deadline is answered on time wherever the job is: in the queue, waiting for a model, or
 * on one. */
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_queued_job_is_answered_at_its_deadline_while_every_worker_is_busy(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job first, second;
    held_job_init(&first);
    held_job_init(&second);
    workshop_open(&shop, 1, NULL);
    lend_future *running = held_job_submit(&shop, &first, LEND_FOREVER);
    assert_true(tally_wait(&first.started, 1));
    lend_future *queued = held_job_submit(&shop, &second, lend_within_ms(10));
    assert_int_equal(lend_future_join(queued, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(queued), LEND_EXPIRED);
    assert_int_equal(lend_future_error(queued), ETIMEDOUT);
    assert_string_equal(lend_future_reason(queued), "the deadline passed before a worker was free");
    assert_int_equal(second.told, LEND_EXPIRED);
    assert_int_equal(tally_count(&second.started), 0);
    assert_int_equal(tally_count(&second.dropped), 1);
    assert_int_equal(lend_future_outcome(running), LEND_PENDING);
    lend_future_drop(queued);
    tally_add(&first.go);
    assert_int_equal(lend_future_join(running, LEND_FOREVER), 0);
    lend_future_drop(running);
    workshop_close(&shop);
    held_job_deinit(&first);
    held_job_deinit(&second);
}

static void a_job_that_waits_for_a_model_expires_with_a_report_of_who_has_it(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_int_equal(lend_lease_detach(&lease), 0);
    lend_future *future = NULL;
    unsigned times = 0;
    do { /* and again, with twice the time, if no worker had come by then */
        lend_future_drop(future);
        future = held_job_submit(&shop, &held, lend_within_ms(10 << times++));
        assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    } while (strstr(lend_future_reason(future), "before a worker was free") != NULL && times < 8);
    assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
    assert_int_equal(lend_future_error(future), ETIMEDOUT);
    assert_non_null(strstr(lend_future_reason(future), "pool \"workshop\": no model within"));
    assert_non_null(strstr(lend_future_reason(future), "test_job_deadline.c:"));
    assert_int_equal(tally_count(&held.started), 0);
    assert_int_equal(tally_count(&held.dropped), times);
    lend_future_drop(future);
    lend_release(&lease);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void destroy_counted(void *value) {
    tally_add(value);
}

struct overrun {
    struct held_job held;
    struct tally destroyed;
};

static int overrun_and_return(void *model, void *argument, lend_job *job) {
    struct overrun *overrun = argument;
    lend_job_return(job, &overrun->destroyed, destroy_counted);
    return held_job_run(model, &overrun->held, job);
}

static void a_running_job_is_answered_at_its_deadline_while_it_goes_on(void **state) {
    (void)state;
    struct workshop shop;
    struct overrun overrun;
    held_job_init(&overrun.held);
    tally_init(&overrun.destroyed);
    workshop_open(&shop, 1, NULL);
    struct lend_job_spec spec = held_job_spec(&overrun.held, lend_within_ms(200));
    spec.run = overrun_and_return;
    spec.argument = &overrun;
    spec.drop_argument = NULL;
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor, &spec, &future), 0);
    assert_int_equal(lend_future_wait(future, (lend_deadline){0}), 0);
    assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
    assert_string_equal(lend_future_reason(future), "the deadline passed while it ran");
    assert_true(tally_wait(&overrun.held.done, 1));
    assert_int_equal(lend_future_join(future, LEND_NOW), EBUSY);
    assert_int_equal(executor_stats_of(shop.executor).running, 1);
    assert_int_equal(executor_stats_of(shop.executor).pending, 0);
    assert_int_equal(stats_of(shop.pool).lent, 1);

    tally_add(&overrun.held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
    assert_null(lend_future_peek(future));
    assert_int_equal(tally_count(&overrun.destroyed), 1);
    assert_int_equal(tally_count(&overrun.held.done), 1);
    assert_int_equal(executor_stats_of(shop.executor).overran, 1);
    assert_int_equal(stats_of(shop.pool).free, 1);
    lend_future_drop(future);
    workshop_close(&shop);
    tally_deinit(&overrun.destroyed);
    held_job_deinit(&overrun.held);
}

/* Nothing of the caller's is left to be called for it, and its own error is none. */
static void a_plain_job_that_overruns_and_succeeds_is_told_to_the_sink_all_the_same(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    lend_future *future;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_deadline deadline = lend_within_ms(200);
    lend_deadline much_later = {deadline.at_ns + 150 * 1000000};
    struct lend_job_spec spec =
        LEND_JOB(.run = held_job_run, .argument = &held, .deadline = deadline);
    assert_int_equal(lend_submit(shop.executor, &spec, &future), 0);
    assert_true(tally_wait(&held.started, 1));
    assert_true(eventually(lend_deadline_left_ms(much_later) == 0));
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
    assert_int_equal(executor_stats_of(shop.executor).expired, 1);
    assert_int_equal(executor_stats_of(shop.executor).succeeded, 0);
    assert_int_equal(events_count_of(&shop.events, LEND_EVENT_JOB_OVERRAN), 1);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

/* Submit it until it is begun before its deadline passes, which a loaded machine may delay. */
static lend_future *begin_in_time(struct workshop *shop, struct held_job *held,
                                  lend_deadline *ret_deadline) {
    for (int64_t ms = 20;; ms *= 2) {
        *ret_deadline = lend_within_ms(ms);
        lend_future *future = held_job_submit(shop, held, *ret_deadline);
        assert_true(eventually(tally_count(&held->started) > 0 ||
                               lend_future_outcome(future) != LEND_PENDING));
        if (tally_count(&held->started) > 0)
            return future;
        lend_future_drop(future);
    }
}

static void a_job_that_returns_long_after_its_deadline_is_told_to_the_sink(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    lend_deadline deadline;
    held_job_init(&held);
    held.result = EIO;
    workshop_open(&shop, 1, NULL);
    lend_future *future = begin_in_time(&shop, &held, &deadline);
    lend_deadline much_later = {deadline.at_ns + 150 * 1000000};
    assert_true(eventually(lend_deadline_left_ms(much_later) == 0));
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    struct recorded_event event = events_first_of(&shop.events, LEND_EVENT_JOB_OVERRAN);
    assert_int_equal(event.job, held.number);
    assert_int_equal(event.error, EIO);
    assert_non_null(strstr(event.text, " late"));
    assert_int_equal(lend_future_error(future), ETIMEDOUT);
    lend_future_drop(future);
    assert_int_equal(events_count(&shop.events), 1);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void a_running_job_is_told_when_its_deadline_has_passed(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    held.heeds = true;
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, lend_within_ms(20));
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
    assert_int_equal(stats_of(shop.pool).free, 1);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void a_job_without_any_time_is_accepted_and_expires(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    for (int i = 0; i < 100; i++) {
        struct held_job held;
        held_job_init(&held);
        held.heeds = true;
        lend_future *future = held_job_submit(&shop, &held, LEND_NOW);
        assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
        assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
        assert_int_equal(tally_count(&held.done), 1);
        assert_int_equal(tally_count(&held.dropped), 1);
        lend_future_drop(future);
        held_job_deinit(&held);
    }
    workshop_close(&shop);
}

/* The timekeeper sleeps until the earliest deadline it knows of: one that comes later, and is
 * earlier, must wake it. */
static void an_earlier_deadline_is_not_late_for_a_later_one(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held[3];
    lend_future *futures[3];
    const int64_t ms[3] = {3600000, 60000, 20};
    workshop_open(&shop, 1, NULL);
    for (int i = 0; i < 3; i++) {
        held_job_init(&held[i]);
        futures[i] = held_job_submit(&shop, &held[i], lend_within_ms(ms[i]));
    }
    assert_int_equal(lend_future_wait(futures[2], lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_outcome(futures[2]), LEND_EXPIRED);
    for (int i = 0; i < 3; i++) {
        tally_add(&held[i].go);
        assert_int_equal(lend_future_join(futures[i], LEND_FOREVER), 0);
        lend_future_drop(futures[i]);
    }
    workshop_close(&shop);
    for (int i = 0; i < 3; i++)
        held_job_deinit(&held[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queued_job_is_answered_at_its_deadline_while_every_worker_is_busy),
        cmocka_unit_test(a_job_that_waits_for_a_model_expires_with_a_report_of_who_has_it),
        cmocka_unit_test(a_running_job_is_answered_at_its_deadline_while_it_goes_on),
        cmocka_unit_test(a_plain_job_that_overruns_and_succeeds_is_told_to_the_sink_all_the_same),
        cmocka_unit_test(a_job_that_returns_long_after_its_deadline_is_told_to_the_sink),
        cmocka_unit_test(a_running_job_is_told_when_its_deadline_has_passed),
        cmocka_unit_test(a_job_without_any_time_is_accepted_and_expires),
        cmocka_unit_test(an_earlier_deadline_is_not_late_for_a_later_one),
    };
    return cmocka_run_group_tests_name("job deadline", tests, NULL, NULL);
}
