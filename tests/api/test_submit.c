/* SPDX-License-Identifier: MIT
 *
 * Submission: what is accepted, what a full queue does, what is refused and left alone. */
#include "support/pace.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_job_runs_on_a_model(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    lend_future *future = NULL;
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &future), 0);
    assert_int_equal(lend_future_wait(future, LEND_BY_DEFAULT), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
    workshop_close(&shop);
}

static void a_job_without_a_future_runs_all_the_same(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    struct lend_job_spec spec = held_job_spec(&held, LEND_FOREVER);
    assert_int_equal(lend_submit(shop.executor, &spec, NULL), 0);
    tally_add(&held.go);
    assert_true(tally_wait(&held.done, 1));
    assert_true(tally_wait(&held.dropped, 1));
    assert_int_equal(held.told, LEND_SUCCEEDED);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void a_bad_spec_is_refused_and_nothing_of_it_is_called(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    struct lend_job_spec spec = held_job_spec(&held, LEND_FOREVER);
    lend_future *untouched = (lend_future *)(void *)&spec;
    lend_future *future = untouched;
    assert_int_equal(lend_submit(NULL, &spec, &future), EINVAL);
    assert_int_equal(lend_submit(shop.executor, NULL, &future), EINVAL);
    spec.run = NULL;
    assert_int_equal(lend_submit(shop.executor, &spec, &future), EINVAL);
    spec.run = held_job_run;
    spec.size = 0;
    assert_int_equal(lend_submit(shop.executor, &spec, &future), EINVAL);
    assert_ptr_equal(future, untouched);
    assert_int_equal(executor_stats_of(shop.executor).accepted, 0);
    assert_int_equal(executor_stats_of(shop.executor).refused, 3);
    workshop_close(&shop);
    assert_int_equal(
        tally_count(&held.started) + tally_count(&held.done) + tally_count(&held.dropped), 0);
    held_job_deinit(&held);
}

static void a_spec_from_a_newer_lend_is_taken_unless_it_sets_something_new(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct {
        struct lend_job_spec spec;
        uint64_t new_field;
    } newer = {.spec = LEND_JOB(.run = plain_job_run)};
    newer.spec.size = sizeof newer;
    assert_int_equal(lend_submit(shop.executor, &newer.spec, NULL), 0);
    newer.new_field = 1;
    assert_int_equal(lend_submit(shop.executor, &newer.spec, NULL), E2BIG);
    workshop_close(&shop);
}

/* One worker that is held up, and a queue of `queue_max` filled to the brim. */
struct jam {
    struct workshop shop;
    struct held_job held[8];
    lend_future *futures[8];
    unsigned count;
};

static void jam_open(struct jam *jam, struct lend_executor_options options) {
    workshop_open(&jam->shop, 1, &options);
    jam->count = 1 + options.queue_max;
    for (unsigned i = 0; i < jam->count; i++) {
        held_job_init(&jam->held[i]);
        jam->futures[i] = held_job_submit(&jam->shop, &jam->held[i], LEND_FOREVER);
        if (i == 0)
            assert_true(tally_wait(&jam->held[0].started, 1));
    }
}

/* Let them all run to their end. */
static void jam_release(struct jam *jam) {
    for (unsigned i = 0; i < jam->count; i++)
        tally_add(&jam->held[i].go);
    for (unsigned i = 0; i < jam->count; i++) {
        assert_int_equal(lend_future_join(jam->futures[i], LEND_BY_DEFAULT), 0);
        assert_int_equal(lend_future_outcome(jam->futures[i]), LEND_SUCCEEDED);
        lend_future_drop(jam->futures[i]);
    }
}

static void jam_end(struct jam *jam) {
    workshop_close(&jam->shop);
    for (unsigned i = 0; i < jam->count; i++)
        held_job_deinit(&jam->held[i]);
}

static void jam_close(struct jam *jam) {
    jam_release(jam);
    jam_end(jam);
}

static void a_full_queue_refuses(void **state) {
    (void)state;
    struct jam jam;
    jam_open(&jam, LEND_EXECUTOR_OPTIONS(.queue_max = 2));
    struct held_job held;
    held_job_init(&held);
    struct lend_job_spec spec = held_job_spec(&held, LEND_FOREVER);
    assert_int_equal(lend_submit(jam.shop.executor, &spec, NULL), EAGAIN);
    assert_int_equal(executor_stats_of(jam.shop.executor).queued, 2);
    assert_int_equal(executor_stats_of(jam.shop.executor).refused, 1);
    jam_close(&jam);
    assert_int_equal(tally_count(&held.dropped), 0);
    held_job_deinit(&held);
}

static void every_worker_has_a_job_next_to_a_queue_of_one(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 4, &LEND_EXECUTOR_OPTIONS(.queue_max = 1));
    struct held_job held[4];
    lend_future *futures[4];
    for (int i = 0; i < 4; i++) {
        held_job_init(&held[i]);
        futures[i] = held_job_submit(&shop, &held[i], LEND_FOREVER);
        assert_true(tally_wait(&held[i].started, 1));
    }
    assert_int_equal(executor_stats_of(shop.executor).queued, 0);
    assert_int_equal(executor_stats_of(shop.executor).running, 4);
    for (int i = 0; i < 4; i++) {
        tally_add(&held[i].go);
        assert_int_equal(lend_future_wait(futures[i], LEND_BY_DEFAULT), 0);
        lend_future_drop(futures[i]);
    }
    workshop_close(&shop);
    for (int i = 0; i < 4; i++)
        held_job_deinit(&held[i]);
}

