/* SPDX-License-Identifier: MIT
 *
 * Executors: options, threads and figures. */
#include "support/fake_model.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void bad_options_are_refused(void **state) {
    (void)state;
    struct workshop shop;
    lend_executor *executor = NULL;
    workshop_open(&shop, 1, NULL);
    struct lend_executor_options options = LEND_EXECUTOR_OPTIONS(.pool = shop.pool);
    assert_int_equal(lend_executor_open(NULL, &options), EINVAL);
    assert_int_equal(lend_executor_open(&executor, NULL), EINVAL);
    options.pool = NULL;
    assert_int_equal(lend_executor_open(&executor, &options), EINVAL);
    options = LEND_EXECUTOR_OPTIONS(.pool = shop.pool, .workers = LEND_WORKERS_MAX + 1);
    assert_int_equal(lend_executor_open(&executor, &options), EINVAL);
    options = LEND_EXECUTOR_OPTIONS(.pool = shop.pool, .job_ms_default = -2);
    assert_int_equal(lend_executor_open(&executor, &options), EINVAL);
    options = LEND_EXECUTOR_OPTIONS(.pool = shop.pool,
                                    .when_full = (enum lend_when_full)(LEND_FULL_RUN_HERE + 1));
    assert_int_equal(lend_executor_open(&executor, &options), EINVAL);
    options = LEND_EXECUTOR_OPTIONS(.pool = shop.pool);
    options.size = 3;
    assert_int_equal(lend_executor_open(&executor, &options), EINVAL);
    struct {
        struct lend_executor_options options;
        void *new_field;
    } newer = {.options = LEND_EXECUTOR_OPTIONS(.pool = shop.pool), .new_field = &shop};
    newer.options.size = sizeof newer;
    assert_int_equal(lend_executor_open(&executor, &newer.options), E2BIG);
    assert_null(executor);
    workshop_close(&shop);
}

static void a_refused_option_is_named(void **state) {
    (void)state;
    struct workshop shop;
    lend_executor *executor;
    struct lend_reason reason;
    workshop_open(&shop, 1, NULL);
    const struct {
        struct lend_executor_options options;
        const char *words;
    } cases[] = {
        {LEND_EXECUTOR_OPTIONS(.reason = &reason), "pool is required"},
        {LEND_EXECUTOR_OPTIONS(.pool = shop.pool, .workers = 5000, .reason = &reason),
         "workers is 5000, more than 4096"},
        {LEND_EXECUTOR_OPTIONS(.pool = shop.pool, .job_ms_default = -2, .reason = &reason),
         "job_ms_default is -2, less than -1"},
        {LEND_EXECUTOR_OPTIONS(.pool = shop.pool, .when_full = (enum lend_when_full)3,
                               .reason = &reason),
         "when_full is 3, which is no choice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(lend_executor_open(&executor, &cases[i].options), EINVAL);
        assert_int_equal(reason.error, EINVAL);
        assert_string_equal(reason.text, cases[i].words);
    }
    workshop_close(&shop);
}

static void what_is_wrong_beside_the_options_is_named_too(void **state) {
    (void)state;
    struct workshop shop;
    lend_executor *executor = NULL;
    struct lend_reason reason = {0};
    workshop_open(&shop, 1, NULL);
    struct {
        struct lend_executor_options options;
        void *new_field;
    } newer = {.options = LEND_EXECUTOR_OPTIONS(.pool = shop.pool, .reason = &reason)};
    assert_int_equal(lend_executor_open(NULL, &newer.options), EINVAL);
    assert_int_equal(reason.error, EINVAL);
    assert_string_equal(reason.text, "ret_executor is NULL");
    newer.options.size = sizeof newer;
    newer.new_field = &shop;
    assert_int_equal(lend_executor_open(&executor, &newer.options), E2BIG);
    assert_int_equal(reason.error, E2BIG);
    assert_non_null(strstr(reason.text, lend_strerror(E2BIG)));
    workshop_close(&shop);
}

static void what_a_closing_pool_says_is_the_reason(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_executor *executor;
    struct lend_reason reason = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .reason = &reason)),
        ESHUTDOWN);
    assert_int_equal(reason.error, ESHUTDOWN);
    assert_string_equal(reason.text, lend_strerror(ESHUTDOWN));
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void nothing_is_asked_of_no_executor(void **state) {
    (void)state;
    struct lend_executor_stats stats;
    struct lend_executor_options options;
    assert_int_equal(lend_executor_close(NULL, LEND_NOW), 0);
    assert_int_equal(lend_executor_stats_get(NULL, &stats), EINVAL);
    assert_int_equal(lend_executor_options_get(NULL, &options), EINVAL);
}

