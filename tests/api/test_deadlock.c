/* SPDX-License-Identifier: MIT
 *
 * Waits that could never have ended: refused at once, with who waits for whom. Everything here
 * waits for ever; were a deadlock not seen, the test would hang. */
#include "support/pace.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_thread_that_waits_for_what_it_holds_is_refused(void **state) {
    (void)state;
    struct workshop shop;
    char words[512];
    workshop_open(&shop, 2, NULL);
    struct lend_lease one = lend_acquire(shop.pool, LEND_FOREVER);
    struct lend_lease two = lend_acquire(shop.pool, LEND_FOREVER);
    struct lend_lease three = lend_acquire(shop.pool, LEND_FOREVER);
    assert_int_equal(lend_lease_error(&three), EDEADLK);
    const struct lend_report *report = lend_lease_report(&three);
    assert_int_equal(report->cause, LEND_CAUSE_DEADLOCK);
    assert_int_equal(report->step_count, 1);
    assert_int_equal(report->steps[0].tid, report->steps[0].holder_tid);
    assert_string_equal(report->steps[0].awaits, "pool \"workshop\"");
    assert_non_null(strstr(report->steps[0].held_site->file, "test_deadlock.c"));
    lend_report_print(report, words, sizeof words);
    assert_non_null(strstr(words, "pool \"workshop\": deadlock; 2 of 2 lent"));
    assert_non_null(strstr(words, "waits at test_deadlock.c:"));
    lend_release(&three);
    lend_release(&two);
    lend_release(&one);
    workshop_close(&shop);
}

static void with_a_deadline_too_it_is_refused_at_once(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct lend_lease one = lend_acquire(shop.pool, LEND_FOREVER);
    lend_deadline hour = lend_within_ms(3600000);
    struct lend_lease two = lend_acquire(shop.pool, hour);
    assert_int_equal(lend_lease_error(&two), EDEADLK);
    assert_true(lend_deadline_left_ms(hour) > 1800000);
    lend_release(&two);
    lend_release(&one);
    workshop_close(&shop);
}

static void what_somebody_else_may_give_back_is_waited_for(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct lend_lease one = lend_acquire(shop.pool, LEND_FOREVER);
    assert_int_equal(lend_lease_detach(&one), 0);
    struct lend_lease two = lend_acquire(shop.pool, lend_within_ms(5));
    assert_int_equal(lend_lease_error(&two), ETIMEDOUT);
    lend_release(&two);
    lend_release(&one);
    workshop_close(&shop);
}

/* Two threads, two pools, each in the other's way. */
struct crossing {
    struct lend_pool *first, *second;
    lend_deadline patience;
    struct tally *holding; /* both have their first */
    int error;
    bool is_ring; /* the refusal showed both */
    struct test_thread thread;
};

static int cross(void *argument) {
    struct crossing *self = argument;
    struct lend_lease first = lend_acquire(self->first, LEND_FOREVER);
    tally_add(self->holding);
    tally_wait(self->holding, 2);
    struct lend_lease second = lend_acquire(self->second, self->patience);
    self->error = lend_lease_error(&second);
    const struct lend_report *report = lend_lease_report(&second);
    self->is_ring = report != NULL && report->step_count == 2 &&
                    report->steps[0].holder_tid == report->steps[1].tid &&
                    report->steps[1].holder_tid == report->steps[0].tid;
    lend_release(&second);
    lend_release(&first);
    return 0;
}

static void run_crossing(lend_deadline one, lend_deadline other, struct crossing crossings[2]) {
    struct workshop a, b;
    struct tally holding;
    tally_init(&holding);
    workshop_open(&a, 1, NULL);
    workshop_open(&b, 1, NULL);
    crossings[0] =
        (struct crossing){.first = a.pool, .second = b.pool, .patience = one, .holding = &holding};
    crossings[1] = (struct crossing){
        .first = b.pool, .second = a.pool, .patience = other, .holding = &holding};
    for (int i = 0; i < 2; i++)
        thread_start(&crossings[i].thread, cross, &crossings[i]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_join(&crossings[i].thread), 0);
    workshop_close(&a);
    workshop_close(&b);
    tally_deinit(&holding);
}

