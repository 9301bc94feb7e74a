/* SPDX-License-Identifier: MIT
 *
 * What stops other executors: jobs that wait for jobs queued behind them, a queue without a bound,
 * a thread and a model gone with each job that overruns, work on what nobody waits for any more,
 * errors that nobody sees, four models of which one is used. */
#include "support/await.h"
#include "support/fake_model.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MODELS 4

static void check_all_free(lend_pool *pool, uint32_t models) {
    assert_int_equal(stats_of(pool).models, models);
    assert_int_equal(stats_of(pool).free, models);
}

static void join_and_drop(lend_future *future) {
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    lend_future_drop(future);
}

/* jobs that wait for jobs */

struct outer {
    lend_executor *executor;
    struct tally *running; /* all workers are busy with such jobs when the first one waits */
    int error;             /* of the wait */
};

static int wait_for_inner(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    struct outer *self = argument;
    lend_future *inner;
    tally_add(self->running);
    tally_wait(self->running, MODELS);
    self->error = lend_submit(self->executor,
                              &LEND_JOB(.run = plain_job_run, .deadline = LEND_FOREVER), &inner);
    if (self->error != 0)
        return self->error;
    self->error = lend_future_wait(inner, LEND_FOREVER);
    lend_future_drop(inner);
    return 0;
}

/* Returns how many waits were refused. */
static unsigned run_outer_jobs(uint32_t models) {
    struct workshop shop;
    struct tally running;
    struct outer outer[MODELS];
    lend_future *futures[MODELS];
    unsigned refused = 0;
    tally_init(&running);
    workshop_open(&shop, models, &LEND_EXECUTOR_OPTIONS(.workers = MODELS));
    for (int i = 0; i < MODELS; i++) {
        outer[i] = (struct outer){.executor = shop.executor, .running = &running};
        assert_int_equal(lend_submit(shop.executor,
                                     &LEND_JOB(.run = wait_for_inner, .argument = &outer[i],
                                               .deadline = LEND_FOREVER),
                                     &futures[i]),
                         0);
    }
    for (int i = 0; i < MODELS; i++) {
        join_and_drop(futures[i]);
        assert_true(outer[i].error == 0 || outer[i].error == EDEADLK);
        refused += outer[i].error == EDEADLK;
    }
    assert_true(eventually(executor_stats_of(shop.executor).pending == 0));
    assert_int_equal(events_count_of(&shop.events, LEND_EVENT_DEADLOCK), refused);
    check_all_free(shop.pool, models);
    workshop_close(&shop);
    tally_deinit(&running);
    return refused;
}

static void workers_that_all_wait_for_what_is_queued_behind_them_are_told(void **state) {
    (void)state;
    unsigned refused = run_outer_jobs(MODELS);
    assert_true(refused > 0);
    assert_true(refused <= MODELS);
}

static void with_a_model_to_spare_they_run_it_themselves(void **state) {
    (void)state;
    assert_int_equal(run_outer_jobs(2 * MODELS), 0);
}

/* bounds */

static void a_queue_of_eight_holds_eight(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    unsigned accepted = 0;
    held_job_init(&held);
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = 8));
    lend_future *first = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    for (int i = 0; i < 1000; i++) {
        int error = lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL);
        assert_true(error == 0 || error == EAGAIN);
        accepted += error == 0;
    }
    assert_int_equal(accepted, 8);
    assert_int_equal(executor_stats_of(shop.executor).refused, 992);
    tally_add(&held.go);
    join_and_drop(first);
    workshop_close(&shop);
    held_job_deinit(&held);
}

/* deadlines */

