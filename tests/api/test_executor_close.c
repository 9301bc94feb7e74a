/* SPDX-License-Identifier: MIT
 *
 * Closing an executor: what is queued, what runs, who is told, and what becomes of the pool. */
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void close_works_off_what_is_queued(void **state) {
    (void)state;
    struct workshop shop;
    lend_future *futures[8];
    workshop_open(&shop, 2, NULL);
    for (int i = 0; i < 8; i++)
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &futures[i]),
                         0);
    assert_int_equal(lend_executor_close(shop.executor, lend_within_ms(PATIENCE_MS)), 0);
    shop.executor = NULL;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(lend_future_outcome(futures[i]), LEND_SUCCEEDED);
        lend_future_drop(futures[i]);
    }
    workshop_close(&shop);
}

static void at_the_deadline_close_cancels_what_has_not_started_and_stops_what_runs(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job running, queued;
    held_job_init(&running);
    held_job_init(&queued);
    running.heeds = true;
    workshop_open(&shop, 1, NULL);
    lend_future *first = held_job_submit(&shop, &running, LEND_FOREVER);
    assert_true(tally_wait(&running.started, 1));
    lend_future *second = held_job_submit(&shop, &queued, LEND_FOREVER);
    int error = lend_executor_close(shop.executor, LEND_NOW);
    while (error == EBUSY) /* it had 100 ms, which a loaded machine may not have given it */
        error = lend_executor_close(shop.executor, lend_within_ms(100));
    assert_int_equal(error, 0);
    shop.executor = NULL;
    assert_int_equal(lend_future_outcome(first), LEND_CANCELLED);
    assert_int_equal(lend_future_error(first), ESHUTDOWN);
    assert_int_equal(lend_future_outcome(second), LEND_CANCELLED);
    assert_int_equal(lend_future_error(second), ESHUTDOWN);
    assert_string_equal(lend_future_reason(second), "the executor was closed before it began");
    assert_int_equal(tally_count(&queued.started), 0);
    assert_int_equal(tally_count(&queued.done), 1);
    assert_int_equal(tally_count(&queued.dropped), 1);
    lend_future_drop(first);
    lend_future_drop(second);
    workshop_close(&shop);
    held_job_deinit(&running);
    held_job_deinit(&queued);
}

/* It has 100 ms, which a loaded machine may not give it each time. */
static void what_close_has_told_to_stop_may_do_so(void **state) {
    (void)state;
    bool in_time = false;
    for (int i = 0; i < 3 && !in_time; i++) {
        struct workshop shop;
        struct held_job held;
        held_job_init(&held);
        held.heeds = true;
        workshop_open(&shop, 1, NULL);
        lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
        assert_true(tally_wait(&held.started, 1));
        in_time = lend_executor_close(shop.executor, LEND_NOW) == 0;
        if (in_time)
            shop.executor = NULL;
        lend_future_drop(future);
        workshop_close(&shop);
        held_job_deinit(&held);
    }
    assert_true(in_time);
}

static void close_calls_off_a_job_that_waits_for_a_model(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(eventually(stats_of(shop.pool).waiting == 1));
    int error = lend_executor_close(shop.executor, LEND_NOW);
    while (error == EBUSY)
        error = lend_executor_close(shop.executor, lend_within_ms(100));
    assert_int_equal(error, 0);
    shop.executor = NULL;
    assert_int_equal(lend_future_error(future), ESHUTDOWN);
    assert_string_equal(lend_future_reason(future), "the executor was closed before it began");
    assert_int_equal(tally_count(&held.started), 0);
    lend_future_drop(future);
    lend_release(&lease);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void close_gives_up_at_its_deadline_and_can_be_called_again(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    char print[512], job[64];
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    assert_int_equal(lend_executor_close(shop.executor, LEND_NOW), EBUSY);
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL), ESHUTDOWN);
    lend_pool_print(shop.pool, print, sizeof print);
    assert_non_null(strstr(print, "workshop.c:")); /* where the straggler was submitted */
    lend_executor_print(shop.executor, print, sizeof print);
    snprintf(job, sizeof job, "job %llu runs on thread ",
             (unsigned long long)lend_future_number(future));
    assert_non_null(strstr(print, job));
    tally_add(&held.go);
    assert_int_equal(lend_executor_close(shop.executor, lend_within_ms(PATIENCE_MS)), 0);
    shop.executor = NULL;
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static int close_executor(void *argument) {
    return lend_executor_close(argument, lend_within_ms(PATIENCE_MS));
}

