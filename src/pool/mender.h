/* SPDX-License-Identifier: MIT
 *
 * Menders: the background threads that run a model's load, check and unload.
 *
 *     IDLE     waits for a chore
 *     BUSY     has one: its slot is its own (slot.h) until it ends the chore
 *     LEAVING  is to end; it may still be telling the sink of its last chore
 *     LEFT     does nothing more: to be joined, by the keeper or the closer
 *
 *     IDLE    -> BUSY        lend__pool_tend
 *     BUSY    -> IDLE        the end of a chore
 *     BUSY    -> LEAVING     likewise, if another mender is there by now
 *     IDLE    -> LEAVING     the pool is closed
 *     LEAVING -> LEFT        by itself
 *
 * One chore at a time: a mender is given one only while no other is busy, so that a pool never does
 * without more than one model for it. One whose operation does not return within
 * options.load_alarm_ms, so that its slot is stuck, is not counted: the keeper hires another, after
 * a pause that grows with the number of those that are stuck. When a stuck one returns after all,
 * it ends its chore like any other. There are never more menders than slots. */
#ifndef LEND_SRC_POOL_MENDER_H
#define LEND_SRC_POOL_MENDER_H

#include "base/list.h"
#include "pool/slot.h"
#include "sync/parker.h"
#include "sync/thread.h"

#include <lend/pool.h>

enum chore_kind {
    CHORE_NONE,
    CHORE_REPLACE, /* a RETIRING slot, or one LOADING without a model: unload, load */
    CHORE_RENEW,   /* LOADING, with its old model: load, unload that */
    CHORE_CHECK,   /* likewise: check */
};

struct chore {
    enum chore_kind kind;
    struct slot *slot;
    uint64_t edition; /* of the pool, when the load began */
};

enum mender_state {
    MENDER_IDLE,
    MENDER_BUSY,
    MENDER_LEAVING,
    MENDER_LEFT,
};

struct mender {
    lend_pool *pool;
    struct thread thread;
    struct parker parker; /* woken when the state has changed */
    /* under pool->lock */
    struct list_node node; /* in locked.menders, until it is joined */
    enum mender_state state;
    struct chore chore; /* while BUSY */
};

/* Start one more. No lock is held. 0 or ENOMEM. */
int lend__mender_hire(lend_pool *pool);

/* Wait for the end of one that is LEAVING or has LEFT, and free it. No lock is held. */
void lend__mender_part(struct mender *mender);

/* End all of them; none is busy, and the keeper is gone or was never there. */
void lend__menders_end(lend_pool *pool);

/* Under the lock: give it a chore. */
void lend__mender_begin(struct mender *mender, enum chore_kind kind, struct slot *slot);

/* Does it run an operation that is not late so far? */
static inline bool mender_is_working(const struct mender *mender) {
    return mender->state == MENDER_BUSY && !mender->chore.slot->stuck;
}

#endif