static void the_options_in_force_can_be_read_back(void **state) {
    (void)state;
    struct workshop shop;
    struct lend_executor_options options;
    workshop_open(&shop, 3, NULL);
    assert_int_equal(lend_executor_options_get(shop.executor, &options), 0);
    assert_string_equal(options.name, "workshop");
    assert_ptr_equal(options.pool, shop.pool);
    assert_int_equal(options.workers, 3);
    assert_int_equal(options.queue_max, 12);
    assert_int_equal(options.queue_bytes_max, 0);
    assert_int_equal(options.when_full, LEND_FULL_REFUSE);
    assert_int_equal(options.job_ms_default, 30000);
    assert_ptr_equal(options.sink, events_record);
    assert_int_equal(lend_executor_options_get(shop.executor, NULL), EINVAL);
    assert_int_equal(lend_executor_stats_get(shop.executor, NULL), EINVAL);
    workshop_close(&shop);
}

static void each_worker_begins_and_ends_once(void **state) {
    (void)state;
    struct workshop shop;
    struct roll roll;
    roll_init(&roll);
    workshop_open(&shop, 1,
                  &LEND_EXECUTOR_OPTIONS(.workers = 5, .worker_begins = roll_begin,
                                         .worker_ends = roll_end, .worker_context = &roll));
    assert_true(tally_wait(&roll.begun, 5));
    assert_int_equal(tally_count(&roll.ended), 0);
    workshop_close(&shop);
    assert_int_equal(tally_count(&roll.begun), 5);
    assert_int_equal(tally_count(&roll.ended), 5);
    roll_deinit(&roll);
}

static int are_signals_blocked(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    (void)job;
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, SIGINT) && sigismember(&set, SIGTERM) && sigismember(&set, SIGCHLD)
               ? 0
               : EINVAL;
}

static void workers_block_all_signals(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = are_signals_blocked), &future), 0);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    workshop_close(&shop);
}

static void a_job_is_told_why_there_is_no_model(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    atomic_store(&shop.loads_fail, true);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    lend_release_broken(&lease, "worn out");
    assert_true(eventually(stats_of(shop.pool).lost == 1));
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &future), 0);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_NO_MODEL);
    assert_int_equal(lend_future_error(future), EIO);
    assert_non_null(strstr(lend_future_reason(future), "the shelf is empty"));
    assert_int_equal(executor_stats_of(shop.executor).no_model, 1);
    lend_future_drop(future);
    workshop_close(&shop);
}

