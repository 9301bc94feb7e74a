/* SPDX-License-Identifier: MIT
 *
 * A pool of plain models with an executor on it, jobs that a test can hold up, and a log of what
 * the sink was told: what the tests of the executor stand on. */
#ifndef LEND_TESTS_SUPPORT_WORKSHOP_H
#define LEND_TESTS_SUPPORT_WORKSHOP_H

#include "support/await.h"
#include "support/events.h"
#include "support/gate.h"

#include <lend/lend.h>
#include <stdatomic.h>

struct workshop {
    lend_pool *pool;
    lend_executor *executor;
    atomic_uint models_made;
    atomic_bool loads_fail;
    struct events events; /* what the sink was told */
};

/* Open it with `models` models; `options` NULL: the defaults. Asserts that it opens. */
void workshop_open(struct workshop *workshop, uint32_t models,
                   const struct lend_executor_options *options);

/* Close both; asserts that nothing is left behind. */
void workshop_close(struct workshop *workshop);

/* Submit a job, wait until all of it is over, and hand back the future. */
lend_future *workshop_run(struct workshop *workshop, lend_job_function *run, void *argument);

/* How many workers have begun and ended: worker_begins, worker_ends, and their context. */
struct roll {
    struct tally begun, ended;
};

void roll_init(struct roll *roll);
void roll_deinit(struct roll *roll);
void roll_begin(void *roll);
void roll_end(void *roll);

/* A job that is held up: arrives at `started`, then waits for `go` (or, if it heeds, it
 * is told to stop), then returns `result`, or ECANCELED if it was told to stop and heeds. */
struct held_job {
    struct tally started, go, done, dropped;
    bool heeds;
    int result;
    uint64_t number; /* of the job, set when it starts */
    bool done_on_this_thread, dropped_on_this_thread;
    pthread_t thread;       /* that initialised it */
    enum lend_outcome told; /* what `done` found */
};

void held_job_init(struct held_job *held);
void held_job_deinit(struct held_job *held);

int held_job_run(void *model, void *argument, lend_job *job);

/* A spec for it, with all callbacks. */
struct lend_job_spec held_job_spec(struct held_job *held, lend_deadline deadline);

/* Submit it; asserts that it is accepted. */
lend_future *held_job_submit(struct workshop *workshop, struct held_job *held,
                             lend_deadline deadline);

/* A job that does nothing but return the int that `argument` points to; NULL: 0. */
int plain_job_run(void *model, void *argument, lend_job *job);

#endif
