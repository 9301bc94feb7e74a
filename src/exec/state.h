/* SPDX-License-Identifier: MIT
 *
 * struct lend_executor: its state, its invariants, its locks. Read this, task.h and inbox.h first.
 *
 * A submitter does nothing but enter and push (inbox.h). All else is done under one lock: for the
 * most part by workers, one region a job, in which the last job is answered and the next one taken.
 * What is in the inbox is QUEUED, behind all that is in `queue`, and moves there when somebody
 * under the lock looks into it (absorbs it).
 *
 * ONE     each task that was taken out of the inbox is, until it is over, in exactly one place:
 *         worker->task, `queue`, `given_up` or `guests`
 * TURN    workers start jobs in the order in which they were pushed; who waits for a job may run it
 *         before its turn (lend__help_task). A QUEUED task in `queue` is undecided,
 *         in `given_up` decided; the timekeeper makes it a guest while it tells its owner
 * ROOM    inbox.limit - entered == queue_max + workers at hand (not away) - jobs that wait, never
 *         negative: the first jobs are for the workers at hand, who are up or being woken, and no
 *         more than queue_max wait behind them. A worker that takes a job changes neither side; one
 *         that comes back raises the limit, and so does a job that is given up
 * QUEUE   after every region under the lock: while a submitter waits, the first one's job does not
 *         fit, and the gate is shut. They come in in the order of the list; nobody passes them
 * SENTRY  after every region under the lock: while a worker sleeps, there is a sentry. Either its
 *         mark is in the inbox and nothing is queued, or it is up, since it was called or has not
 *         lain down yet: then it will come into a region of its own. So at most one worker is up
 *         for nothing, and while one is, a submission wakes nobody
 * TIMER   each undecided task that is QUEUED or RUNNING is answered by the timekeeper, or its
 *         deadline is not before `alarm_ns`, until when the timekeeper sleeps at the longest; while
 *         it is BORROWING, its borrow ends at its deadline and its runner answers (timekeeper.c)
 * CLOSED  it is CLOSED only when all jobs that entered were accepted and are over, and no thread
 *         that waited for room is still inside lend_submit (`visitors`; one that need not wait does
 *         not touch the executor after its job is in), and freed when no task is left either
 *
 * lend__executor_settle restores QUEUE and SENTRY; whoever changes the queue, the limit, or the
 * list of the idle or of the submitters calls it before leaving the lock.
 *
 * Locks: executor->lock, then pool->lock (only to call off a borrow). No function of the caller's
 * runs under either. */
#ifndef LEND_SRC_EXEC_STATE_H
#define LEND_SRC_EXEC_STATE_H

#include "exec/stock.h"
#include "exec/task.h"
#include "sync/fork.h"
#include "sync/lock.h"
#include "sync/thread.h"

/* How long a run that was told to stop may take to do so before that is worth a word. */
#define STOP_GRACE_MS 100

/* What the owner of a job is told that close has cancelled. */
#define CLOSED_WORDS "the executor was closed before it began"

enum executor_phase {
    EXECUTOR_OPEN,
    EXECUTOR_DRAINING, /* takes nothing new, works off what is queued */
    EXECUTOR_STOPPING, /* nothing is started any more */
    EXECUTOR_ENDING,   /* nothing is live; its threads end */
    EXECUTOR_CLOSED,   /* no thread is left, only futures */
};

struct worker {
    _Alignas(CACHE_LINE) struct thread thread;
    struct lend_executor *executor;
    uint32_t number;
    bool is_gone;     /* a job ended its thread, and there was no other to be had */
    bool sees_more;   /* its own: more was queued when it took its last job */
    owner_word owner; /* its thread's own, when it runs no job */
    struct parker parker;
    /* under the lock */
    struct waiter waiter; /* in locked.idle; never decided: who is woken comes and looks */
    uint32_t tid;         /* of its thread; 0 until that runs */
    bool away;            /* from taking a job until it comes for the next */
    struct task *task;    /* from taking it until it is finished, or NULL */
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
    struct parker alarm;    /* the timekeeper sleeps on it */

    /* Read by every submitter; written under the lock, and rarely. */
    struct word alarm_ns; /* until when the timekeeper sleeps; INT64_MIN while it is up */
    struct word hurries;  /* whether runs are so short that not all are timed; executor_hurries */
    bool pool_is_plain;   /* lend__pool_is_plain; constant after open */
    bool shares_core;     /* there is but one, with whoever is waited for; likewise */

    _Alignas(CACHE_LINE) struct inbox inbox;
    struct stock stock;
    struct word holders; /* the futures that were not dropped, one for not being CLOSED, and who
                            looks for room */