static void the_figures_agree_with_what_happened(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held, queued;
    int error = EIO;
    held_job_init(&held);
    held_job_init(&queued);
    workshop_open(&shop, 1, NULL);
    lend_future *failed;
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .argument = &error), &failed),
        0);
    assert_int_equal(lend_future_join(failed, LEND_FOREVER), 0);
    lend_future *running = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    struct lend_job_spec spec = held_job_spec(&queued, LEND_FOREVER);
    spec.bytes = 7;
    lend_future *cancelled;
    assert_int_equal(lend_submit(shop.executor, &spec, &cancelled), 0);

    struct lend_executor_stats stats = executor_stats_of(shop.executor);
    assert_int_equal(stats.workers, 1);
    assert_int_equal(stats.queued, 1);
    assert_int_equal(stats.queued_bytes, 7);
    assert_int_equal(stats.running, 1);
    assert_int_equal(stats.borrowing, 0);
    assert_int_equal(stats.accepted, 3);
    assert_int_equal(stats.pending, 2);
    assert_int_equal(stats.failed, 1);

    assert_int_equal(lend_future_cancel(cancelled), 0);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(running, LEND_FOREVER), 0);
    assert_int_equal(lend_future_join(cancelled, LEND_FOREVER), 0);
    stats = executor_stats_of(shop.executor);
    assert_int_equal(stats.pending + stats.queued + stats.running, 0);
    assert_int_equal(stats.queued_bytes, 0);
    assert_int_equal(stats.succeeded, 1);
    assert_int_equal(stats.cancelled, 1);
    assert_int_equal(lend_histogram_count(&stats.waits), 2);
    assert_int_equal(lend_histogram_count(&stats.runs), 2);
    assert_int_equal(lend_future_error(failed), EIO);
    lend_future_drop(failed);
    lend_future_drop(running);
    lend_future_drop(cancelled);
    workshop_close(&shop);
    held_job_deinit(&held);
    held_job_deinit(&queued);
}

static void waits_and_runs_are_counted_for_as_long_as_they_lasted(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *running = held_job_submit(&shop, &held, LEND_FOREVER), *behind;
    assert_true(tally_wait(&held.started, 1));
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &behind), 0);
    await_tick();
    await_tick(); /* a tick is 1 ms or longer */
    tally_add(&held.go);
    assert_int_equal(lend_future_join(running, LEND_FOREVER), 0);
    assert_int_equal(lend_future_join(behind, LEND_FOREVER), 0);
    struct lend_executor_stats stats = executor_stats_of(shop.executor);
    assert_true(lend_histogram_quantile_us(&stats.waits, 1) >= 1000);
    assert_true(lend_histogram_quantile_us(&stats.runs, 1) >= 1000);
    lend_future_drop(running);
    lend_future_drop(behind);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static int run_for_a_while(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    lend_deadline until = lend_within_ms(2);
    while (lend_deadline_left_ms(until) > 0)
        ;
    return 0;
}

/* By whoever has to wait for it. */
static int run_another(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    lend_executor *executor = *(lend_executor **)argument;
    lend_future *future;
    int error = lend_submit(executor, &LEND_JOB(.run = run_for_a_while), &future);
    if (error != 0)
        return error;
    error = lend_future_join(future, LEND_FOREVER);
    lend_future_drop(future);
    struct lend_histogram runs = executor_stats_of(executor).runs;
    return error == 0 && lend_histogram_quantile_us(&runs, 1) >= 1000 ? 0 : EINVAL;
}

static void a_run_is_timed_whoever_runs_the_job(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 2, &LEND_EXECUTOR_OPTIONS(.workers = 1));
    lend_future *future = workshop_run(&shop, run_another, &shop.executor);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    workshop_close(&shop);

    workshop_open(&shop, 1, NULL);
    lend_future_drop(workshop_run(&shop, run_for_a_while, NULL));
    struct lend_histogram runs = executor_stats_of(shop.executor).runs;
    assert_in_range(lend_histogram_quantile_us(&runs, 1), 1000, PATIENCE_MS * 1000);
    workshop_close(&shop);

    struct held_job held[2];
    lend_future *futures[2];
    workshop_open(
        &shop, 2,
        &LEND_EXECUTOR_OPTIONS(.workers = 1, .queue_max = 1, .when_full = LEND_FULL_RUN_HERE));
    for (int i = 0; i < 2; i++) {
        held_job_init(&held[i]);
        futures[i] = held_job_submit(&shop, &held[i], LEND_FOREVER);
        assert_true(tally_wait(&held[0].started, 1));
    }
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = run_for_a_while), NULL), 0);
    runs = executor_stats_of(shop.executor).runs;
    assert_int_equal(lend_histogram_count(&runs), 1);
    assert_in_range(lend_histogram_quantile_us(&runs, 1), 1000, PATIENCE_MS * 1000);
    for (int i = 0; i < 2; i++) {
        tally_add(&held[i].go);
        assert_int_equal(lend_future_join(futures[i], LEND_FOREVER), 0);
        lend_future_drop(futures[i]);
    }
    workshop_close(&shop);
    for (int i = 0; i < 2; i++)
        held_job_deinit(&held[i]);
}