static void a_full_queue_runs_the_job_on_the_submitting_thread(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(
        &shop, 2,
        &LEND_EXECUTOR_OPTIONS(.workers = 1, .queue_max = 1, .when_full = LEND_FULL_RUN_HERE));
    struct held_job held[2];
    lend_future *futures[2];
    held_job_init(&held[0]);
    held_job_init(&held[1]);
    futures[0] = held_job_submit(&shop, &held[0], LEND_FOREVER);
    assert_true(tally_wait(&held[0].started, 1));
    futures[1] = held_job_submit(&shop, &held[1], LEND_FOREVER);

    struct held_job here;
    held_job_init(&here);
    tally_add(&here.go);
    lend_future *future = held_job_submit(&shop, &here, LEND_FOREVER);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    assert_int_equal(tally_count(&here.done), 1);
    assert_true(here.done_on_this_thread);
    assert_true(here.dropped_on_this_thread);
    lend_future_drop(future);

    for (int i = 0; i < 2; i++) {
        tally_add(&held[i].go);
        assert_int_equal(lend_future_wait(futures[i], LEND_BY_DEFAULT), 0);
        lend_future_drop(futures[i]);
    }
    workshop_close(&shop);
    held_job_deinit(&held[0]);
    held_job_deinit(&held[1]);
    held_job_deinit(&here);
}

/* A submission on a thread of its own, whose result comes back. */
struct submission {
    lend_executor *executor;
    struct lend_job_spec spec;
    lend_future *future;
    struct test_thread thread;
};

static int submit_on_thread(void *argument) {
    struct submission *submission = argument;
    return lend_submit(submission->executor, &submission->spec, &submission->future);
}

/* Until it waits for room, the `waiting`-th to do so. */
static void submission_start(struct submission *submission, struct workshop *shop,
                             unsigned waiting) {
    submission->executor = shop->executor;
    thread_start(&submission->thread, submit_on_thread, submission);
    assert_true(eventually(executor_stats_of(shop->executor).submitting >= waiting));
}

static int submission_end(struct submission *submission) {
    int error = thread_join(&submission->thread);
    lend_future_drop(submission->future);
    return error;
}

enum { CROWD = 4, CROWD_JOBS = 2000 };

static int submit_many(void *executor) {
    int error = 0;
    for (int i = 0; i < rounds(CROWD_JOBS, 50) && error == 0; i++)
        error = lend_submit(executor, &LEND_JOB(.run = plain_job_run), NULL);
    return error;
}

/* Each is counted when it comes in: else the close would wait for those that never came. */
static void many_threads_may_submit_at_once(void **state) {
    (void)state;
    struct workshop shop;
    struct test_thread threads[CROWD];
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = CROWD * CROWD_JOBS));
    for (int i = 0; i < CROWD; i++)
        thread_start(&threads[i], submit_many, shop.executor);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(thread_join(&threads[i]), 0);
    unsigned jobs = CROWD * (unsigned)rounds(CROWD_JOBS, 50);
    assert_true(eventually(executor_stats_of(shop.executor).succeeded == jobs));
    assert_int_equal(lend_executor_close(shop.executor, lend_within_ms(PATIENCE_MS)), 0);
    shop.executor = NULL;
    workshop_close(&shop);
}

struct turn {
    atomic_uint *turns; /* taken by all together */
    unsigned number;    /* of this one */
};

static int take_turn(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    struct turn *turn = argument;
    turn->number = atomic_fetch_add(turn->turns, 1);
    return 0;
}

