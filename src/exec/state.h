/* SPDX-License-Identifier: MIT
 *
 * struct lend_executor: its state, its invariants, its locks. Read this and task.h first.
 *
 * ONE     each task is in exactly one of `live` and `kept` until it is freed
 * TURN    a QUEUED task is in `queue` while undecided, in `given_up` once decided
 * WORK    after every region under the lock: while a worker is idle, nothing is queued
 * ROOM    after every region under the lock: while a submitter waits, the first one's job does not
 *         fit. They come in in the order of the list, and nobody passes them
 * TIMER   a task is in `timers` while it is QUEUED and undecided or RUNNING, once more for a grace
 *         when its deadline was answered; while it is BORROWING, its borrow ends at its deadline
 * and its runner answers AWAKE   the timekeeper sleeps until `alarm_ns` at the longest, and no
 * timer is earlier CLOSED  it is CLOSED only when nothing is live and nobody is inside lend_submit
 * (`visitors`), and freed when no task is left either
 *
 * lend__executor_settle restores WORK and ROOM; whoever changes the queue or the list of the idle
 * calls it before leaving the lock.
 *
 * Locks: executor->lock, then pool->lock (only to call off a borrow), then a parker's mutex. No
 * function of the caller's runs under any of them. One lock for all is enough: a job holds a model
 * for milliseconds, and the lock is taken some six times a job for well under a microsecond. */
#ifndef LEND_SRC_EXEC_STATE_H
#define LEND_SRC_EXEC_STATE_H

#include "exec/task.h"
#include "sync/fork.h"
#include "sync/lock.h"
#include "sync/thread.h"

/* How long a run that was told to stop may take to do so before that is worth a word. */
#define STOP_GRACE_MS 100

enum executor_phase {
    EXECUTOR_OPEN,
    EXECUTOR_DRAINING, /* takes nothing new, works off what is queued */
    EXECUTOR_STOPPING, /* nothing is started any more */
    EXECUTOR_ENDING,   /* nothing is live; its threads end */
    EXECUTOR_CLOSED,   /* no thread is left, only futures */
};

struct worker {
    struct thread thread;
    struct lend_executor *executor;
    uint32_t number;
    bool is_gone;         /* a job ended its thread, and there was no other to be had */
    struct waiter waiter; /* in executor->idle, or about to look at `task` */
    uint32_t tid;         /* under the lock: 0 until it was idle for the first time */
    struct task *task;    /* under the lock: handed over, not yet begun */
};

/* A thread in lend_submit that found no room; on its stack. */
struct submitter {
    struct waiter waiter;
    struct list_node visit;
    struct task *task;
};

struct lend_executor {
    /* constant after open */
    struct lend_executor_options options; /* defaults filled in */
    char name[64];                        /* options.name points here */
    struct tenant tenant;                 /* what the pool knows of it */
    struct worker *workers;               /* options.workers of them; until it is CLOSED */
    struct thread timekeeper;
    uint64_t era;           /* sync/fork.h */
    struct list_node entry; /* in the directory of dump.c, under its lock, until it is CLOSED */

    struct lock lock;
    struct { /* under lock */
        enum executor_phase phase;
        struct list queue;      /* of struct task.turn, oldest first */
        uint64_t queue_bytes;   /* sum of their spec.bytes */
        struct list given_up;   /* of struct task.turn: decided unstarted, to be told */
        struct list idle;       /* of struct worker.waiter */
        struct list submitters; /* of struct submitter.waiter, oldest first */
        struct list visitors;   /* of struct submitter.visit: still inside lend_submit */
        struct list live;       /* of struct task.place: not over */
        struct list kept;       /* of struct task.place: over, its future not dropped */
        struct heap timers;     /* of struct task.timer, by deadline */
        int64_t alarm_ns;       /* until when the timekeeper sleeps; INT64_MIN while it is up */
        struct parker *closer;  /* of the thread that waits in close, or NULL */
        uint64_t accepted, refused, overran;
        uint64_t outcomes[LEND_EXPIRED + 1]; /* of all decided tasks */
        struct lend_histogram waits, runs;
    } locked;
    struct parker alarm; /* the timekeeper sleeps on it */
    struct word events;
};

/* Is it the executor of a process that this one was forked from? Then none of its locks is taken:
 * they may be held for ever. */
static inline bool executor_is_foreign(const lend_executor *executor) {
    return executor->era != fork_era();
}

/* Under the lock: restore WORK and ROOM. */
void lend__executor_settle(lend_executor *executor, struct list *woken);

/* Under the lock. A task is accepted once, QUEUED or BORROWING, and from then on may end and be
 * gone as soon as the lock is left. */
bool lend__executor_has_room(const lend_executor *executor, const struct task *task);
void lend__executor_accept(lend_executor *executor, struct task *task, enum task_stage stage);

/* Under the lock: a queued task passes to the thread that will run it. Then settle. */
void lend__executor_take(lend_executor *executor, struct task *task, uint32_t runner_tid);

/* Under the lock: decide a queued task and pass it to the timekeeper. Then settle. */
void lend__executor_give_up(lend_executor *executor, struct task *task, enum lend_outcome outcome,
                            int error, const char *reason, struct list *woken);

/* Under the lock: is every job over and nobody inside? If so, a closer is told. */
bool lend__executor_is_drained(lend_executor *executor);

/* The threads. */
void lend__worker_main(void *worker);
int lend__worker_start(struct worker *worker);

/* On a worker's thread that is about to end in the middle of a job: have another one in its place.
 * Without one, the executor goes on with fewer. */
void lend__worker_replace(struct worker *worker);

void lend__timekeeper_main(void *executor);

/* Borrow, run, give back, answer: everything from BORROWING on, on this thread. */
void lend__run_task(struct task *task);

/* The same for a task that may be queued still, if a model is free now and nobody else has the
 * task: true then. */
bool lend__help_task(struct task *task);

/* Tell the sink. No lock is held. */
void lend__executor_event(lend_executor *executor, enum lend_event_kind kind,
                          const struct task *task, int error, const char *text);

/* Before an executor is opened: have forks handled. 0 or ENOMEM. */
int lend__directory_prepare(void);

/* So that a dump finds it, from open to close. */
void lend__directory_add(lend_executor *executor);
void lend__directory_remove(lend_executor *executor);

/* End `workers` of its workers and the timekeeper, and wait for them. Nothing is live. */
void lend__executor_end_threads(lend_executor *executor, uint32_t workers);

/* Free it: it was never opened, or is CLOSED and has no task left. */
void lend__executor_free(lend_executor *executor);

#endif
