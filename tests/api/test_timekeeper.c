/* SPDX-License-Identifier: MIT
 *
 * Jobs that are decided and not over, as long as the thread that tells their owners is held up in
 * one of the callbacks, and what else is done in these. */
#include "support/workshop.h"

#include <lend/dump.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* Where callbacks are held up. */
struct door {
    struct tally come;
    struct gate leave;
};

static void door_init(struct door *door) {
    tally_init(&door->come);
    gate_init(&door->leave);
}

static void door_deinit(struct door *door) {
    tally_deinit(&door->come);
    gate_deinit(&door->leave);
}

static void wait_at_door(lend_future *future, void *argument) {
    (void)future;
    struct door *door = argument;
    tally_add(&door->come);
    gate_wait(&door->leave);
}

static bool ran_late(lend_future *future) {
    return strcmp(lend_future_reason(future), "the deadline passed while it ran") == 0;
}

static void wait_at_door_if_it_ran(lend_future *future, void *argument) {
    if (ran_late(future))
        wait_at_door(future, argument);
}

/* A job that runs until after its deadline, of which its owner is being told from here on. One that
 * did not begin before it, on a machine that is slow, is submitted again with twice the time. */
static lend_future *overrun(struct workshop *shop, struct held_job *held, lend_job_done *done,
                            void *argument) {
    for (int64_t ms = 50;; ms *= 2) {
        lend_future *future;
        held_job_init(held);
        struct lend_job_spec spec = held_job_spec(held, lend_within_ms(ms));
        spec.done = done;
        spec.done_argument = argument;
        assert_int_equal(lend_submit(shop->executor, &spec, &future), 0);
        assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
        if (ran_late(future)) {
            assert_true(tally_wait(&held->started, 1));
            return future;
        }
        assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
        lend_future_drop(future);
        held_job_deinit(held);
    }
}

static lend_future *overrun_at(struct door *door, struct workshop *shop, struct held_job *held) {
    lend_future *future = overrun(shop, held, wait_at_door_if_it_ran, door);
    assert_true(tally_wait(&door->come, 1));
    return future;
}

static int note_number(void *model, void *argument, lend_job *job) {
    (void)model;
    *(uint64_t *)argument = lend_job_number(job);
    return 0;
}

static void assert_tells(const char *words, uint64_t number, const char *what) {
    char job[64];
    snprintf(job, sizeof job, "job %llu %s", (unsigned long long)number, what);
    assert_non_null(strstr(words, job));
}

static void a_dump_tells_what_becomes_of_jobs_that_are_decided(void **state) {
    (void)state;
    struct workshop shop;
    struct door door;
    struct held_job late, unstarted;
    uint64_t number = 0;
    char words[4096];
    lend_future *told;
    door_init(&door);
    held_job_init(&unstarted);
    workshop_open(&shop, 2, NULL);
    lend_future *running = overrun_at(&door, &shop, &late);
    struct lend_job_spec spec = LEND_JOB(.run = note_number, .argument = &number,
                                         .done = wait_at_door, .done_argument = &door);
    assert_int_equal(lend_submit(shop.executor, &spec, &told), 0);
    assert_true(tally_wait(&door.come, 2));
    lend_future *given_up = held_job_submit(&shop, &unstarted, LEND_FOREVER);
    assert_int_equal(lend_future_cancel(given_up), 0);
    lend_dump(words, sizeof words);
    assert_tells(words, late.number, "runs past its deadline on thread ");
    assert_tells(words, number, "is being told on thread ");
    assert_tells(words, number + 1, "is given up, accepted ");
    gate_open(&door.leave);
    tally_add(&late.go);
    lend_future *all[] = {running, told, given_up};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lend_future_join(all[i], LEND_FOREVER), 0);
        lend_future_drop(all[i]);
    }
    workshop_close(&shop);
    held_job_deinit(&late);
    held_job_deinit(&unstarted);
    door_deinit(&door);
}

/* not deadlocks: the timekeeper will come */

struct joiner {
    struct workshop *shop;
    lend_future *other; /* set once `told` was counted */
    struct tally told;
    int cancelled, joined;
    uint64_t leases; /* that the join cost */
};

static int join_the_other(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    struct joiner *joiner = argument;
    tally_wait(&joiner->told, 1);
    joiner->cancelled = lend_future_cancel(joiner->other);
    joiner->leases = stats_of(joiner->shop->pool).grants;
    joiner->joined = lend_future_join(joiner->other, lend_within_ms(20));
    joiner->leases = stats_of(joiner->shop->pool).grants - joiner->leases;
    return 0;
}

static lend_future *submit_joiner(struct joiner *joiner) {
    lend_future *future;
    struct lend_job_spec spec =
        LEND_JOB(.run = join_the_other, .argument = joiner, .deadline = LEND_FOREVER);
    assert_int_equal(lend_submit(joiner->shop->executor, &spec, &future), 0);
    return future;
}