static void submitters_who_wait_for_room_come_in_in_their_order(void **state) {
    (void)state;
    enum { SUBMITTERS = 5 };
    struct jam jam;
    jam_open(&jam, LEND_EXECUTOR_OPTIONS(.queue_max = 1, .when_full = LEND_FULL_WAIT));
    atomic_uint turns = 0;
    struct turn turn[SUBMITTERS];
    struct submission submissions[SUBMITTERS];
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        turn[i] = (struct turn){.turns = &turns};
        submissions[i] =
            (struct submission){.spec = LEND_JOB(.run = take_turn, .argument = &turn[i])};
        submission_start(&submissions[i], &jam.shop, i + 1);
    }
    jam_release(&jam);
    for (unsigned i = 0; i < SUBMITTERS; i++)
        assert_int_equal(submission_end(&submissions[i]), 0);
    jam_end(&jam);
    for (unsigned i = 0; i < SUBMITTERS; i++)
        assert_int_equal(turn[i].number, i);
}

static void a_submitter_comes_in_as_soon_as_a_job_is_taken(void **state) {
    (void)state;
    struct jam jam;
    jam_open(&jam, LEND_EXECUTOR_OPTIONS(.queue_max = 1, .when_full = LEND_FULL_WAIT));
    struct submission submission = {.spec = LEND_JOB(.run = plain_job_run)};
    submission_start(&submission, &jam.shop, 1);
    tally_add(&jam.held[0].go); /* the next one is taken, and held up */
    assert_int_equal(submission_end(&submission), 0);
    jam_close(&jam);
}

static void a_submitter_waits_for_room_no_longer_than_its_jobs_deadline(void **state) {
    (void)state;
    struct jam jam;
    jam_open(&jam, LEND_EXECUTOR_OPTIONS(.queue_max = 1, .when_full = LEND_FULL_WAIT));
    struct held_job held;
    held_job_init(&held);
    struct lend_job_spec spec = held_job_spec(&held, lend_within_ms(20));
    lend_future *future = NULL;
    assert_int_equal(lend_submit(jam.shop.executor, &spec, &future), ETIMEDOUT);
    spec.deadline = LEND_NOW;
    assert_int_equal(lend_submit(jam.shop.executor, &spec, &future), ETIMEDOUT);
    assert_null(future);
    assert_int_equal(executor_stats_of(jam.shop.executor).submitting, 0);
    jam_close(&jam);
    assert_int_equal(tally_count(&held.dropped) + tally_count(&held.done), 0);
    held_job_deinit(&held);
}

static void a_submitter_who_waits_for_room_is_sent_away_by_close(void **state) {
    (void)state;
    struct jam jam;
    jam_open(&jam, LEND_EXECUTOR_OPTIONS(.queue_max = 1, .when_full = LEND_FULL_WAIT));
    struct submission submission = {.spec = LEND_JOB(.run = plain_job_run)};
    submission_start(&submission, &jam.shop, 1);
    assert_int_equal(lend_executor_close(jam.shop.executor, LEND_NOW), EBUSY);
    assert_int_equal(submission_end(&submission), ESHUTDOWN);
    assert_int_equal(lend_submit(jam.shop.executor, &LEND_JOB(.run = plain_job_run), NULL),
                     ESHUTDOWN);
    tally_add(&jam.held[0].go);
    for (unsigned i = 0; i < jam.count; i++)
        lend_future_drop(jam.futures[i]);
    jam_end(&jam);
}

static void a_waiting_submitter_whose_time_is_up_lets_the_next_one_in(void **state) {
    (void)state;
    struct jam jam;
    jam_open(&jam, LEND_EXECUTOR_OPTIONS(.queue_max = 2, .queue_bytes_max = 10,
                                         .when_full = LEND_FULL_WAIT));
    struct submission big = {
        .spec = LEND_JOB(.run = plain_job_run, .bytes = 10, .deadline = lend_within_ms(300))};
    struct submission small = {.spec = LEND_JOB(.run = plain_job_run, .bytes = 1)};
    assert_int_equal(lend_future_cancel(jam.futures[1]), 0); /* room for one, of 10 bytes */
    struct submission nine = {.spec = LEND_JOB(.run = plain_job_run, .bytes = 9)};
    assert_int_equal(lend_future_cancel(jam.futures[2]), 0);
    assert_int_equal(lend_submit(jam.shop.executor, &nine.spec, NULL), 0);
    submission_start(&big, &jam.shop, 1);
    submission_start(&small, &jam.shop, 2); /* would fit, and does not pass the one before it */
    assert_int_equal(submission_end(&big), ETIMEDOUT);
    assert_int_equal(submission_end(&small), 0);
    tally_add(&jam.held[0].go);
    for (unsigned i = 0; i < jam.count; i++)
        lend_future_drop(jam.futures[i]);
    jam_end(&jam);
}

