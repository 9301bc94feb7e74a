/* SPDX-License-Identifier: MIT
 *
 * struct lend_pool: its state, its invariants, its locks. Read this, slot.h and idle.h first.
 *
 * WHOLE   each slot is in exactly one state; every count is taken by walking the slots
 * GATE    after every region under pool->lock: the gate is shut exactly while the pool is not OPEN
 *         or somebody waits
 * WORK    after every region under pool->lock: while somebody waits, no slot is on the idle stack
 * FAIR    waiters are granted in the order of the list; while there is one, nobody else can take a
 *         slot, since the gate is shut and an arriving borrower queues behind
 * ONCE    a borrower in the list is undecided; deciding it unlinks it (sync/waiter.h)
 * HOPE    while `hopeless`, nobody waits
 * CLOSED  a pool is freed only when every slot is on the idle stack, RETIRING or LOST, nobody is
 *         inside a slow path (`visitors`), no tenant is left and the keeper mends nothing
 *
 * lend__pool_settle restores GATE and WORK; whoever changes the list, the stack or the phase under
 * the lock calls it before leaving.
 *
 * Locks: pool->lock, then a parker's mutex. No operation of a model, sink or progress callback
 * runs under either. Fast paths touch `idle` and their own slot, and nothing else of the pool
 * after they have put the slot back: it may be freed then. */
#ifndef LEND_SRC_POOL_STATE_H
#define LEND_SRC_POOL_STATE_H

#include "base/list.h"
#include "pool/idle.h"
#include "pool/lending.h"
#include "pool/slot.h"
#include "pool/watch.h"
#include "sync/fork.h"
#include "sync/lock.h"
#include "sync/thread.h"
#include "sync/waiter.h"

#include <lend/pool.h>

enum pool_phase {
    POOL_OPEN,
    POOL_CLOSING, /* for good: a close that gave up leaves it here */
};

struct lend_pool {
    /* constant after open */
    struct lend_pool_options options; /* defaults filled in; name and ops point to these two: */
    char name[64];
    struct lend_model_ops ops;
    uint32_t waiters_max; /* options.waiters_max with LEND_NO_WAITERS as 0 */
    struct slot *slots;   /* options.models of them */
    struct thread keeper;
    uint64_t era; /* sync/fork.h */
    struct list_node entry; /* in the registry, under its lock */

    _Alignas(CACHE_LINE) struct word idle; /* idle.h */

    _Alignas(CACHE_LINE) struct lock lock;
    struct { /* under lock */
        enum pool_phase phase;
        struct list waiters;   /* of struct borrower.waiter, oldest first */
        struct list visitors;  /* of struct borrower.visit: on the slow path of acquire */
        struct list tenants;   /* of struct tenant: open executors */
        bool hopeless;         /* no slot lives; set by lend__pool_judge from the slots' states */
        struct slot *mending;  /* the slot that the keeper is busy with, or NULL */
        struct parker *closer; /* of the thread that waits in close, or NULL */
        struct lend_reason loader; /* what the last failed load said */
        uint64_t queued, timeouts, refusals, broken, loads, load_failures;
        struct lend_histogram waits;
    } locked;
    struct parker keeper_parker; /* woken when there may be something to do for it */
    struct word events;          /* counters without a lock */
    struct word bad_releases;
};

/* One thread in the slow path of acquire; on its stack. */
struct borrower {
    struct waiter waiter;   /* under pool->lock, see there */
    struct list_node visit; /* under pool->lock */
    owner_word owner;       /* the rest: constant, or set by who grants, before the wake */
    const struct lend_site *site;
    struct borrow_cancel *cancel; /* or NULL */
    uint32_t slot;
    uint64_t generation;
};

/* Under the lock: hand idle slots to waiters, set the gate, tell a closer who may be waiting for
 * just this. Who was granted is in `woken` (waiters_wake, after the lock). */
void lend__pool_settle(lend_pool *pool, struct list *woken);

/* Under the lock: decide everybody who waits. */
void lend__pool_dismiss(lend_pool *pool, enum verdict verdict, struct list *woken);

/* Under the lock, after a slot became RETIRING, LOADING or LOST: is there hope? If not, waiters
 * are told. */
void lend__pool_judge(lend_pool *pool, struct list *woken);

/* Is it the pool of a process that this one was forked from? */
static inline bool pool_is_foreign(const lend_pool *pool) {
    return pool->era != fork_era();
}

/* Under the lock: may the pool be freed? */
bool lend__pool_is_drained(const lend_pool *pool);

/* Make the caller the owner of a lease that was detached. 0, EPERM if it was not, ESTALE. */
int lend__slot_adopt(struct slot *slot, uint64_t generation);

/* End the lease of a slot that the calling thread holds, in whose name nobody else will. No lock is
 * held. */
void lend__slot_reclaim(lend_pool *pool, uint32_t index, const char *who);

/* Tell the sink. No lock is held. */
void lend__pool_event(lend_pool *pool, enum lend_event_kind kind, int error, int slot,
                      const struct lend_site *site, const char *text);

/* Free a pool that never opened or is drained: any prefix of what open does. */
void lend__pool_destroy(lend_pool *pool);

/* A report of the pool as it is now, oldest holder first, with the steps of a deadlock if it is
 * one (copied; NULL is allowed); NULL if memory ran out. Takes the lock. */
struct lend_report *lend__report_take(lend_pool *pool, int error, int64_t waited_ns,
                                      const struct steps *steps);

#endif