/* As those are that came before any run was over. */
static void each_job_is_counted_until_runs_are_known_to_be_short(void **state) {
    (void)state;
    enum { JOBS = 70 };
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = JOBS));
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    for (int i = 1; i < JOBS; i++)
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL), 0);
    tally_add(&held.go);
    assert_true(eventually(executor_stats_of(shop.executor).succeeded == JOBS));
    struct lend_executor_stats stats = executor_stats_of(shop.executor);
    assert_int_equal(lend_histogram_count(&stats.waits), JOBS);
    assert_int_equal(lend_histogram_count(&stats.runs), JOBS);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

struct submission {
    struct workshop *shop;
    struct held_job held;
    struct test_thread thread;
};

static int submit_and_forget(void *argument) {
    struct submission *submission = argument;
    struct lend_job_spec spec = held_job_spec(&submission->held, LEND_FOREVER);
    return lend_submit(submission->shop->executor, &spec, NULL);
}

static void jobs_that_their_submitters_run_are_among_those_that_run(void **state) {
    (void)state;
    enum { HERE = 2, JOBS = 2 + HERE };
    struct workshop shop;
    struct submission submissions[JOBS];
    workshop_open(
        &shop, 1 + HERE,
        &LEND_EXECUTOR_OPTIONS(.workers = 1, .queue_max = 1, .when_full = LEND_FULL_RUN_HERE));
    for (int i = 0; i < JOBS; i++) {
        submissions[i].shop = &shop;
        held_job_init(&submissions[i].held);
        thread_start(&submissions[i].thread, submit_and_forget, &submissions[i]);
        if (i == 1) /* this one is queued */
            assert_int_equal(thread_join(&submissions[i].thread), 0);
        else
            assert_true(tally_wait(&submissions[i].held.started, 1));
    }
    struct lend_executor_stats stats = executor_stats_of(shop.executor);
    assert_int_equal(stats.running, 1 + HERE);
    assert_int_equal(stats.queued, 1);
    assert_int_equal(stats.pending, JOBS);
    for (int i = 0; i < JOBS; i++)
        tally_add(&submissions[i].held.go);
    for (int i = 0; i < JOBS; i++)
        if (i != 1)
            assert_int_equal(thread_join(&submissions[i].thread), 0);
    workshop_close(&shop);
    for (int i = 0; i < JOBS; i++)
        held_job_deinit(&submissions[i].held);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(a_refused_option_is_named),
        cmocka_unit_test(what_is_wrong_beside_the_options_is_named_too),
        cmocka_unit_test(what_a_closing_pool_says_is_the_reason),
        cmocka_unit_test(nothing_is_asked_of_no_executor),
        cmocka_unit_test(the_options_in_force_can_be_read_back),
        cmocka_unit_test(each_worker_begins_and_ends_once),
        cmocka_unit_test(workers_block_all_signals),
        cmocka_unit_test(a_job_is_told_why_there_is_no_model),
        cmocka_unit_test(the_figures_agree_with_what_happened),
        cmocka_unit_test(waits_and_runs_are_counted_for_as_long_as_they_lasted),
        cmocka_unit_test(a_run_is_timed_whoever_runs_the_job),
        cmocka_unit_test(each_job_is_counted_until_runs_are_known_to_be_short),
        cmocka_unit_test(jobs_that_their_submitters_run_are_among_those_that_run),
    };
    return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