static void jobs_that_overrun_are_answered_and_take_no_thread_and_no_model_along(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, MODELS, NULL);
    for (int round = 0; round < 20; round++) {
        struct held_job jobs[MODELS];
        lend_future *futures[MODELS];
        for (int i = 0; i < MODELS; i++) {
            held_job_init(&jobs[i]);
            futures[i] = held_job_submit(&shop, &jobs[i], lend_within_ms(20));
        }
        for (int i = 0; i < MODELS; i++) {
            assert_int_equal(lend_future_wait(futures[i], lend_within_ms(PATIENCE_MS)), 0);
            assert_int_equal(lend_future_outcome(futures[i]), LEND_EXPIRED);
            tally_add(&jobs[i].go); /* it did not heed its deadline, and comes back now */
        }
        for (int i = 0; i < MODELS; i++)
            join_and_drop(futures[i]);
        check_all_free(shop.pool, MODELS);
        for (int i = 0; i < MODELS; i++)
            held_job_deinit(&jobs[i]);
    }
    assert_int_equal(executor_stats_of(shop.executor).workers, MODELS);
    assert_int_equal(executor_stats_of(shop.executor).expired, 20 * MODELS);
    workshop_close(&shop);
}

static void what_expired_in_the_queue_is_not_worked_on(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held, doomed;
    held_job_init(&held);
    held_job_init(&doomed);
    workshop_open(&shop, 1, NULL);
    lend_future *first = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    lend_future *second = held_job_submit(&shop, &doomed, lend_within_ms(20));
    assert_int_equal(lend_future_join(second, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_outcome(second), LEND_EXPIRED);
    lend_future_drop(second);
    tally_add(&held.go);
    join_and_drop(first);
    assert_int_equal(tally_count(&doomed.started), 0);
    workshop_close(&shop);
    held_job_deinit(&held);
    held_job_deinit(&doomed);
}

/* errors */

static int fail_on_page(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    return lend_job_explain(job, EBADMSG, "page 7 cannot be read");
}

static void an_error_that_nobody_reads_is_told_to_the_sink(void **state) {
    (void)state;
    struct workshop shop;
    const struct lend_site *here = LEND_HERE;
    workshop_open(&shop, MODELS, NULL);
    assert_int_equal(lend_submit_at(shop.executor, &LEND_JOB(.run = fail_on_page), NULL, here), 0);
    assert_true(eventually(events_count_of(&shop.events, LEND_EVENT_JOB_UNREAD) == 1));
    struct recorded_event event = events_first_of(&shop.events, LEND_EVENT_JOB_UNREAD);
    assert_int_equal(event.error, EBADMSG);
    assert_string_equal(event.text, "page 7 cannot be read");
    assert_ptr_equal(event.site, here);
    assert_true(event.job > 0);
    workshop_close(&shop);
}

/* four models */

static int meet_the_others(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    tally_add(argument);
    return tally_wait(argument, MODELS) ? 0 : ETIMEDOUT;
}

static void four_jobs_on_four_models_run_at_once(void **state) {
    (void)state;
    struct workshop shop;
    struct tally met;
    lend_future *futures[MODELS];
    tally_init(&met);
    workshop_open(&shop, MODELS, NULL);
    for (int i = 0; i < MODELS; i++)
        assert_int_equal(lend_submit(shop.executor,
                                     &LEND_JOB(.run = meet_the_others, .argument = &met),
                                     &futures[i]),
                         0);
    for (int i = 0; i < MODELS; i++) {
        assert_int_equal(lend_future_wait(futures[i], lend_within_ms(PATIENCE_MS)), 0);
        assert_int_equal(lend_future_error(futures[i]), 0);
        join_and_drop(futures[i]);
    }
    check_all_free(shop.pool, MODELS);
    workshop_close(&shop);
    tally_deinit(&met);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_that_all_wait_for_what_is_queued_behind_them_are_told),
        cmocka_unit_test(with_a_model_to_spare_they_run_it_themselves),
        cmocka_unit_test(a_queue_of_eight_holds_eight),
        cmocka_unit_test(jobs_that_overrun_are_answered_and_take_no_thread_and_no_model_along),
        cmocka_unit_test(what_expired_in_the_queue_is_not_worked_on),
        cmocka_unit_test(an_error_that_nobody_reads_is_told_to_the_sink),
        cmocka_unit_test(four_jobs_on_four_models_run_at_once),
    };
    return cmocka_run_group_tests_name("executors", tests, NULL, NULL);
}
