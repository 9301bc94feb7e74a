/* SPDX-License-Identifier: MIT
 *
 * A waiter: one thread's place in a queue, on that thread's stack, and the answer it waits for. Or
 * a request's, for which no thread sleeps: then the wake is a function, and where the waiter lies
 * and when it goes is the function's affair (waiter_init_told).
 *
 * Each waiter is decided once: its verdict leaves WAITING under the lock of whatever it waits for
 * and never changes again. Who decides also unlinks it, and owes it exactly one wake, given after
 * the lock is left. The waiter's thread leaves only with a verdict, and if somebody else gave it,
 * only after it has slept off that wake: so the wake never touches a stack that is gone.
 *
 *     lock; list_append(&queue, &waiter.node); unlock;
 *     if (!waiter_sleep(&waiter, deadline)) {
 *         lock;
 *         decided = waiter_is_decided(&waiter);
 *         if (!decided) { list_remove(&queue, &waiter.node); waiter.verdict = TIMED_OUT; }
 *         unlock;
 *         if (decided)
 *             waiter_finish(&waiter);   // the wake that is on its way
 *     }
 */
#ifndef LEND_SRC_SYNC_WAITER_H
#define LEND_SRC_SYNC_WAITER_H

#include "base/list.h"
#include "sync/parker.h"
#include "sync/thread.h"

enum verdict {
    VERDICT_WAITING,
    VERDICT_GRANTED,
    VERDICT_TIMED_OUT,
    VERDICT_CANCELLED,
    VERDICT_CLOSED,
    VERDICT_BROKEN,   /* what it waits for cannot come: no model is left */
    VERDICT_DEADLOCK, /* it could not have ended */
};

struct waiter {
    struct list_node node; /* under the lock of the queue */
    enum verdict verdict;  /* under the lock of the queue; the waiter's own once it has slept */
    struct parker *parker; /* that its thread sleeps on; NULL if none does */

    /* Called as the wake, on the thread that decided; NULL if a thread sleeps on the parker. Whom
     * it decides in turn it adds to `woken`. */
    void (*tell)(struct waiter *waiter, struct list *woken);
};

static inline bool waiter_is_decided(const struct waiter *waiter) {
    return waiter->verdict != VERDICT_WAITING;
}

/* Give the verdict: under the queue's lock, to a waiter that is in `queue`. It moves to `woken`,
 * which the caller passes to lend__waiters_wake once the lock is left. */
static inline void waiter_decide(struct waiter *waiter, enum verdict verdict, struct list *queue,
                                 struct list *woken) {
    LEND_ASSERT(!waiter_is_decided(waiter), "decided a waiter twice");
    list_remove(queue, &waiter->node);
    waiter->verdict = verdict;
    list_append(woken, &waiter->node);
}

/* The same for everybody in the queue. */
static inline void waiters_decide_all(struct list *queue, enum verdict verdict,
                                      struct list *woken) {
    while (queue->length > 0)
        waiter_decide(list_entry(queue->first, struct waiter, node), verdict, queue, woken);
}

/* Wake all that were decided, if any were; no lock is held. */
void lend__waiters_wake(struct list *woken);

/* For the calling thread, which waits for one thing at a time: it sleeps on its own parker, whose
 * wakes are all slept off from one wait to the next. */
static inline void waiter_init(struct waiter *waiter) {
    *waiter = (struct waiter){.verdict = VERDICT_WAITING, .parker = lend__thread_parker()};
}

/* One that nobody sleeps for. There is nothing to undo. */
static inline void waiter_init_told(struct waiter *waiter,
                                    void (*tell)(struct waiter *, struct list *)) {
    *waiter = (struct waiter){.verdict = VERDICT_WAITING, .tell = tell};
}

static inline void waiter_deinit(struct waiter *waiter) {
    LEND_ASSERT(waiter->node.list == NULL, "a waiter left while it was queued");
}

/* Sleep until decided (true) or until the deadline (false: lock and look). */
static inline bool waiter_sleep(struct waiter *waiter, lend_deadline deadline) {
    return lend__parker_sleep(waiter->parker, deadline);
}

/* Sleep off the wake of a waiter that is known to be decided: it is under way. */
static inline void waiter_finish(struct waiter *waiter) {
    lend__parker_sleep(waiter->parker, LEND_FOREVER);
}

#endif
