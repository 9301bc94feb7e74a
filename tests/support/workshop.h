/* SPDX-License-Identifier: MIT
 *
 * A pool of plain models with an executor on it, jobs that a test can hold up, and a log of what
 * the sink was told: what the tests of the executor stand on. */
#ifndef LEND_TESTS_SUPPORT_WORKSHOP_H
#define LEND_TESTS_SUPPORT_WORKSHOP_H

#include "support/latch.h"

#include <lend/lend.h>
#include <stdatomic.h>

struct workshop {
    lend_pool *pool;
    lend_executor *executor;
    atomic_uint models_made;
    atomic_bool loads_fail;
    /* the sink's log */
    pthread_mutex_t mutex;
    unsigned events[LEND_EVENT_JOB_OVERRAN + 1]; /* how many of each kind */
    struct lend_event last;                      /* its text and owner are in `words`, `name` */
    char words[512], name[64];
};

/* Open it with `models` models; `options` NULL: the defaults. Asserts that it opens. */
void workshop_open(struct workshop *workshop, uint32_t models,
                   const struct lend_executor_options *options);

/* Close both; asserts that nothing is left behind. */
void workshop_close(struct workshop *workshop);

/* How many events of a kind there were, and the words of the last event of any kind. */
unsigned workshop_events(struct workshop *workshop, enum lend_event_kind kind);

struct lend_executor_stats workshop_stats(struct workshop *workshop);

/* A job that is held up: counts `started`, then waits until `go` was counted (or, if it heeds, it
 * is told to stop), then returns `result`, or ECANCELED if it was told to stop and heeds. */
struct held_job {
    struct latch started, go, done, dropped;
    bool heeds;
    int result;
    uint64_t number; /* of the job, set when it starts */
    bool done_on_this_thread, dropped_on_this_thread;
    pthread_t thread; /* that made it */
    enum lend_outcome told; /* what `done` found */
};

#define HELD_JOB                                                                                   \
    { .started = LATCH_INIT, .go = LATCH_INIT, .done = LATCH_INIT, .dropped = LATCH_INIT,          \
      .thread = pthread_self() }

int held_job_run(void *model, void *argument, lend_job *job);

/* A spec for it, with all callbacks. */
struct lend_job_spec held_job_spec(struct held_job *held, lend_deadline deadline);

/* Submit it; asserts that it is accepted. */
lend_future *held_job_submit(struct workshop *workshop, struct held_job *held,
                             lend_deadline deadline);

/* A job that does nothing but return the int that `argument` points to; NULL: 0. */
int plain_job_run(void *model, void *argument, lend_job *job);

#endif