    _Alignas(CACHE_LINE) struct lock lock;
    struct { /* under lock */
        enum executor_phase phase;
        struct list queue;      /* of struct task.place, oldest first */
        uint64_t queue_bytes;   /* sum of their bytes */
        struct list given_up;   /* of struct task.place: decided unstarted, to be told */
        struct list guests;     /* of struct task.place: with a thread that is no worker */
        struct list idle;       /* of struct worker.waiter: asleep, but for the sentry */
        struct worker *sentry;  /* NULL: no worker sleeps */
        struct list submitters; /* of struct submitter.waiter, oldest first */
        struct list visitors;   /* of struct submitter.visit: still inside lend_submit */
        struct heap timers;     /* of struct task.timer, by deadline */
        struct parker *closer;  /* of the thread that waits in close, or NULL */
        uint64_t accepted, overran;
        uint64_t outcomes[LEND_EXPIRED + 1]; /* of all decided tasks */
        struct lend_histogram waits, runs;
    } locked;
    _Alignas(CACHE_LINE) struct word refused;
    struct word events;
};

/* Is it the executor of a process that this one was forked from? Then none of its locks is taken:
 * they may be held for ever. */
static inline bool executor_is_foreign(const lend_executor *executor) {
    return executor->era != fork_era();
}

/* Are runs so short that the next one is over sooner than a thread could sleep and be woken? */
static inline bool executor_hurries(const lend_executor *executor) {
    return word_peek(&executor->hurries) != 0;
}

/* Is what a thread would sleep for likely to come at once, and from another core? */
static inline bool executor_spin_pays(const lend_executor *executor) {
    return executor_hurries(executor) && !executor->shares_core;
}

/* Before it sleeps: true, look again. */
static inline bool executor_spins(const lend_executor *executor, int64_t *since_ns) {
    return executor_spin_pays(executor) && lend__thread_spins(since_ns);
}

/* Under the lock: the rules (queue.c). */

/* Restore QUEUE and SENTRY. */
void lend__executor_settle(lend_executor *executor, struct list *woken);

/* What is in the inbox to the queue. */
void lend__executor_absorb(lend_executor *executor, struct list *woken);

/* Let in a task that was not: false if there is no room for it. */
bool lend__executor_let_in(lend_executor *executor, const struct task *task);

/* A task that was let in, QUEUED, to the end of the queue. From then on it may end and be gone as
 * soon as the lock is left. */
void lend__executor_accept(lend_executor *executor, struct task *task, struct list *woken);

/* A task past the queue, BORROWING and a guest: the caller's to run. */
void lend__executor_accept_here(lend_executor *executor, struct task *task);

/* The oldest queued task, or NULL. It becomes the worker's, BORROWING. */
struct task *lend__executor_next(lend_executor *executor, struct list *woken);
void lend__executor_take(lend_executor *executor, struct task *task, struct worker *worker);

/* A queued task becomes the calling thread's, BORROWING and a guest. */
void lend__executor_take_here(lend_executor *executor, struct task *task);

/* The worker comes back from its last job. */
void lend__executor_return(lend_executor *executor, struct worker *worker);

/* Decide a queued task and pass it to the timekeeper. */
void lend__executor_give_up(lend_executor *executor, struct task *task, enum lend_outcome outcome,
                            int error, const char *reason, struct list *woken);

/* How many workers are not away, and how many jobs and bytes wait that are not for them. */
uint32_t lend__executor_at_hand(const lend_executor *executor);
uint32_t lend__executor_queued(const lend_executor *executor, uint64_t *ret_bytes);

/* Each task that is with a thread, in no order, until `visit` returns false; in an absorbed
 * executor these, `queue` and `given_up` are all that live. */
void lend__executor_each_out(lend_executor *executor, bool (*visit)(struct task *, void *),
                             void *argument);

/* Is every job over and nobody inside? If so, a closer is told. */
bool lend__executor_is_drained(lend_executor *executor);

/* Have the timekeeper look at what lives, if it would sleep past this task's deadline. */
void lend__timekeeper_mind(lend_executor *executor, const struct task *task);

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

/* One holder more, by one. */
static inline void executor_hold(lend_executor *executor) {
    uint64_t holders = word_peek(&executor->holders);
    while (!word_swap(&executor->holders, &holders, holders + 1))
        ;
}

/* One holder less: a future was dropped, or never came to be, or the executor is CLOSED. The last
 * one frees it. */
void lend__executor_let_go(lend_executor *executor);

#endif
