/* SPDX-License-Identifier: MIT
 *
 * Jobs that end the thread they run on, wherever that is: the job has failed, nothing is lost, and
 * the executor goes on. */
#include "support/child.h"
#include "support/pace.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int end_own_thread(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    pthread_exit(NULL);
}

static void assert_executor_works(struct workshop *shop) {
    lend_future *future;
    assert_int_equal(lend_submit(shop->executor, &LEND_JOB(.run = plain_job_run), &future), 0);
    assert_int_equal(lend_future_wait(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
}

static void a_job_that_ends_its_thread_has_failed_and_its_worker_goes_on(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    for (int i = 0; i < rounds(20, 4); i++) {
        lend_future *ended, *next;
        assert_int_equal(lend_submit(shop.executor,
                                     &LEND_JOB(.run = end_own_thread, .deadline = LEND_FOREVER),
                                     &ended),
                         0);
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &next), 0);
        assert_int_equal(lend_future_join(ended, LEND_FOREVER), 0);
        assert_int_equal(lend_future_outcome(ended), LEND_FAILED);
        assert_int_equal(lend_future_error(ended), ECANCELED);
        assert_string_equal(lend_future_reason(ended), "the job ended its own thread");
        assert_int_equal(lend_future_join(next, LEND_FOREVER), 0);
        assert_int_equal(lend_future_outcome(next), LEND_SUCCEEDED);
        lend_future_drop(ended);
        lend_future_drop(next);
    }
    assert_int_equal(stats_of(shop.pool).free, 1);
    assert_int_equal(events_count(&shop.events), 0);
    workshop_close(&shop);
}

/* The next one may be over before the thread that called it in has gone on. */
static void jobs_may_end_one_thread_after_the_other(void **state) {
    (void)state;
    enum { AT_ONCE = 4 };
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    for (int i = 0; i < rounds(50, 4); i++) {
        lend_future *futures[AT_ONCE];
        for (int k = 0; k < AT_ONCE; k++)
            assert_int_equal(
                lend_submit(shop.executor, &LEND_JOB(.run = end_own_thread), &futures[k]), 0);
        for (int k = 0; k < AT_ONCE; k++) {
            assert_int_equal(lend_future_join(futures[k], LEND_FOREVER), 0);
            assert_int_equal(lend_future_error(futures[k]), ECANCELED);
            lend_future_drop(futures[k]);
        }
    }
    assert_int_equal(stats_of(shop.pool).free, 1);
    workshop_close(&shop);
}

static void a_thread_that_its_job_ended_ends_as_a_worker_too(void **state) {
    (void)state;
    enum { ENDED = 3 };
    struct workshop shop;
    struct roll roll;
    roll_init(&roll);
    workshop_open(&shop, 1,
                  &LEND_EXECUTOR_OPTIONS(.worker_begins = roll_begin, .worker_ends = roll_end,
                                         .worker_context = &roll));
    for (unsigned i = 1; i <= ENDED; i++) {
        lend_future *future;
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = end_own_thread), &future), 0);
        assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
        assert_int_equal(tally_count(&roll.ended), i);
        lend_future_drop(future);
    }
    workshop_close(&shop);
    assert_int_equal(tally_count(&roll.begun), ENDED + 1);
    assert_int_equal(tally_count(&roll.ended), ENDED + 1);
    roll_deinit(&roll);
}

static int end_when_it_is_late(void *model, void *argument, lend_job *job) {
    struct held_job *held = argument;
    lend_job_return(job, held, NULL);
    held_job_run(model, held, job);
    pthread_exit(NULL);
}

static void end_slowly(void *roll) {
    await_tick();
    roll_end(roll);
}

static void close_waits_for_the_thread_that_came_in_the_place_of_another(void **state) {
    (void)state;
    struct workshop shop;
    struct roll roll;
    roll_init(&roll);
    workshop_open(&shop, 1,
                  &LEND_EXECUTOR_OPTIONS(.worker_begins = roll_begin, .worker_ends = end_slowly,
                                         .worker_context = &roll));
    lend_future_drop(workshop_run(&shop, end_own_thread, NULL));
    assert_executor_works(&shop);
    workshop_close(&shop);
    assert_int_equal(tally_count(&roll.begun), 2);
    assert_int_equal(tally_count(&roll.ended), 2);
}

/* Its deadline is answered while it runs; that it then ends its thread is nobody's business any
 * more, but for the worker's. */
static void a_job_that_ends_its_thread_past_its_deadline_was_told_once(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    struct lend_job_spec spec = held_job_spec(&held, lend_within_ms(200));
    spec.run = end_when_it_is_late;
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor, &spec, &future), 0);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
    assert_int_equal(tally_count(&held.done), 1);
    assert_int_equal(tally_count(&held.dropped), 1);
    assert_null(lend_future_peek(future));
    lend_future_drop(future);
    assert_executor_works(&shop);
    workshop_close(&shop);
    held_job_deinit(&held);
}