static void of_two_threads_in_each_others_way_one_is_refused_and_one_goes_on(void **state) {
    (void)state;
    for (int i = 0; i < rounds(200, 10); i++) {
        struct crossing crossings[2];
        run_crossing(LEND_FOREVER, LEND_FOREVER, crossings);
        assert_int_equal(crossings[0].error + crossings[1].error, EDEADLK);
        assert_true(crossings[0].is_ring || crossings[1].is_ring);
    }
}

static void the_one_whose_deadline_is_first_is_refused_whoever_came_last(void **state) {
    (void)state;
    for (int i = 0; i < rounds(200, 10); i++) {
        struct crossing crossings[2];
        run_crossing(lend_within_ms(3600000), LEND_FOREVER, crossings);
        assert_int_equal(crossings[0].error, EDEADLK);
        assert_true(crossings[0].is_ring);
        assert_int_equal(crossings[1].error, 0);
    }
}

static void the_report_says_for_how_long_each_has_waited_and_held(void **state) {
    (void)state;
    struct workshop a, b;
    struct tally holding;
    tally_init(&holding);
    workshop_open(&a, 1, NULL);
    workshop_open(&b, 1, NULL);
    struct crossing other = {
        .first = a.pool, .second = b.pool, .patience = LEND_FOREVER, .holding = &holding};
    struct lend_lease first = lend_acquire(b.pool, LEND_FOREVER);
    tally_add(&holding);
    thread_start(&other.thread, cross, &other);
    assert_true(eventually(stats_of(b.pool).waiting == 1));
    await_tick();
    await_tick(); /* a tick is 1 ms or longer */
    struct lend_lease second = lend_acquire(a.pool, LEND_FOREVER);
    assert_int_equal(lend_lease_error(&second), EDEADLK);
    const struct lend_report *report = lend_lease_report(&second);
    assert_int_equal(report->step_count, 2);
    assert_true(report->steps[1].waited_ns >= 1000000);
    for (size_t i = 0; i < 2; i++)
        assert_true(report->steps[i].held_ns >= 1000000);
    lend_release(&second);
    lend_release(&first);
    assert_int_equal(thread_join(&other.thread), 0);
    assert_int_equal(other.error, 0);
    workshop_close(&a);
    workshop_close(&b);
    tally_deinit(&holding);
}

static void a_holder_whose_wait_ends_in_time_is_waited_for(void **state) {
    (void)state;
    struct crossing crossings[2];
    struct workshop a, b;
    struct tally holding;
    tally_init(&holding);
    workshop_open(&a, 1, NULL);
    workshop_open(&b, 2, NULL); /* the other one is free to give back its first at once */
    crossings[0] = (struct crossing){
        .first = a.pool, .second = b.pool, .patience = LEND_FOREVER, .holding = &holding};
    crossings[1] = (struct crossing){
        .first = b.pool, .second = a.pool, .patience = LEND_FOREVER, .holding = &holding};
    for (int i = 0; i < 2; i++)
        thread_start(&crossings[i].thread, cross, &crossings[i]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_join(&crossings[i].thread), 0);
    assert_int_equal(crossings[0].error + crossings[1].error, 0);
    workshop_close(&a);
    workshop_close(&b);
    tally_deinit(&holding);
}

/* jobs */

struct nesting {
    lend_executor *executor;
    lend_job_function *inner;
    int error;       /* of the wait for the inner job */
    int inner_error; /* of that job */
};

static int submit_and_wait(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    struct nesting *nesting = argument;
    lend_future *future;
    int error = lend_submit(nesting->executor,
                            &LEND_JOB(.run = nesting->inner, .deadline = LEND_FOREVER), &future);
    if (error != 0)
        return error;
    nesting->error = lend_future_wait(future, LEND_FOREVER);
    nesting->inner_error = lend_future_error(future);
    lend_future_drop(future);
    return 0;
}

static void a_job_that_waits_for_one_queued_behind_it_is_refused(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct nesting nesting = {.executor = shop.executor, .inner = plain_job_run};
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = submit_and_wait, .argument = &nesting,
                                           .deadline = LEND_FOREVER),
                                 &future),
                     0);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    assert_int_equal(nesting.error, EDEADLK);
    struct recorded_event event = events_first_of(&shop.events, LEND_EVENT_DEADLOCK);
    assert_int_equal(event.error, EDEADLK);
    assert_non_null(strstr(event.text, "of executor \"workshop\", which thread"));
    lend_future_drop(future);
    workshop_close(&shop);
}

