/* SPDX-License-Identifier: MIT
 *
 * The pool's rules under its lock: who is granted, when the gate is shut, when there is no hope,
 * when all is over. Everything here is called with pool->lock held. */
#include "base/clock.h"
#include "pool/state.h"

static void grant(lend_pool *pool, struct borrower *borrower, uint32_t index, struct list *woken) {
    borrower->slot = index;
    borrower->generation = slot_lend(&pool->slots[index], borrower->owner, borrower->site,
                                     lend__clock_coarse_ns());
    waiter_decide(&borrower->waiter, VERDICT_GRANTED, &pool->locked.waiters, woken);
}

/* The gate is shut before the stack is looked at: what is put back before that is on it, and what
 * comes after has to come through the lock. */
void lend__pool_settle(lend_pool *pool, struct list *woken) {
    struct list *waiters = &pool->locked.waiters;
    if (waiters->length > 0)
        idle_set_gate(&pool->idle, true);
    while (waiters->length > 0) {
        uint32_t index = idle_take(&pool->idle, pool->slots, IDLE_UNDER_LOCK);
        if (index == IDLE_NONE)
            break;
        grant(pool, list_entry(waiters->first, struct borrower, waiter.node), index, woken);
    }
    idle_set_gate(&pool->idle, pool->locked.phase != POOL_OPEN || waiters->length > 0);
    if (pool->locked.closer != NULL && lend__pool_is_drained(pool))
        lend__parker_wake(pool->locked.closer);
}

void lend__pool_dismiss(lend_pool *pool, enum verdict verdict, struct list *woken) {
    waiters_decide_all(&pool->locked.waiters, verdict, woken);
}

/* A slot lives if it can be lent again without a load that is known to fail. */
static bool slot_lives(const struct slot *slot) {
    switch (slot_state(slot)) {
    case SLOT_FREE:
    case SLOT_LENT:
    case SLOT_RETIRING:
        return true;
    case SLOT_LOADING:
        return slot->failures == 0;
    case SLOT_LOST:
        return false;
    }
    return false;
}

void lend__pool_judge(lend_pool *pool, struct list *woken) {
    pool->locked.hopeless = true;
    for (uint32_t i = 0; i < pool->options.models; i++)
        if (slot_lives(&pool->slots[i]))
            pool->locked.hopeless = false;
    if (pool->locked.hopeless)
        lend__pool_dismiss(pool, VERDICT_BROKEN, woken);
}

/* A borrower on the fast path may have taken a slot off the stack and not said so in its life:
 * the stack itself is counted, not the slots that say FREE. */
bool lend__pool_is_drained(const lend_pool *pool) {
    if (pool->locked.phase == POOL_OPEN || pool->locked.mending != NULL ||
        pool->locked.visitors.length > 0 || pool->locked.tenants.length > 0)
        return false;
    uint32_t here = idle_count(&pool->idle, pool->slots);
    for (uint32_t i = 0; i < pool->options.models; i++) {
        enum slot_state state = slot_state(&pool->slots[i]);
        here += state == SLOT_RETIRING || state == SLOT_LOST;
    }
    return here == pool->options.models;
}
