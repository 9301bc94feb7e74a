/* SPDX-License-Identifier: MIT
 *
 * The watch: who waits for what, so that a wait which cannot end is refused at once.
 *
 * A thread that is about to wait, and might itself be waited for, shows its wait to the watch. The
 * watch walks from there: from a wait to those who could end it (the holders of a pool's models,
 * the runner of a job), from them to what they wait for, and so on. Somebody who runs, or of whom
 * nothing is known, could end his part: then all is well, and the walk stops. If the walk meets
 * nobody but waiting threads, none of them can go on before the first of their deadlines: a
 * deadlock. The wait that would end first by its deadline is refused with EDEADLK now, as it would
 * be refused then for certain; if none has a deadline, the one that came last.
 *
 * Exact, because each step is an OR: one model given back, one worker free is enough to go on
 * (Holt: Some deadlock properties of computer systems, ACM Computing Surveys 4, 1972: with single
 * units a knot is necessary and sufficient). In detail, with R the wait that was shown last and S
 * all waits that are reached from it:
 *
 *   no false alarm  Say somebody in S could go on before the first deadline in S. The first one to
 *                   do so is let go by somebody who runs and whom S leads to; but then the walk had
 *                   met him. What comes from outside (a close, a cancel, a thread that adopts a
 *                   lease) is not foreseen: a deadlock is what only an outsider can end.
 *   none missed     Who cannot go on any more became so when somebody began to wait, since nobody
 *                   who runs is stuck; all such waits are shown and walked from, and a walk from R
 *                   finds everybody that R dooms, because these lead to R and so to all of S, and
 *                   nobody in S was doomed before. One refusal is enough: all of S leads to him.
 *   seen as one     While a walk goes on, nobody new begins to wait, since that takes the watch's
 *                   lock. That a wait is undecided, and who could end it, is looked at in one
 *                   region under the lock of what is waited for: looked at in two, a model could be
 *                   given back in between and its old holder be seen waiting already.
 *
 * Who holds nothing and runs no job is waited for by nobody, and need not be shown: the plain
 * pattern of one lease a thread never comes here.
 *
 * Tasks of event loops. A thread may speak for many tasks, each of which may hold models and have
 * asked for more. No thread sleeps for such a wait; it is shown under the task's number, and what
 * is known of a task is that it does nothing while it waits (lend/request.h). If it has two waits
 * at once that cannot be, and it counts as running; so does one that was granted, or whose lease is
 * still in its completion queue. A task needs its thread besides: what it holds is given back on
 * the thread that was told of it and on no other. So who holds as a task is held up by either of
 * two waits, his own and his thread's, and goes on only when both have ended: here a step is an
 * AND. The walk then meets both. A wait ends if there is somebody who could end it and is held up
 * by no wait that does not end; the waits that this leaves over, looked for as often as one more is
 * found to end, are S: each of them waits for nobody but such as are held up in S. The argument
 * above holds for this S as it stands. But not all of S need lead to the one who is refused: R is
 * judged again without him, until it could end or is refused itself.
 *
 * Locks: the watch, then one lock of a pool or executor at a time. Requests are told
 * (sync/waiter.h) after the watch's lock was left. */
#ifndef LEND_SRC_POOL_WATCH_H
#define LEND_SRC_POOL_WATCH_H

#include "base/text.h"
#include "sync/thread.h"
#include "sync/waiter.h"

#include <lend/report.h>

struct walk;
struct wait;

/* What a wait has to know of the thing that is waited for; each runs under the watch's lock. */
struct wait_ops {
    /* Could somebody who is not waiting end this wait? Under the thing's own lock: true if the wait
     * is decided, or somebody could; else every one who could was met by lend__watch_meets. */
    bool (*may_end)(struct wait *wait, struct walk *walk);

    /* Decide it as a deadlock, unless it is decided. */
    void (*refuse)(struct wait *wait, struct list *woken);

    /* "pool \"ocr\"", "job 17". */
    void (*name)(const struct wait *wait, struct text *text);
};

/* By whom a wait could be ended. */
struct tie {
    uint32_t tid;
    uint64_t task;                /* of that thread, or 0 */
    int slot;                     /* that he holds, or -1 */
    int64_t since_ns;             /* coarse clock; 0 if not known */
    const struct lend_site *site; /* or NULL */
};

/* The steps of a deadlock, as a report shows them. */
struct steps {
    size_t count;
    struct lend_step list[];
};

/* A wait that is shown to the watch; on the waiting thread's stack, or in a request. */
struct wait {
    /* constant while it is shown */
    const struct wait_ops *ops;
    void *target;
    struct waiter *waiter;
    lend_deadline deadline; /* when it ends for certain, of itself */
    owner_word owner;
    const struct lend_site *site;
    int64_t since_ns;

    struct steps *steps; /* set by who refuses it, before it is decided; NULL if memory ran out */

    /* under the watch's lock */
    struct wait *next;  /* of those with the same hash */
    uint64_t walk;      /* the number of the last walk that met it */
    struct wait *later; /* met in the same walk, after it */
    bool ends;          /* as that walk has found */
    struct tie tie;     /* one of those who could end it, and his wait */
    struct wait *tied;
};

/* Show a wait that was queued and may be decided already. Afterwards sleep until it is decided, and
 * hide it before its memory goes. */
void lend__watch_show(struct wait *wait);
void lend__watch_hide(struct wait *wait);

/* For one that others may decide, and tell of it, and free as soon as they have hidden it: with the
 * watch's lock held since before it was queued. Whom it decides is in `woken`, to be woken when the
 * lock is left. */
void lend__watch_enter(struct wait *wait, struct list *woken);

/* For may_end: true if this thread or task is not known to wait, and so could end the wait. */
bool lend__watch_meets(struct walk *walk, struct wait *wait, struct tie tie);

/* Something that others wait for is gone for good, though nobody began to wait: look at all. */
void lend__watch_review(void);

/* Around lend__watch_enter, and around a fork; and, in the child, with the lock held: nobody waits
 * and no task holds anything. */
void lend__watch_lock(void);
void lend__watch_unlock(void);
void lend__watch_clear(void);

/* Under the watch's lock: the wait to refuse, with `newest` shown last, or NULL. */
struct wait *lend__watch_judge(struct wait *newest);

/* A task was told of a lease (1), or has it no more (-1). */
void lend__watch_task_holds(uint64_t task, int change);

/* Does anybody possibly wait for this task? Asked by a thread that knows of all it was told. */
bool lend__watch_task_may_be_awaited(uint64_t task);

/* Does anybody possibly wait for this thread? */
static inline bool thread_may_be_awaited(void) {
    return lend__thread_self.held > 0 || lend__thread_self.errands != NULL;
}

#endif