/* what is called after it */

struct caller {
    struct workshop *shop;
    int close_in_done, join_in_done, close_in_drop;
};

static void wait_in_done(lend_future *future, void *argument) {
    struct caller *caller = argument;
    caller->close_in_done = lend_executor_close(caller->shop->executor, LEND_FOREVER);
    caller->join_in_done = lend_future_join(future, LEND_FOREVER);
}

static void wait_in_drop(void *argument) {
    struct caller *caller = argument;
    caller->close_in_drop = lend_executor_close(caller->shop->executor, LEND_FOREVER);
}

static void who_is_called_after_it_must_not_wait_for_it_all_the_same(void **state) {
    (void)state;
    struct workshop shop;
    lend_future *future;
    workshop_open(&shop, 1, NULL);
    struct caller caller = {.shop = &shop};
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = end_own_thread, .argument = &caller,
                                           .drop_argument = wait_in_drop, .done = wait_in_done,
                                           .done_argument = &caller),
                                 &future),
                     0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(caller.close_in_done, EDEADLK);
    assert_int_equal(caller.join_in_done, EDEADLK);
    assert_int_equal(caller.close_in_drop, EDEADLK);
    lend_future_drop(future);
    assert_executor_works(&shop);
    workshop_close(&shop);
}

static int fail_as_if_cancelled(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    return ECANCELED;
}

static void that_nobody_asked_it_to_end_is_told_if_nobody_asks(void **state) {
    (void)state;
    lend_job_function *const runs[] = {end_own_thread, fail_as_if_cancelled};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct workshop shop;
        workshop_open(&shop, 1, NULL);
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = runs[i]), NULL), 0);
        assert_true(eventually(events_count_of(&shop.events, LEND_EVENT_JOB_UNREAD) == 1));
        assert_int_equal(events_first_of(&shop.events, LEND_EVENT_JOB_UNREAD).error, ECANCELED);
        workshop_close(&shop);
    }
}

/* Though nobody has read that it came to be. */
static void a_cancel_that_was_asked_for_is_no_news(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job running;
    lend_future *queued;
    held_job_init(&running);
    workshop_open(&shop, 1, NULL);
    lend_future *first = held_job_submit(&shop, &running, LEND_FOREVER);
    assert_true(tally_wait(&running.started, 1));
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &queued), 0);
    assert_int_equal(lend_future_cancel(queued), 0);
    assert_int_equal(lend_future_join(queued, LEND_FOREVER), 0);
    lend_future_drop(queued);
    tally_add(&running.go);
    assert_int_equal(lend_future_join(first, LEND_FOREVER), 0);
    lend_future_drop(first);
    assert_int_equal(events_count(&shop.events), 0);
    workshop_close(&shop);
    held_job_deinit(&running);
}

/* Cancels its thread once that has nothing of the job's to do but to tell of it. */
static void cancel_in_done(lend_future *future, void *tally) {
    (void)future;
    pthread_cancel(pthread_self());
    pthread_testcancel();
    tally_add(tally);
}

static int test_for_cancellation(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    pthread_testcancel();
    return 0;
}

/* It waits for the next job's function. */
static void a_cancellation_that_comes_late_costs_neither_job_nor_worker(void **state) {
    (void)state;
    struct workshop shop;
    struct tally told;
    lend_future *future;
    tally_init(&told);
    workshop_open(&shop, 1, NULL);
    assert_int_equal(
        lend_submit(shop.executor,
                    &LEND_JOB(.run = plain_job_run, .done = cancel_in_done, .done_argument = &told),
                    &future),
        0);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    assert_int_equal(tally_count(&told), 1);
    lend_future_drop(future);
    future = workshop_run(&shop, test_for_cancellation, NULL);
    assert_int_equal(lend_future_error(future), ECANCELED);
    lend_future_drop(future);
    assert_executor_works(&shop);
    workshop_close(&shop);
    tally_deinit(&told);
}

/* processes */

static pthread_key_t last_key;

static void exit_well(void *unused) {
    (void)unused;
    _exit(0);
}

static int fork_and_end(void *model, void *child, lend_job *job) {
    (void)model, (void)job;
    *(pid_t *)child = child_fork();
    if (*(pid_t *)child != 0)
        return 0;
    alarm(20);
    pthread_setspecific(last_key, child);
    pthread_exit(NULL);
}

static void a_child_that_ends_its_thread_in_a_job_is_nobodys_worker(void **state) {
    (void)state;
    struct workshop shop;
    pid_t child = -1;
    assert_int_equal(pthread_key_create(&last_key, exit_well), 0);
    workshop_open(&shop, 1, NULL);
    lend_future_drop(workshop_run(&shop, fork_and_end, &child));
    assert_int_equal(child_status(child), 0);
    lend_future_drop(workshop_run(&shop, plain_job_run, NULL));
    workshop_close(&shop);
    pthread_key_delete(last_key);
}

