/* SPDX-License-Identifier: MIT
 *
 * Tasks: one accepted job, from submission until nobody needs it any more. One piece of memory
 * with two faces: the caller has its struct lend_future, the running job its struct lend_job.
 *
 * Two lives run side by side. The stage says who has the job:
 *
 *     QUEUED ---> BORROWING ---> RUNNING ---> RETURNED ---> FINISHED
 *        |            |                          ^             ^
 *        |            +------- unlent -----------+             |
 *        +----------------- given up --------------------------+
 *
 * and the outcome, decided once, what its owner is told: by the return of the run, or before that
 * by a deadline or, while it does not run yet, by a cancel or a close. So a RUNNING task may be
 * decided already (it overran), and a QUEUED or BORROWING one too for the moment until somebody
 * who may call the caller's code has taken it over:
 *
 *     stage       decided by                         told and finished by
 *     QUEUED      timekeeper, cancel, close          timekeeper
 *     BORROWING   its runner, cancel, close          its runner
 *     RUNNING     its runner, with RETURNED          its runner
 *     RUNNING     timekeeper                         told by the timekeeper, finished by its runner
 *
 * The runner is a worker, or the submitter's thread for LEND_FULL_RUN_HERE.
 *
 * A task is over when it is FINISHED (the run is back or will never start, the argument was
 * dropped) and `told` (done has returned); it is freed when it is over and its future dropped. */
#ifndef LEND_SRC_EXEC_TASK_H
#define LEND_SRC_EXEC_TASK_H

#include "base/heap.h"
#include "base/list.h"
#include "pool/lending.h"
#include "sync/waiter.h"
#include "sync/word.h"

#include <lend/executor.h>

enum task_stage { TASK_QUEUED, TASK_BORROWING, TASK_RUNNING, TASK_RETURNED, TASK_FINISHED };

/* What the run says. Its thread's own until the outcome is decided by its return; after a decision
 * that came first, nobody reads it. */
struct lend_job {
    void *value;
    lend_destroy *destroy;
    char words[512];
    bool model_broken;
    char broken_why[128];
};

/* What the owner is told. Under executor->lock; outcome, error and reason are constant once
 * decided. */
struct lend_future {
    enum lend_outcome outcome;
    int error;
    const char *reason; /* the job's words, or static ones */
    void *value;
    lend_destroy *destroy;
    bool read;           /* somebody asked after the decision, or the sink was told */
    bool dropped;        /* by all its keepers */
    struct word keepers; /* its owner, and who is to be told of it (continuation.c) */
    struct list waiters; /* for the decision */
    struct list joiners; /* for its being over */
};

struct task {
    struct lend_job job;
    struct lend_future future;

    /* constant after submission */
    struct lend_executor *executor;
    struct lend_job_spec spec; /* deadline: never zeroed */
    const struct lend_site *site;
    uint64_t number;
    int64_t accepted_ns; /* set on acceptance */

    struct word stop; /* why the run should end: an errno value, or 0; set once, under the lock */
    struct borrow_cancel borrow_cancel; /* under the pool's lock */

    /* under executor->lock */
    enum task_stage stage;
    bool told;
    uint32_t runner_tid;     /* of the thread that has it, from BORROWING on */
    struct worker *worker;   /* that it was handed to; NULL if it is run by a thread that waits */
    struct lend_lease lease; /* while RUNNING: which model it has. Never released from here */
    struct list_node place;  /* in executor->live until it is over, then in executor->kept */
    struct list_node turn;   /* in executor->queue or executor->given_up, or nowhere */
    struct heap_node timer;  /* in executor->timers, or nowhere */
};

static inline struct task *task_of_job(const lend_job *job) {
    return list_entry(job, struct task, job);
}

static inline struct task *task_of_future(const lend_future *future) {
    return list_entry(future, struct task, future);
}

static inline bool task_is_decided(const struct task *task) {
    return task->future.outcome != LEND_PENDING;
}

/* Under the lock: give the outcome, wake those who wait for it. `reason` NULL: lend_strerror's. */
void lend__task_decide(struct task *task, enum lend_outcome outcome, int error, const char *reason,
                       struct list *woken);

/* Under the lock: tell a run to stop; the first reason stays. */
void lend__task_stop(struct task *task, int why);

/* Under the lock: start and stop the timer of an undecided task. */
void lend__task_arm(struct task *task);
void lend__task_disarm(struct task *task);

/* Without the lock, each once, in this order or on two threads: call `done`; drop the argument.
 * After the second of them the task may be gone. */
void lend__task_tell(struct task *task);
void lend__task_finish(struct task *task);

/* The keepers have no more use for the future. The task may be gone then. */
void lend__task_drop(struct task *task);

/* One more keeper, false if there is none any more; and one less: the last one drops it. */
bool lend__future_keep(struct lend_future *future);
void lend__future_forget(struct lend_future *future);

#endif