static void a_second_closer_is_sent_away(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    struct test_thread closer;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    thread_start(&closer, close_executor, shop.executor);
    assert_true(
        eventually(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL) == ESHUTDOWN));
    assert_int_equal(lend_executor_close(shop.executor, LEND_NOW), EALREADY);
    tally_add(&held.go);
    assert_int_equal(thread_join(&closer), 0);
    shop.executor = NULL;
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

struct closing {
    lend_executor *executor;
    int in_job, in_done;
};

static int close_from_job(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    struct closing *closing = argument;
    closing->in_job = lend_executor_close(closing->executor, LEND_FOREVER);
    return 0;
}

static void close_from_done(lend_future *future, void *argument) {
    (void)future;
    struct closing *closing = argument;
    closing->in_done = lend_executor_close(closing->executor, LEND_FOREVER);
}

static void an_executor_is_not_closed_from_within(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct closing closing = {.executor = shop.executor};
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = close_from_job, .argument = &closing,
                                           .done = close_from_done, .done_argument = &closing),
                                 NULL),
                     0);
    workshop_close(&shop);
    assert_int_equal(closing.in_job, EDEADLK);
    assert_int_equal(closing.in_done, EDEADLK);
}

static int close_other(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    return lend_executor_close(argument, LEND_BY_DEFAULT);
}

static void a_job_may_close_another_executor(void **state) {
    (void)state;
    struct workshop shop, other;
    workshop_open(&shop, 1, NULL);
    workshop_open(&other, 1, NULL);
    lend_future *future = workshop_run(&shop, close_other, other.executor);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    other.executor = NULL;
    workshop_close(&other);
    workshop_close(&shop);
}

static void a_pool_is_not_closed_under_its_executor(void **state) {
    (void)state;
    struct workshop shop;
    struct lend_report *report = NULL;
    char words[512];
    workshop_open(&shop, 1, NULL);
    assert_int_equal(lend_pool_close(shop.pool, LEND_NOW, &report), EBUSY);
    assert_non_null(report);
    assert_int_equal(report->cause, LEND_CAUSE_TENANTS);
    lend_report_print(report, words, sizeof words);
    assert_non_null(strstr(words, "executor \"workshop\" is open"));
    lend_report_free(report);

    lend_executor *second = NULL;
    assert_int_equal(lend_executor_open(&second, &LEND_EXECUTOR_OPTIONS(.pool = shop.pool)),
                     ESHUTDOWN);
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &future), 0);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_NO_MODEL);
    assert_int_equal(lend_future_error(future), ESHUTDOWN);
    lend_future_drop(future);
    workshop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_works_off_what_is_queued),
        cmocka_unit_test(at_the_deadline_close_cancels_what_has_not_started_and_stops_what_runs),
        cmocka_unit_test(what_close_has_told_to_stop_may_do_so),
        cmocka_unit_test(close_calls_off_a_job_that_waits_for_a_model),
        cmocka_unit_test(close_gives_up_at_its_deadline_and_can_be_called_again),
        cmocka_unit_test(a_second_closer_is_sent_away),
        cmocka_unit_test(an_executor_is_not_closed_from_within),
        cmocka_unit_test(a_job_may_close_another_executor),
        cmocka_unit_test(a_pool_is_not_closed_under_its_executor),
    };
    return cmocka_run_group_tests_name("executor_close", tests, NULL, NULL);
}
