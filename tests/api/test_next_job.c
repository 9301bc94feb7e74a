/* SPDX-License-Identifier: MIT
 *
 * From one job to the next on the same worker: the model that it keeps for it, the memory that both
 * had, and what is not handed on. */
#include "support/allocated.h"
#include "support/pace.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void submit_and_forget(struct workshop *shop, struct held_job *held) {
    struct lend_job_spec spec =
        LEND_JOB(.run = held_job_run, .argument = held, .deadline = LEND_FOREVER);
    held_job_init(held);
    assert_int_equal(lend_submit(shop->executor, &spec, NULL), 0);
}

struct visitor {
    lend_pool *pool;
    struct tally here;
    struct gate leave;
};

static int visit(void *argument) {
    struct visitor *visitor = argument;
    struct lend_lease lease = lend_acquire(visitor->pool, LEND_FOREVER);
    int error = lend_lease_error(&lease);
    tally_add(&visitor->here);
    bool left = gate_wait(&visitor->leave);
    lend_release(&lease);
    return left ? error : ETIMEDOUT;
}

/* However much is queued, for which the worker would keep the model. */
static void who_waits_for_a_model_gets_it_between_two_jobs(void **state) {
    (void)state;
    enum { JOBS = 3 };
    struct workshop shop;
    struct held_job jobs[JOBS];
    struct test_thread thread;
    workshop_open(&shop, 1, NULL);
    struct visitor visitor = {.pool = shop.pool};
    tally_init(&visitor.here);
    gate_init(&visitor.leave);
    for (int i = 0; i < JOBS; i++)
        submit_and_forget(&shop, &jobs[i]);
    assert_true(tally_wait(&jobs[0].started, 1));
    thread_start(&thread, visit, &visitor);
    assert_true(eventually(stats_of(shop.pool).waiting == 1));
    tally_add(&jobs[0].go);
    assert_true(tally_wait(&visitor.here, 1));
    assert_true(eventually(executor_stats_of(shop.executor).borrowing == 1));
    assert_int_equal(tally_count(&jobs[1].started), 0);
    gate_open(&visitor.leave);
    for (int i = 1; i < JOBS; i++)
        tally_add(&jobs[i].go);
    assert_int_equal(thread_join(&thread), 0);
    for (int i = 0; i < JOBS; i++)
        assert_true(tally_wait(&jobs[i].started, 1));
    workshop_close(&shop);
    gate_deinit(&visitor.leave);
    tally_deinit(&visitor.here);
}

static int say_broken_without_a_word(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    lend_job_model_broken(job, NULL);
    return 0;
}

/* Though it may well have the same memory. */
static void a_job_finds_nothing_of_what_another_has_left(void **state) {
    (void)state;
    struct workshop shop;
    static const int failure = EIO;
    workshop_open(&shop, 1, NULL);
    lend_future_drop(workshop_run(&shop, say_broken_without_a_word, NULL));
    lend_future *read = workshop_run(&shop, plain_job_run, NULL);
    assert_int_equal(lend_future_outcome(read), LEND_SUCCEEDED);
    lend_future_drop(read);
    assert_int_equal(stats_of(shop.pool).broken, 1);
    lend_future_drop(workshop_run(&shop, plain_job_run, (void *)(uintptr_t)&failure));
    assert_int_equal(events_count_of(&shop.events, LEND_EVENT_JOB_UNREAD), 1);
    read = workshop_run(&shop, plain_job_run, NULL);
    assert_int_equal(lend_future_error(read), 0);
    assert_string_equal(lend_future_reason(read), "");
    lend_future_drop(read);
    workshop_close(&shop);
}

