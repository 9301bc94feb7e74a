/* SPDX-License-Identifier: MIT
 *
 * How long a job has that was given no deadline, or no time. */
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static int note_deadline(void *model, void *argument, lend_job *job) {
    (void)model;
    *(lend_deadline *)argument = lend_job_deadline(job);
    return 0;
}

static lend_deadline deadline_by_default(struct workshop *shop) {
    lend_deadline found = LEND_NOW;
    lend_future *future;
    assert_int_equal(
        lend_submit(shop->executor, &LEND_JOB(.run = note_deadline, .argument = &found), &future),
        0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    return found;
}

/* To the nanosecond, also of those many short jobs that are not timed. A loaded machine may let the
 * deadline pass; the job is there to say what it was as long as it is begun. */
static void a_short_patience_begins_with_the_submission(void **state) {
    (void)state;
    enum { JOBS = 300, SHORT_MS = 999 };
    struct workshop shop;
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.job_ms_default = SHORT_MS));
    for (int i = 0; i < JOBS; i++) {
        lend_deadline before = lend_within_ms(SHORT_MS);
        lend_deadline found = deadline_by_default(&shop);
        lend_deadline after = lend_within_ms(SHORT_MS);
        if (found.at_ns != LEND_NOW.at_ns)
            assert_true(before.at_ns <= found.at_ns && found.at_ns <= after.at_ns);
    }
    workshop_close(&shop);
}

static int64_t tick_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* It is counted by the clock of the tick, and ten ms more. After the whole machine has stood still,
 * that clock is further behind until the next tick: then nothing can be said. */
static void a_long_patience_is_never_too_short(void **state) {
    (void)state;
    enum { JOBS = 300, LONG_MS = 60000, TICK_MS = 20 };
    struct workshop shop;
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.job_ms_default = LONG_MS));
    for (int i = 0; i < JOBS; i++) {
        int64_t ticked_ns = tick_ns();
        lend_deadline before = lend_within_ms(LONG_MS);
        lend_deadline found = deadline_by_default(&shop);
        lend_deadline after = lend_within_ms(LONG_MS + TICK_MS);
        bool stood_still = before.at_ns - LONG_MS * INT64_C(1000000) - ticked_ns > 10000000;
        assert_true(before.at_ns <= found.at_ns || stood_still);
        assert_true(found.at_ns <= after.at_ns);
    }
    workshop_close(&shop);
}

static void a_patience_beyond_all_time_is_without_end(void **state) {
    (void)state;
    static const int64_t patiences[] = {-1, INT64_MAX, INT64_MAX / 1000000};
    for (int i = 0; i < 3; i++) {
        struct workshop shop;
        workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.job_ms_default = patiences[i]));
        assert_int_equal(deadline_by_default(&shop).at_ns, LEND_FOREVER.at_ns);
        workshop_close(&shop);
    }
}

/* Run by its submitter, who finds no model and has no time to wait for one. */
static void a_job_without_any_time_that_finds_no_model_has_expired(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job running, queued, here;
    struct held_job *all[] = {&running, &queued, &here};
    for (int i = 0; i < 3; i++)
        held_job_init(all[i]);
    workshop_open(&shop, 1,
                  &LEND_EXECUTOR_OPTIONS(.queue_max = 1, .when_full = LEND_FULL_RUN_HERE));
    lend_future *first = held_job_submit(&shop, &running, LEND_FOREVER);
    assert_true(tally_wait(&running.started, 1));
    lend_future *second = held_job_submit(&shop, &queued, LEND_FOREVER);
    lend_future *third = held_job_submit(&shop, &here, LEND_NOW);
    assert_int_equal(lend_future_outcome(third), LEND_EXPIRED);
    assert_int_equal(lend_future_error(third), ETIMEDOUT);
    assert_non_null(strstr(lend_future_reason(third), "every model is in use"));
    assert_int_equal(here.told, LEND_EXPIRED);
    assert_int_equal(tally_count(&here.started), 0);
    assert_int_equal(tally_count(&here.dropped), 1);
    tally_add(&running.go);
    tally_add(&queued.go);
    lend_future_drop(first);
    lend_future_drop(second);
    lend_future_drop(third);
    workshop_close(&shop);
    for (int i = 0; i < 3; i++)
        held_job_deinit(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_patience_begins_with_the_submission),
        cmocka_unit_test(a_long_patience_is_never_too_short),
        cmocka_unit_test(a_patience_beyond_all_time_is_without_end),
        cmocka_unit_test(a_job_without_any_time_that_finds_no_model_has_expired),
    };
    return cmocka_run_group_tests_name("patience", tests, NULL, NULL);
}
