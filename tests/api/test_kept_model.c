/* SPDX-License-Identifier: MIT
 *
 * What is due to a model between two jobs is done, though the worker has the next one in sight. */
#include "support/fake_model.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static int note_fake(void *model, void *argument, lend_job *job) {
    (void)job;
    *(unsigned *)argument = ((struct fake_model *)model)->number;
    fake_use(model);
    return 0;
}

/* So many jobs on the only model, one after the other; which model each of them had. */
enum { JOBS = 5 };

static void run_in_a_row(lend_pool *pool, unsigned numbers[JOBS]) {
    struct held_job held;
    lend_executor *executor;
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .queue_max = JOBS)), 0);
    held_job_init(&held);
    struct lend_job_spec spec = LEND_JOB(.run = held_job_run, .argument = &held);
    assert_int_equal(lend_submit(executor, &spec, NULL), 0);
    assert_true(tally_wait(&held.started, 1));
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(
            lend_submit(executor, &LEND_JOB(.run = note_fake, .argument = &numbers[i]), NULL), 0);
    tally_add(&held.go);
    assert_int_equal(lend_executor_close(executor, lend_within_ms(PATIENCE_MS)), 0);
    held_job_deinit(&held);
}

/* Though nothing else is to be done for it between two jobs. */
static void a_model_that_is_worn_out_is_not_kept_for_the_next_job(void **state) {
    (void)state;
    struct fakes fakes = {0};
    unsigned numbers[JOBS] = {0};
    lend_pool *pool = fakes_pool(&fakes, .ops = &fake_plain_ops, .models = 1, .recycle_lends = 1);
    run_in_a_row(pool, numbers);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(numbers[i], i + 2);
    fakes_close(&fakes, pool);
}

static void a_model_is_reset_between_two_jobs(void **state) {
    (void)state;
    struct fakes fakes = {0};
    unsigned numbers[JOBS] = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    run_in_a_row(pool, numbers);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(numbers[i], 1);
    assert_int_equal(fakes.reset.calls, JOBS + 1);
    fakes_close(&fakes, pool);
}

static int64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* By the clock that leases are stamped by: whose model is stamped after this has it since later. */
static int stay_for_two_ticks(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    await_tick();
    await_tick();
    *(int64_t *)argument = now_ns(CLOCK_MONOTONIC_COARSE);
    return 0;
}

/* How long a job has had the only model, as a report says, and when it looked. */
struct look {
    lend_pool *pool;
    int64_t held_ns, at_ns;
};

static int look_since_when(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    struct look *look = argument;
    struct lend_lease none = lend_acquire(look->pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&none);
    look->held_ns = report != NULL ? report->holders[0].held_ns : INT64_MAX;
    look->at_ns = now_ns(CLOCK_MONOTONIC);
    lend_release(&none);
    return 0;
}

/* One that the worker has kept, and one that it takes again. */
static void a_job_has_its_model_since_it_began(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    int64_t over_ns[2];
    workshop_open(&shop, 1, NULL);
    struct look kept = {.pool = shop.pool}, taken = {.pool = shop.pool};
    held_job_init(&held);
    const struct lend_job_spec specs[] = {
        LEND_JOB(.run = held_job_run, .argument = &held),
        LEND_JOB(.run = stay_for_two_ticks, .argument = &over_ns[0]),
        LEND_JOB(.run = look_since_when,
                 .argument = &kept), /* seen by the worker when that is over */
    };
    for (int i = 0; i < 3; i++)
        assert_int_equal(lend_submit(shop.executor, &specs[i], NULL), 0);
    tally_add(&held.go);
    assert_true(eventually(executor_stats_of(shop.executor).succeeded == 3));
    lend_future_drop(workshop_run(&shop, stay_for_two_ticks, &over_ns[1]));
    lend_future_drop(workshop_run(&shop, look_since_when, &taken));
    assert_in_range(kept.held_ns, 0, kept.at_ns - over_ns[0]);
    assert_in_range(taken.held_ns, 0, taken.at_ns - over_ns[1]);
    workshop_close(&shop);
    held_job_deinit(&held);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_is_worn_out_is_not_kept_for_the_next_job),
        cmocka_unit_test(a_model_is_reset_between_two_jobs),
        cmocka_unit_test(a_job_has_its_model_since_it_began),
    };
    return cmocka_run_group_tests_name("kept model", tests, NULL, NULL);
}