/* Nor of what was asked of it. */
static void a_job_is_not_called_off_for_another(void **state) {
    (void)state;
    struct workshop shop;
    lend_future *future;
    const struct lend_job_spec spec = LEND_JOB(.run = plain_job_run, .deadline = LEND_FOREVER);
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_int_equal(lend_submit(shop.executor, &spec, &future), 0);
    assert_true(eventually(stats_of(shop.pool).waiting == 1));
    assert_int_equal(lend_future_cancel(future), 0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    assert_int_equal(lend_submit(shop.executor, &spec, &future), 0);
    assert_true(eventually(stats_of(shop.pool).waiting == 1 ||
                           lend_future_outcome(future) != LEND_PENDING));
    lend_release(&lease);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
    workshop_close(&shop);
}

static int note_whether_to_stop(void *model, void *argument, lend_job *job) {
    (void)model;
    *(bool *)argument = lend_job_must_stop(job);
    return 0;
}

static void a_job_is_not_told_to_stop_for_another(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    bool must_stop = true;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    assert_int_equal(lend_future_cancel(future), EINPROGRESS);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
    lend_future_drop(workshop_run(&shop, note_whether_to_stop, &must_stop));
    assert_false(must_stop);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void forget(struct workshop *shop, lend_job_function *run, int times) {
    for (int i = 0; i < times; i++)
        assert_int_equal(
            lend_submit(shop->executor, &LEND_JOB(.run = run, .deadline = LEND_FOREVER), NULL), 0);
}

static bool have_succeeded(struct workshop *shop, uint64_t jobs) {
    return eventually(executor_stats_of(shop->executor).succeeded == jobs);
}

static int explain_a_success(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument;
    return lend_job_explain(job, 0, "all pages were blank, and that is well");
}

static int fail_without_a_word(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    return EIO;
}

/* However short the jobs are, of which some leave no more trace than they must. */
static void a_failure_has_no_words_of_an_earlier_success(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    int jobs = rounds(100, 10);
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = (uint32_t)jobs));
    for (int i = 0; i < jobs; i++)
        lend_future_drop(workshop_run(&shop, plain_job_run, NULL));
    submit_and_forget(&shop, &held);
    assert_true(tally_wait(&held.started, 1));
    forget(&shop, explain_a_success, jobs);
    tally_add(&held.go);
    assert_true(have_succeeded(&shop, 2 * (uint64_t)jobs + 1));
    forget(&shop, plain_job_run, 1); /* whose end puts the memory of all those within reach */
    assert_true(have_succeeded(&shop, 2 * (uint64_t)jobs + 2));
    for (int i = 0; i < jobs; i++) {
        lend_future *future = workshop_run(&shop, fail_without_a_word, NULL);
        assert_string_equal(lend_future_reason(future), lend_strerror(EIO));
        lend_future_drop(future);
    }
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void count(lend_future *future, void *argument) {
    (void)future;
    tally_add(argument);
}

static void count_dropped(void *argument) {
    tally_add(argument);
}

static int leave_it(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    return 0;
}

static int say_broken_and_note_model(void *model, void *argument, lend_job *job) {
    *(unsigned *)argument = *(const unsigned *)model;
    return say_broken_without_a_word(model, argument, job);
}

static int note_model(void *model, void *argument, lend_job *job) {
    (void)job;
    *(unsigned *)argument = *(const unsigned *)model;
    return 0;
}

/* Each alone, and with the next job in sight all the while. */
static void whatever_is_left_to_do_for_a_job_is_done(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    struct tally told, dropped;
    unsigned broken, next;
    tally_init(&told);
    tally_init(&dropped);
    const struct lend_job_spec specs[] = {
        LEND_JOB(.run = leave_it, .done = count, .done_argument = &told),
        LEND_JOB(.run = leave_it, .argument = &dropped, .drop_argument = count_dropped),
        LEND_JOB(.run = say_broken_and_note_model, .argument = &broken),
        LEND_JOB(.run = note_model, .argument = &next),
    };
    workshop_open(&shop, 1, NULL);
    submit_and_forget(&shop, &held);
    assert_true(tally_wait(&held.started, 1));
    for (int i = 0; i < 4; i++)
        assert_int_equal(lend_submit(shop.executor, &specs[i], NULL), 0);
    tally_add(&held.go);
    assert_true(have_succeeded(&shop, 5));
    assert_int_equal(tally_count(&told), 1);
    assert_int_equal(tally_count(&dropped), 1);
    assert_int_equal(stats_of(shop.pool).broken, 1);
    assert_int_not_equal(next, broken);
    workshop_close(&shop);
    held_job_deinit(&held);
    tally_deinit(&told);
    tally_deinit(&dropped);
}

static int return_a_value(void *model, void *argument, lend_job *job) {
    (void)model;
    lend_job_return(job, argument, count_dropped);
    return 0;
}

/* After some that are short, not all are counted and timed any more. */
static void a_value_that_nobody_can_ask_for_is_destroyed(void **state) {
    (void)state;
    enum { JOBS = 100, TIMES = 5 };
    struct workshop shop;
    struct tally destroyed;
    tally_init(&destroyed);
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = JOBS));
    const struct lend_job_spec spec = LEND_JOB(.run = return_a_value, .argument = &destroyed);
    for (unsigned i = 1; i <= TIMES; i++) {
        forget(&shop, plain_job_run, JOBS);
        assert_true(have_succeeded(&shop, (2 * i - 1) * JOBS));
        for (int job = 0; job < JOBS; job++)
            assert_int_equal(lend_submit(shop.executor, &spec, NULL), 0);
        assert_true(have_succeeded(&shop, 2 * i * JOBS));
    }
    workshop_close(&shop);
    assert_int_equal(tally_count(&destroyed), TIMES * JOBS);
    tally_deinit(&destroyed);
}