static void queued_bytes_are_bounded(void **state) {
    (void)state;
    struct jam jam;
    jam_open(&jam, LEND_EXECUTOR_OPTIONS(.queue_max = 1, .queue_bytes_max = 100));
    assert_int_equal(lend_future_cancel(jam.futures[1]), 0);
    struct lend_job_spec spec = LEND_JOB(.run = plain_job_run, .bytes = 101);
    assert_int_equal(lend_submit(jam.shop.executor, &spec, NULL), ENOBUFS);
    spec.bytes = UINT64_MAX;
    assert_int_equal(lend_submit(jam.shop.executor, &spec, NULL), ENOBUFS);
    spec.bytes = 100;
    assert_int_equal(lend_submit(jam.shop.executor, &spec, NULL), 0);
    assert_int_equal(executor_stats_of(jam.shop.executor).queued_bytes, 100);
    spec.bytes = 0;
    assert_int_equal(lend_submit(jam.shop.executor, &spec, NULL), EAGAIN);
    tally_add(&jam.held[0].go);
    for (unsigned i = 0; i < jam.count; i++)
        lend_future_drop(jam.futures[i]);
    jam_end(&jam);
}

struct inner_submission {
    lend_executor *executor;
    int error;
};

static int submit_to_own_executor(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    struct inner_submission *inner = argument;
    while ((inner->error = lend_submit(inner->executor, &LEND_JOB(.run = plain_job_run), NULL)) ==
           0)
        ;
    return 0;
}

static void a_worker_does_not_wait_for_room_in_its_own_queue(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = 2, .when_full = LEND_FULL_WAIT));
    struct inner_submission inner = {.executor = shop.executor};
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = submit_to_own_executor, .argument = &inner),
                                 &future),
                     0);
    assert_int_equal(lend_future_wait(future, LEND_BY_DEFAULT), 0);
    assert_int_equal(inner.error, EDEADLK);
    lend_future_drop(future);
    workshop_close(&shop);
}

static int submit_to_other_executor(void *model, void *executor, lend_job *job) {
    (void)model;
    (void)job;
    return lend_submit(executor, &LEND_JOB(.run = plain_job_run, .deadline = lend_within_ms(1)),
                       NULL);
}

static void a_worker_waits_for_room_in_the_queue_of_another_executor(void **state) {
    (void)state;
    struct jam jam;
    struct workshop shop;
    jam_open(&jam, LEND_EXECUTOR_OPTIONS(.queue_max = 1, .when_full = LEND_FULL_WAIT));
    workshop_open(&shop, 1, NULL);
    lend_future *future = workshop_run(&shop, submit_to_other_executor, jam.shop.executor);
    assert_int_equal(lend_future_error(future), ETIMEDOUT);
    lend_future_drop(future);
    workshop_close(&shop);
    jam_close(&jam);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_runs_on_a_model),
        cmocka_unit_test(a_job_without_a_future_runs_all_the_same),
        cmocka_unit_test(a_bad_spec_is_refused_and_nothing_of_it_is_called),
        cmocka_unit_test(a_spec_from_a_newer_lend_is_taken_unless_it_sets_something_new),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(every_worker_has_a_job_next_to_a_queue_of_one),
        cmocka_unit_test(a_full_queue_runs_the_job_on_the_submitting_thread),
        cmocka_unit_test(many_threads_may_submit_at_once),
        cmocka_unit_test(submitters_who_wait_for_room_come_in_in_their_order),
        cmocka_unit_test(a_submitter_comes_in_as_soon_as_a_job_is_taken),
        cmocka_unit_test(a_submitter_waits_for_room_no_longer_than_its_jobs_deadline),
        cmocka_unit_test(a_submitter_who_waits_for_room_is_sent_away_by_close),
        cmocka_unit_test(a_waiting_submitter_whose_time_is_up_lets_the_next_one_in),
        cmocka_unit_test(queued_bytes_are_bounded),
        cmocka_unit_test(a_worker_does_not_wait_for_room_in_its_own_queue),
        cmocka_unit_test(a_worker_waits_for_room_in_the_queue_of_another_executor),
    };
    return cmocka_run_group_tests_name("submit", tests, NULL, NULL);
}
