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
        cmocka_unit_test(a_holder_whose_wait_ends_in_time_is_waited_for),
        cmocka_unit_test(a_job_that_waits_for_one_queued_behind_it_is_refused),
        cmocka_unit_test(a_job_that_waits_for_one_that_waits_for_its_model_is_refused),
        cmocka_unit_test(a_worker_runs_the_queued_job_that_it_waits_for_if_a_model_is_free),
        cmocka_unit_test(a_job_that_only_looks_at_one_in_its_queue_does_not_run_it),
        cmocka_unit_test(a_job_may_wait_for_one_that_another_worker_runs),
    };
    return cmocka_run_group_tests_name("deadlock", tests, NULL, NULL);
}
