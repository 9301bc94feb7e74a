/* SPDX-License-Identifier: MIT */
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    struct workshop *workshop = context;
    if (atomic_load(&workshop->loads_fail))
        return lend_reason_set(reason, EIO, "the shelf is empty");
    unsigned *model = malloc(sizeof *model);
    if (model == NULL)
        return ENOMEM;
    *model = atomic_fetch_add(&workshop->models_made, 1);
    *ret_model = model;
    return 0;
}

static void unload(void *model, void *context) {
    (void)context;
    free(model);
}

void workshop_open(struct workshop *workshop, uint32_t models,
                   const struct lend_executor_options *options) {
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);
    memset(workshop, 0, sizeof *workshop);
    events_init(&workshop->events);
    assert_int_equal(
        lend_pool_open(&workshop->pool,
                       &LEND_POOL_OPTIONS(.name = "workshop", .ops = &ops, .ops_context = workshop,
                                          .models = models, .sink = events_record,
                                          .sink_context = &workshop->events)),
        0);
    struct lend_executor_options own = LEND_EXECUTOR_OPTIONS(.pool = workshop->pool);
    if (options != NULL)
        own = *options;
    own.pool = workshop->pool;
    assert_int_equal(lend_executor_open(&workshop->executor, &own), 0);
}

void workshop_close(struct workshop *workshop) {
    if (workshop->executor != NULL)
        assert_int_equal(lend_executor_close(workshop->executor, LEND_BY_DEFAULT), 0);
    assert_int_equal(lend_pool_close(workshop->pool, LEND_NOW, NULL), 0);
    events_deinit(&workshop->events);
}

lend_future *workshop_run(struct workshop *workshop, lend_job_function *run, void *argument) {
    lend_future *future = NULL;
    assert_int_equal(
        lend_submit(workshop->executor,
                    &LEND_JOB(.run = run, .argument = argument, .deadline = LEND_FOREVER), &future),
        0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    return future;
}

void roll_init(struct roll *roll) {
    tally_init(&roll->begun);
    tally_init(&roll->ended);
}

void roll_deinit(struct roll *roll) {
    tally_deinit(&roll->begun);
    tally_deinit(&roll->ended);
}

void roll_begin(void *roll) {
    tally_add(&((struct roll *)roll)->begun);
}

void roll_end(void *roll) {
    tally_add(&((struct roll *)roll)->ended);
}

void held_job_init(struct held_job *held) {
    *held = (struct held_job){.thread = pthread_self()};
    tally_init(&held->started);
    tally_init(&held->go);
    tally_init(&held->done);
    tally_init(&held->dropped);
}

void held_job_deinit(struct held_job *held) {
    tally_deinit(&held->started);
    tally_deinit(&held->go);
    tally_deinit(&held->done);
    tally_deinit(&held->dropped);
}

int held_job_run(void *model, void *argument, lend_job *job) {
    (void)model;
    struct held_job *held = argument;
    held->number = lend_job_number(job);
    tally_add(&held->started);
    if (!held->heeds)
        tally_wait(&held->go, 1);
    else if (!eventually(tally_count(&held->go) > 0 || lend_job_must_stop(job)))
        return ETIMEDOUT;
    return held->heeds && lend_job_must_stop(job) ? ECANCELED : held->result;
}

static void on_done(lend_future *future, void *argument) {
    struct held_job *held = argument;
    held->done_on_this_thread = pthread_equal(pthread_self(), held->thread) != 0;
    held->told = lend_future_outcome(future);
    tally_add(&held->done);
}

static void on_drop(void *argument) {
    struct held_job *held = argument;
    held->dropped_on_this_thread = pthread_equal(pthread_self(), held->thread) != 0;
    tally_add(&held->dropped);
}

struct lend_job_spec held_job_spec(struct held_job *held, lend_deadline deadline) {
    return LEND_JOB(.run = held_job_run, .argument = held, .drop_argument = on_drop,
                    .done = on_done, .done_argument = held, .deadline = deadline);
}

lend_future *held_job_submit(struct workshop *workshop, struct held_job *held,
                             lend_deadline deadline) {
    struct lend_job_spec spec = held_job_spec(held, deadline);
    lend_future *future = NULL;
    assert_int_equal(lend_submit(workshop->executor, &spec, &future), 0);
    return future;
}

int plain_job_run(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    return argument != NULL ? *(const int *)argument : 0;
}