/* Though the only worker who could run it is the one that waits. Nor does it help with it. */
static void who_waits_for_the_end_of_a_job_that_was_given_up_waits(void **state) {
    (void)state;
    struct workshop shop;
    struct door door;
    struct held_job unstarted;
    struct joiner joiner = {.shop = &shop};
    lend_future *expired;
    door_init(&door);
    tally_init(&joiner.told);
    held_job_init(&unstarted);
    workshop_open(&shop, 2, &LEND_EXECUTOR_OPTIONS(.workers = 1));
    lend_future *joining = submit_joiner(&joiner);
    struct lend_job_spec spec = LEND_JOB(.run = plain_job_run, .deadline = LEND_NOW,
                                         .done = wait_at_door, .done_argument = &door);
    assert_int_equal(lend_submit(shop.executor, &spec, &expired), 0);
    assert_true(tally_wait(&door.come, 1));
    joiner.other = held_job_submit(&shop, &unstarted, LEND_FOREVER);
    tally_add(&joiner.told);
    assert_int_equal(lend_future_wait(joining, LEND_FOREVER), 0);
    assert_int_equal(joiner.cancelled, 0);
    assert_int_equal(joiner.joined, ETIMEDOUT);
    assert_int_equal(joiner.leases, 0);
    gate_open(&door.leave);
    assert_int_equal(lend_future_join(joiner.other, LEND_FOREVER), 0);
    assert_int_equal(tally_count(&unstarted.started), 0);
    lend_future_drop(joining);
    lend_future_drop(joiner.other);
    lend_future_drop(expired);
    workshop_close(&shop);
    held_job_deinit(&unstarted);
    door_deinit(&door);
    tally_deinit(&joiner.told);
}

/* Though the thread that ran it is the one that waits. */
static void who_waits_for_the_end_of_a_job_whose_owner_is_being_told_waits(void **state) {
    (void)state;
    struct workshop shop;
    struct door door;
    struct held_job late;
    struct joiner joiner = {.shop = &shop};
    door_init(&door);
    tally_init(&joiner.told);
    workshop_open(&shop, 1, NULL);
    joiner.other = overrun_at(&door, &shop, &late);
    tally_add(&joiner.told);
    tally_add(&late.go);
    lend_future *joining = submit_joiner(&joiner);
    assert_int_equal(lend_future_wait(joining, LEND_FOREVER), 0);
    assert_int_equal(joiner.cancelled, EALREADY);
    assert_int_equal(joiner.joined, ETIMEDOUT);
    gate_open(&door.leave);
    assert_int_equal(lend_future_join(joiner.other, LEND_FOREVER), 0);
    assert_int_equal(tally_count(&late.dropped), 1);
    lend_future_drop(joining);
    lend_future_drop(joiner.other);
    workshop_close(&shop);
    held_job_deinit(&late);
    door_deinit(&door);
    tally_deinit(&joiner.told);
}

/* A callback that waits for a job, which no worker is free for: it is run on the timekeeper. */
struct inner {
    struct workshop *shop;
    struct tally over;
    int error;
    uint32_t tid;   /* of the thread that ran it */
    uint32_t named; /* the thread, in the report, of the job's lease */
};

static int look_who_has_the_models(void *model, void *argument, lend_job *job) {
    (void)model;
    struct inner *inner = argument;
    struct lend_lease failed = lend_acquire(inner->shop->pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&failed);
    inner->tid = (uint32_t)syscall(SYS_gettid);
    for (size_t i = 0; report != NULL && i < report->holder_count; i++)
        if (report->holders[i].id == lend_job_number(job))
            inner->named = report->holders[i].tid;
    lend_release(&failed);
    return 0;
}

static void run_inner_job(lend_future *late, void *argument) {
    struct inner *inner = argument;
    lend_future *future;
    if (!ran_late(late))
        return;
    inner->error = lend_submit(
        inner->shop->executor,
        &LEND_JOB(.run = look_who_has_the_models, .argument = inner, .deadline = LEND_FOREVER),
        &future);
    if (inner->error == 0) {
        inner->error = lend_future_wait(future, LEND_FOREVER);
        lend_future_drop(future);
    }
    tally_add(&inner->over);
}

static void a_job_that_the_timekeeper_runs_is_named_by_its_thread(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job late;
    struct inner inner = {.shop = &shop};
    tally_init(&inner.over);
    workshop_open(&shop, 2, &LEND_EXECUTOR_OPTIONS(.workers = 1));
    lend_future *future = overrun(&shop, &late, run_inner_job, &inner);
    assert_true(tally_wait(&inner.over, 1));
    assert_int_equal(inner.error, 0);
    assert_int_not_equal(inner.tid, 0);
    assert_int_equal(inner.named, inner.tid);
    tally_add(&late.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&late);
    tally_deinit(&inner.over);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dump_tells_what_becomes_of_jobs_that_are_decided),
        cmocka_unit_test(who_waits_for_the_end_of_a_job_that_was_given_up_waits),
        cmocka_unit_test(who_waits_for_the_end_of_a_job_whose_owner_is_being_told_waits),
        cmocka_unit_test(a_job_that_the_timekeeper_runs_is_named_by_its_thread),
    };
    return cmocka_run_group_tests_name("timekeeper", tests, NULL, NULL);
}