enum { SHORT = 64, WATCHED = 15 };

/* Submit the two that expire while the first job is held; it goes on when the first of them has, by
 * when the timekeeper watches all that are queued. */
static void let_two_expire(struct workshop *shop, struct held_job *held, struct held_job late[2],
                           int64_t ms) {
    for (int i = 0; i < 2; i++) {
        held_job_init(&late[i]);
        lend_future *future =
            held_job_submit(shop, &late[i], lend_within_ms(i == 0 ? ms / 40 : ms + ms / 4));
        assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
        assert_int_equal(lend_future_outcome(future), LEND_EXPIRED);
        lend_future_drop(future);
        tally_add(&late[i].go);
        tally_add(&held->go);
    }
}

/* Jobs that have this long, and are over long before, and two that expire, the second of them later
 * than those could. False if the machine was so slow that some of the others expired too. */
static bool only_what_is_late_expires(int64_t ms) {
    struct workshop shop;
    struct held_job held, late[2];
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = SHORT));
    forget(&shop, plain_job_run, SHORT);
    assert_true(have_succeeded(&shop, SHORT));
    submit_and_forget(&shop, &held);
    assert_true(tally_wait(&held.started, 1));
    const struct lend_job_spec spec =
        LEND_JOB(.run = plain_job_run, .deadline = lend_within_ms(ms));
    for (int i = 0; i < WATCHED; i++)
        assert_int_equal(lend_submit(shop.executor, &spec, NULL), 0);
    let_two_expire(&shop, &held, late, ms);
    assert_true(eventually(executor_stats_of(shop.executor).pending == 0));
    struct lend_executor_stats stats = executor_stats_of(shop.executor);
    workshop_close(&shop);
    held_job_deinit(&held);
    for (int i = 0; i < 2; i++)
        held_job_deinit(&late[i]);
    assert_int_equal(stats.succeeded + stats.expired, SHORT + 1 + WATCHED + 2);
    return stats.expired == 2;
}

/* Also of one that nobody is told of and that is not timed. A slow machine gets twice the time. */
static void the_deadline_of_a_job_goes_with_it(void **state) {
    (void)state;
    for (int64_t ms = 200; !only_what_is_late_expires(ms); ms *= 2)
        assert_true(ms < 3000);
}

/* Though its own memory goes another way than that of others. */
static void a_job_that_leaves_words_leaves_the_other_worker_where_it_is(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held[2];
    workshop_open(&shop, 2, NULL);
    for (int i = 0; i < 2; i++)
        submit_and_forget(&shop, &held[i]);
    for (int i = 0; i < 2; i++)
        assert_true(tally_wait(&held[i].started, 1));
    for (int i = 0; i < 2; i++)
        tally_add(&held[i].go);
    assert_true(have_succeeded(&shop, 2)); /* both sleep, and one is called for the next */
    forget(&shop, explain_a_success, 1);
    assert_true(have_succeeded(&shop, 3));
    workshop_close(&shop); /* once both have ended */
    for (int i = 0; i < 2; i++)
        held_job_deinit(&held[i]);
}

