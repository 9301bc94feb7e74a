/* SPDX-License-Identifier: MIT
 *
 * Tasks: one accepted job, from submission until nobody needs it any more. One piece of memory
 * with two faces: the caller has its struct lend_future, the running job its struct lend_job.
 *
 * Two lives run side by side. The stage says who has the job:
 *
 *     QUEUED ---> BORROWING ---> RUNNING ---> RETURNED ---> FINISHED
 *        |            |             ^            ^             ^
 *        |            +------- unlent -----------+             |
 *        +----------------- given up --------------------------+
 *
 * (and from QUEUED to RUNNING at once, on the model of the job before), and the outcome, decided
 * once, what its owner is told: by the return of the run, or before that by a deadline or, while it
 * does not run yet, by a cancel or a close. So a RUNNING task may be decided already (it overran),
 * and a QUEUED or BORROWING one too for the moment until somebody who may call the caller's code
 * has taken it over:
 *
 *     stage       decided by                         told and finished by
 *     QUEUED      timekeeper, cancel, close          timekeeper
 *     BORROWING   its runner, cancel, close          its runner
 *     RUNNING     its runner, with RETURNED          its runner
 *     RUNNING     timekeeper                         told by the timekeeper, finished by its runner
 *
 * The runner is a worker, a thread that waits for the job and helps, or the submitter's thread for
 * LEND_FULL_RUN_HERE.
 *
 * The end is in one word, `ends`: a task is over when it is TOLD (done has returned) and FINISHED
 * (the run is back or will never start, the argument was dropped); it is freed by whoever makes it
 * over and DROPPED by its owner. The first two are set under executor->lock, the third is not. */
#ifndef LEND_SRC_EXEC_TASK_H
#define LEND_SRC_EXEC_TASK_H

#include "base/heap.h"
#include "base/list.h"
#include "exec/inbox.h"
#include "pool/lending.h"
#include "sync/waiter.h"

#include <lend/executor.h>

enum task_stage { TASK_QUEUED, TASK_BORROWING, TASK_RUNNING, TASK_RETURNED, TASK_FINISHED };

#define END_TOLD UINT64_C(1)
#define END_FINISHED UINT64_C(2)
#define END_OVER (END_TOLD | END_FINISHED)
#define END_DROPPED UINT64_C(4)
#define END_PASSED UINT64_C(8) /* an unread failure is the owner's to report */

/* What a job has to say beyond its result; most have nothing. */
struct remarks {
    char words[512];
    char broken_why[128];
};

/* What the run says. Its thread's own until the outcome is decided by its return; after a decision
 * that came first, nobody reads it. */
struct lend_job {
    void *value;
    lend_destroy *destroy;
    struct remarks *remarks; /* NULL: none, or there was no memory for them */
    bool model_broken;
};

/* What the owner is told. The outcome is published, under executor->lock, after all else that it
 * decides, which is constant from then on: who reads it decided needs no lock. */
struct lend_future {
    struct word outcome; /* enum lend_outcome */
    struct list waiters; /* for the decision; under executor->lock */
    const char *reason;  /* the job's words, or static ones; NULL before the decision */
    struct word value;   /* a pointer; taken by whoever sets it to 0 */
    lend_destroy *destroy;
    struct word read;    /* somebody asked after the decision, or the sink was told */
    struct word keepers; /* its owner, and who is to be told of it (continuation.c) */
    int error;
    struct list joiners; /* for its being over; under executor->lock */
};

/* In the order of use, since jobs go from core to core line by line. Of memory that was another
 * job's before (stock.h) a submitter writes the first line, and the second only if this job is of
 * another kind; the others stay with the workers. */
struct task {
    struct inbox_node inbox; /* while it is in the inbox, or the stock */

    /* constant after submission */
    const struct lend_site *site;
    uint64_t number;
    int64_t accepted_ns; /* to the tick, unless it is timed */
    lend_job_function *run;
    void *argument;
    lend_deadline deadline; /* never zeroed */

    _Alignas(CACHE_LINE) lend_destroy *drop_argument;
    lend_job_done *done;
    void *done_argument;
    uint64_t bytes;
    struct lend_executor *executor;
    uint32_t counts_for; /* how many jobs it stands for in the histograms; 0: it is not timed */

    struct word ends; /* END_... */

    /* under executor->lock */
    _Alignas(CACHE_LINE) struct list_node place; /* in a list of executor->locked, or nowhere */
    struct worker *worker;                       /* that took it; NULL for any other runner */
    const struct lend_lease *lease; /* while RUNNING: its runner's. Never released from here */
    uint32_t runner_tid;            /* of the thread that has it, from BORROWING on */
    enum task_stage stage;
    bool watched; /* the timekeeper knows of its deadline */

    struct lend_future future;
    struct word stop; /* why the run should end: an errno value, or 0; set once, under the lock */
    struct heap_node timer; /* in executor->timers, or nowhere; under executor->lock */
    struct lend_job job;
    struct borrow_cancel borrow_cancel; /* under the pool's lock */
};

_Static_assert(offsetof(struct task, drop_argument) == CACHE_LINE,
               "a job does not come in on one line");

static inline struct task *task_of_job(const lend_job *job) {
    return list_entry(job, struct task, job);
}

static inline struct task *task_of_future(const lend_future *future) {
    return list_entry(future, struct task, future);
}

static inline enum lend_outcome task_outcome(const struct task *task) {
    return (enum lend_outcome)word_read(&task->future.outcome);
}

static inline bool task_is_decided(const struct task *task) {
    return task_outcome(task) != LEND_PENDING;
}

/* From then on nothing of the caller's is in use. */
static inline bool task_is_over(const struct task *task) {
    return (word_read(&task->ends) & END_OVER) == END_OVER;
}

/* When its owner is to be told at the latest: not before it was accepted, whatever its deadline. */
static inline int64_t task_due_ns(const struct task *task) {
    int64_t at_ns = task->deadline.at_ns;
    return at_ns > task->accepted_ns ? at_ns : task->accepted_ns;
}

/* The job's room for words, or NULL. */
struct remarks *lend__task_remarks(struct task *task);

/* Under the lock: give the outcome, wake those who wait for it. `reason` NULL: lend_strerror's. */
void lend__task_decide(struct task *task, enum lend_outcome outcome, int error, const char *reason,
                       struct list *woken);

/* Under the lock: tell a run to stop; the first reason stays. */
void lend__task_stop(struct task *task, int why);

/* Under the lock: it has no deadline any more that somebody should answer. */
void lend__task_disarm(struct task *task);

/* Under the lock: END_TOLD, END_FINISHED or both, for a task without a failure to report. True if
 * it is over and dropped: nobody knows of it any more, and it is to be freed without the lock. */
bool lend__task_step(struct task *task, uint64_t steps, struct list *woken);
void lend__task_free(struct task *task);

/* One that nobody knows of any more, to be used again: as new but for what a submission writes
 * (submit.c). False if it has left more behind than that. */
bool lend__task_reuse(struct task *task);

/* Without the lock, each once: call `done`; drop the argument; both. After the second of them the
 * task may be gone. */
void lend__task_tell(struct task *task);
void lend__task_finish(struct task *task);
void lend__task_tell_and_finish(struct task *task);

/* The keepers have no more use for the future. The task may be gone then. */
void lend__task_drop(struct task *task);

/* One keeper less; the last one drops it. */
void lend__future_forget(struct lend_future *future);

#endif
