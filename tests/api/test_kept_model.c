/* SPDX-License-Identifier: MIT
 *
 * What is due to a model between two jobs is done, though the worker has the next one in sight. */
#include "support/fake_model.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_is_worn_out_is_not_kept_for_the_next_job),
        cmocka_unit_test(a_model_is_reset_between_two_jobs),
    };
    return cmocka_run_group_tests_name("next job", tests, NULL, NULL);
}