struct leaver {
    struct workshop *shop;
    uint32_t lent; /* as the next one finds it */
};

static int leave_a_lease(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    struct leaver *leaver = argument;
    struct lend_lease lease = lend_acquire(leaver->shop->pool, LEND_NOW);
    return lend_lease_error(&lease);
}

static int look_what_is_lent(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    struct leaver *leaver = argument;
    leaver->lent = stats_of(leaver->shop->pool).lent;
    return 0;
}

static void what_a_job_leaves_is_taken_back_before_the_next_begins(void **state) {
    (void)state;
    static lend_job_function *const runs[] = {leave_a_lease, look_what_is_lent};
    struct workshop shop;
    struct held_job held;
    struct leaver leaver = {.shop = &shop};
    workshop_open(&shop, 2, &LEND_EXECUTOR_OPTIONS(.workers = 1));
    submit_and_forget(&shop, &held);
    assert_true(tally_wait(&held.started, 1));
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            lend_submit(shop.executor, &LEND_JOB(.run = runs[i], .argument = &leaver), NULL), 0);
    tally_add(&held.go);
    assert_true(have_succeeded(&shop, 3));
    assert_int_equal(leaver.lent, 1);
    assert_int_equal(events_count_of(&shop.events, LEND_EVENT_LEASE_LEFT), 1);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void a_burst_of_jobs_leaves_little_memory_behind(void **state) {
    (void)state;
    enum { LITTLE = 1 << 20 };
    struct workshop shop;
    struct held_job held;
    int jobs = rounds(20000, 200);
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = (uint32_t)jobs));
    submit_and_forget(&shop, &held);
    assert_true(tally_wait(&held.started, 1));
    size_t before = bytes_allocated();
    forget(&shop, plain_job_run, jobs);
    bool is_told = bytes_allocated() > before + 4 * LITTLE;
    tally_add(&held.go);
    assert_true(have_succeeded(&shop, (uint64_t)jobs + 1));
    size_t after = bytes_allocated();
    workshop_close(&shop);
    held_job_deinit(&held);
    if (!is_told)
        skip();
    assert_true(after < before + LITTLE);
}

/* Of the leases of one slot: the first 64 and every 16th. */
static void a_lease_counts_though_the_model_is_kept_for_the_next_job(void **state) {
    (void)state;
    enum { JOBS = 200 };
    struct workshop shop;
    struct held_job held;
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = JOBS));
    submit_and_forget(&shop, &held);
    assert_true(tally_wait(&held.started, 1));
    forget(&shop, plain_job_run, JOBS);
    tally_add(&held.go);
    assert_true(have_succeeded(&shop, JOBS + 1));
    assert_true(eventually(stats_of(shop.pool).free == 1));
    struct lend_pool_stats stats = stats_of(shop.pool);
    assert_int_equal(stats.grants, JOBS + 1);
    assert_int_equal(lend_histogram_count(&stats.holds), 64 + (JOBS + 1 - 64) / 16);
    workshop_close(&shop);
    held_job_deinit(&held);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_for_a_model_gets_it_between_two_jobs),
        cmocka_unit_test(a_job_finds_nothing_of_what_another_has_left),
        cmocka_unit_test(a_job_is_not_called_off_for_another),
        cmocka_unit_test(a_job_is_not_told_to_stop_for_another),
        cmocka_unit_test(a_failure_has_no_words_of_an_earlier_success),
        cmocka_unit_test(whatever_is_left_to_do_for_a_job_is_done),
        cmocka_unit_test(a_value_that_nobody_can_ask_for_is_destroyed),
        cmocka_unit_test(the_deadline_of_a_job_goes_with_it),
        cmocka_unit_test(a_job_that_leaves_words_leaves_the_other_worker_where_it_is),
        cmocka_unit_test(what_a_job_leaves_is_taken_back_before_the_next_begins),
        cmocka_unit_test(a_burst_of_jobs_leaves_little_memory_behind),
        cmocka_unit_test(a_lease_counts_though_the_model_is_kept_for_the_next_job),
    };
    return cmocka_run_group_tests_name("next job", tests, NULL, NULL);
}