static void a_job_that_waits_for_one_that_waits_for_its_model_is_refused(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.workers = 2));
    struct nesting nesting = {.executor = shop.executor, .inner = plain_job_run};
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = submit_and_wait, .argument = &nesting,
                                           .deadline = LEND_FOREVER),
                                 &future),
                     0);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    /* Either wait closes the ring: the outer job's for the inner one, or the inner's for a model.
     */
    assert_true(nesting.error == EDEADLK || nesting.inner_error == EDEADLK);
    lend_future_drop(future);
    workshop_close(&shop);
}

/* Its wait is the first to end by its deadline. */
static void who_has_the_model_that_the_job_needs_is_refused(void **state) {
    (void)state;
    struct workshop shop;
    lend_future *future;
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = plain_job_run, .deadline = LEND_FOREVER),
                                 &future),
                     0);
    assert_int_equal(lend_future_wait(future, lend_within_ms(3600000)), EDEADLK);
    lend_release(&lease);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    workshop_close(&shop);
}

/* A callback, which has no model, and is in its worker's way. */
struct callback {
    lend_executor *executor;
    struct tally called, taken;
    int error;
};

static void wait_for_the_next(lend_future *future, void *argument) {
    (void)future;
    struct callback *self = argument;
    lend_future *next;
    tally_add(&self->called);
    tally_wait(&self->taken, 1);
    self->error = lend_submit(self->executor,
                              &LEND_JOB(.run = plain_job_run, .deadline = LEND_FOREVER), &next);
    if (self->error != 0)
        return;
    self->error = lend_future_wait(next, LEND_FOREVER);
    lend_future_drop(next);
}

static void a_callback_that_waits_for_a_job_behind_it_is_refused(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct callback callback = {.executor = shop.executor};
    tally_init(&callback.called);
    tally_init(&callback.taken);
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = plain_job_run, .done = wait_for_the_next,
                                           .done_argument = &callback),
                                 &future),
                     0);
    assert_true(tally_wait(&callback.called, 1));
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW); /* or it would run it itself */
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

static int note_thread(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    *(pthread_t *)argument = pthread_self();
    return 0;
}

static int wait_for_queued(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    struct nesting *nesting = argument;
    pthread_t ran_on;
    lend_future *future;
    int error =
        lend_submit(nesting->executor, &LEND_JOB(.run = note_thread, .argument = &ran_on), &future);
    if (error != 0)
        return error;
    nesting->error = lend_future_wait(future, LEND_FOREVER);
    nesting->inner_error = lend_future_error(future);
    lend_future_drop(future);
    return pthread_equal(ran_on, pthread_self()) ? 0 : EINVAL;
}

static void a_worker_runs_the_queued_job_that_it_waits_for_if_a_model_is_free(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 2, &LEND_EXECUTOR_OPTIONS(.workers = 1));
    struct nesting nesting = {.executor = shop.executor};
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = wait_for_queued, .argument = &nesting), &future),
                     0);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_error(future), 0);
    assert_int_equal(nesting.error, 0);
    assert_int_equal(nesting.inner_error, 0);
    lend_future_drop(future);
    workshop_close(&shop);
}

struct glance {
    lend_future *other; /* set once `told` was counted */
    struct tally told;
    int in_wait, in_join;
    bool begun; /* the other one */
};

static int say_begun(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    struct glance *glance = argument;
    glance->begun = true;
    return 0;
}

static int glance_at_the_other(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    struct glance *glance = argument;
    tally_wait(&glance->told, 1);
    glance->in_wait = lend_future_wait(glance->other, LEND_NOW);
    glance->in_join = lend_future_join(glance->other, LEND_NOW);
    return glance->begun ? EINVAL : 0;
}