/* on threads that are not workers */

struct submission {
    lend_executor *executor;
    struct lend_job_spec spec;
    lend_future *future;
};

static int submit(void *argument) {
    struct submission *submission = argument;
    return lend_submit(submission->executor, &submission->spec, &submission->future);
}

static void a_job_that_ends_the_thread_of_its_submitter_costs_no_worker(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job running, queued, here;
    held_job_init(&running);
    held_job_init(&queued);
    held_job_init(&here);
    workshop_open(
        &shop, 2,
        &LEND_EXECUTOR_OPTIONS(.workers = 1, .queue_max = 1, .when_full = LEND_FULL_RUN_HERE));
    lend_future *first = held_job_submit(&shop, &running, LEND_FOREVER);
    assert_true(tally_wait(&running.started, 1));
    lend_future *second = held_job_submit(&shop, &queued, LEND_FOREVER);
    struct submission submission = {shop.executor, held_job_spec(&here, LEND_FOREVER), NULL};
    submission.spec.run = end_own_thread;
    assert_int_equal(thread_run(submit, &submission), THREAD_LEFT);
    assert_int_equal(here.told, LEND_FAILED);
    assert_non_null(submission.future); /* though lend_submit has not returned */
    assert_int_equal(lend_future_outcome(submission.future), LEND_FAILED);
    lend_future_drop(submission.future);
    assert_int_equal(tally_count(&here.dropped), 1);
    assert_int_equal(executor_stats_of(shop.executor).running, 1);
    assert_int_equal(stats_of(shop.pool).free, 1);
    assert_int_equal(events_count(&shop.events), 0);
    tally_add(&running.go);
    tally_add(&queued.go);
    assert_int_equal(lend_future_join(second, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_outcome(second), LEND_SUCCEEDED);
    lend_future_drop(first);
    lend_future_drop(second);
    workshop_close(&shop);
    held_job_deinit(&running);
    held_job_deinit(&queued);
    held_job_deinit(&here);
}

struct helper {
    lend_future *behind; /* set once `told` was counted */
    struct tally told;
};

static int wait_for_who_is_behind(void *model, void *argument, lend_job *job) {
    (void)model;
    struct helper *helper = argument;
    tally_wait(&helper->told, 1);
    return lend_future_wait(helper->behind, lend_job_deadline(job));
}

/* The one that helps is ended in the middle of its run, too. */
static void a_job_that_ends_the_thread_of_one_that_helps_ends_both(void **state) {
    (void)state;
    struct workshop shop;
    lend_future *helping;
    workshop_open(&shop, 2, &LEND_EXECUTOR_OPTIONS(.workers = 1));
    struct helper helper = {0};
    tally_init(&helper.told);
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = wait_for_who_is_behind, .argument = &helper),
                                 &helping),
                     0);
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = end_own_thread), &helper.behind),
                     0);
    tally_add(&helper.told);
    lend_future *both[] = {helper.behind, helping};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lend_future_join(both[i], LEND_FOREVER), 0);
        assert_int_equal(lend_future_outcome(both[i]), LEND_FAILED);
        assert_int_equal(lend_future_error(both[i]), ECANCELED);
        assert_string_equal(lend_future_reason(both[i]), "the job ended its own thread");
        lend_future_drop(both[i]);
    }
    assert_int_equal(stats_of(shop.pool).free, 2);
    assert_int_equal(events_count(&shop.events), 0);
    assert_executor_works(&shop);
    workshop_close(&shop);
    tally_deinit(&helper.told);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_ends_its_thread_has_failed_and_its_worker_goes_on),
        cmocka_unit_test(jobs_may_end_one_thread_after_the_other),
        cmocka_unit_test(a_thread_that_its_job_ended_ends_as_a_worker_too),
        cmocka_unit_test(close_waits_for_the_thread_that_came_in_the_place_of_another),
        cmocka_unit_test(a_job_that_ends_its_thread_past_its_deadline_was_told_once),
        cmocka_unit_test(who_is_called_after_it_must_not_wait_for_it_all_the_same),
        cmocka_unit_test(that_nobody_asked_it_to_end_is_told_if_nobody_asks),
        cmocka_unit_test(a_cancel_that_was_asked_for_is_no_news),
        cmocka_unit_test(a_cancellation_that_comes_late_costs_neither_job_nor_worker),
        cmocka_unit_test(a_child_that_ends_its_thread_in_a_job_is_nobodys_worker),
        cmocka_unit_test(a_job_that_ends_the_thread_of_its_submitter_costs_no_worker),
        cmocka_unit_test(a_job_that_ends_the_thread_of_one_that_helps_ends_both),
    };
    return cmocka_run_group_tests_name("job ends", tests, NULL, NULL);
}