/* It would run it if it were to wait: there is a model. */
static void a_job_that_only_looks_at_one_in_its_queue_does_not_run_it(void **state) {
    (void)state;
    struct workshop shop;
    struct glance glance = {0};
    lend_future *looking;
    tally_init(&glance.told);
    workshop_open(&shop, 2, &LEND_EXECUTOR_OPTIONS(.workers = 1));
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = glance_at_the_other, .argument = &glance),
                                 &looking),
                     0);
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = say_begun, .argument = &glance), &glance.other),
        0);
    tally_add(&glance.told);
    assert_int_equal(lend_future_wait(looking, LEND_FOREVER), 0);
    assert_int_equal(lend_future_error(looking), 0);
    assert_int_equal(glance.in_wait, EBUSY);
    assert_int_equal(glance.in_join, EBUSY);
    assert_int_equal(lend_future_wait(glance.other, LEND_FOREVER), 0);
    lend_future_drop(looking);
    lend_future_drop(glance.other);
    workshop_close(&shop);
    tally_deinit(&glance.told);
}

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

/* For a job that waits for what this thread has, for two hours, and has one itself. Returns the
 * error of a wait of three hours; *ret_error is that of the job's. */
static int wait_in_a_ring(int (*wait)(lend_future *, lend_deadline), int *ret_error) {
    enum { HOUR_MS = 3600 * 1000 };
    struct workshop shop, kept;
    workshop_open(&shop, 1, NULL);
    workshop_open(&kept, 1, NULL);
    struct lend_lease lease = lend_acquire(kept.pool, LEND_NOW);
    struct borrowing borrowing = {.pool = kept.pool, .deadline = lend_within_ms(2 * HOUR_MS)};
    lend_future *future;
    assert_int_equal(lend_submit(shop.executor,
                                 &LEND_JOB(.run = borrow, .argument = &borrowing,
                                           .deadline = lend_within_ms(HOUR_MS)),
                                 &future),
                     0);
    int error = wait(future, lend_within_ms(3 * HOUR_MS));
    lend_release(&lease);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    lend_future_drop(future);
    workshop_close(&shop);
    workshop_close(&kept);
    *ret_error = borrowing.error;
    return error;
}

static void the_deadline_of_a_job_ends_a_wait_for_its_outcome_and_not_a_join(void **state) {
    (void)state;
    int error_of_job;
    assert_int_equal(wait_in_a_ring(lend_future_wait, &error_of_job), EDEADLK);
    assert_int_equal(error_of_job, 0);
    assert_int_equal(wait_in_a_ring(lend_future_join, &error_of_job), 0);
    assert_int_equal(error_of_job, EDEADLK);
}

static void a_job_may_wait_for_one_that_another_worker_runs(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 2, NULL);
    struct nesting nesting = {.executor = shop.executor, .inner = plain_job_run, .error = -1};
    for (int i = 0; i < rounds(100, 10); i++) {
        lend_future *future;
        assert_int_equal(lend_submit(shop.executor,
                                     &LEND_JOB(.run = submit_and_wait, .argument = &nesting),
                                     &future),
                         0);
        assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
        assert_int_equal(nesting.error, 0);
        lend_future_drop(future);
    }
    workshop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_waits_for_what_it_holds_is_refused),
        cmocka_unit_test(with_a_deadline_too_it_is_refused_at_once),
        cmocka_unit_test(what_somebody_else_may_give_back_is_waited_for),
        cmocka_unit_test(of_two_threads_in_each_others_way_one_is_refused_and_one_goes_on),
        cmocka_unit_test(the_one_whose_deadline_is_first_is_refused_whoever_came_last),
        cmocka_unit_test(the_report_says_for_how_long_each_has_waited_and_held),
        cmocka_unit_test(a_holder_whose_wait_ends_in_time_is_waited_for),
        cmocka_unit_test(a_job_that_waits_for_one_queued_behind_it_is_refused),
        cmocka_unit_test(a_job_that_waits_for_one_that_waits_for_its_model_is_refused),
        cmocka_unit_test(who_has_the_model_that_the_job_needs_is_refused),
        cmocka_unit_test(a_callback_that_waits_for_a_job_behind_it_is_refused),
        cmocka_unit_test(a_worker_runs_the_queued_job_that_it_waits_for_if_a_model_is_free),
        cmocka_unit_test(a_job_that_only_looks_at_one_in_its_queue_does_not_run_it),
        cmocka_unit_test(the_deadline_of_a_job_ends_a_wait_for_its_outcome_and_not_a_join),
        cmocka_unit_test(a_job_may_wait_for_one_that_another_worker_runs),
    };
    return cmocka_run_group_tests_name("deadlock", tests, NULL, NULL);
}
