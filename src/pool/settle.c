/* SPDX-License-Identifier: MIT
 *
 * The pool's rules under its lock: who is granted, when the gate is shut, when there is no hope,
 * when all is over. Everything here is called with pool->lock held. */
#include "base/clock.h"
#include "base/probe.h"
#include "pool/state.h"

static void grant(lend_pool *pool, struct borrower *borrower, uint32_t index, struct list *woken) {
    int64_t now_ns = lend__clock_coarse_ns();
    borrower->slot = index;
    borrower->generation =
        slot_lend(&pool->slots[index], borrower_to_be_lent(borrower), borrower->site, now_ns);
    pool->locked.progress_ns = now_ns;
    PROBE(grant, pool->name, index);
    waiter_decide(&borrower->waiter, VERDICT_GRANTED, &pool->locked.waiters, woken);
}

/* The gate is shut before the stack is looked at: what is put back before that is on it, and what
 * comes after has to come through the lock. */
void lend__pool_settle(lend_pool *pool, struct list *woken) {
    struct list *waiters = &pool->locked.waiters;
    if (waiters->length > 0)
        idle_set_gate(&pool->idle, true);
    while (waiters->length > 0 && !pool->locked.suspended) {
        uint32_t index = idle_take(&pool->idle, pool->slots, IDLE_UNDER_LOCK);
        if (index == IDLE_NONE)
            break;
        grant(pool, list_entry(waiters->first, struct borrower, waiter.node), index, woken);
    }
    idle_set_gate(&pool->idle,
                  pool->locked.phase != POOL_OPEN || waiters->length > 0 || pool->locked.minds);
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
    case SLOT_LOST:
        return slot->failures == 0;
    case SLOT_ABSENT:
        return false;
    }
    return false;
}

uint32_t lend__pool_present(const lend_pool *pool) {
    uint32_t present = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        present += slot_state(&pool->slots[i]) != SLOT_ABSENT;
    return present;
}

static uint32_t count_overdue(const lend_pool *pool) {
    uint32_t overdue = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        overdue += pool->slots[i].overdue;
    return overdue;
}

uint32_t lend__pool_wanted(const lend_pool *pool) {
    uint32_t overdue = count_overdue(pool), spares = pool->options.spares;
    return pool->locked.models + (overdue < spares ? overdue : spares);
}

void lend__pool_survey(lend_pool *pool, struct list *woken) {
    pool->locked.hopeless = true;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        if (slot_lives(&pool->slots[i]))
            pool->locked.hopeless = false;
    pool->locked.minds = pool->locked.suspended || pool->locked.reloading ||
                         count_overdue(pool) > 0 ||
                         lend__pool_present(pool) > lend__pool_wanted(pool);
    if (pool->locked.hopeless)
        lend__pool_dismiss(pool, VERDICT_BROKEN, woken);
}

static void to_keeper(lend_pool *pool, struct slot *slot, enum slot_state state) {
    slot_become(slot, state);
    lend__parker_wake(&pool->keeper_parker);
}

/* With nothing to mind, as is usual, no slot is walked. */
void lend__pool_take_back(lend_pool *pool, struct slot *slot, struct list *woken) {
    uint32_t index = (uint32_t)(slot - pool->slots);
    if (!pool->locked.minds) {
        idle_put(&pool->idle, pool->slots, index, IDLE_UNDER_LOCK);
        lend__pool_settle(pool, woken);
        return;
    }
    slot->overdue = false;
    if (lend__pool_present(pool) > lend__pool_wanted(pool)) {
        to_keeper(pool, slot, SLOT_RETIRING);
    } else if (pool->locked.reloading && pool->locked.claimed == NULL &&
               slot->edition != pool->locked.edition) {
        pool->locked.claimed = slot;
        to_keeper(pool, slot, SLOT_LOADING);
    } else {
        idle_put(&pool->idle, pool->slots, index, IDLE_UNDER_LOCK);
    }
    lend__pool_survey(pool, woken);
    lend__pool_settle(pool, woken);
}

/* A borrower on the fast path may have taken a slot off the stack and not said so in its life:
 * the stack itself is counted, not the slots that say FREE. */
bool lend__pool_is_drained(const lend_pool *pool) {
    if (pool->locked.phase == POOL_OPEN || pool->locked.mending != NULL ||
        pool->locked.visitors.length > 0 || pool->locked.tenants.length > 0 ||
        pool->locked.operation != NULL)
        return false;
    uint32_t here = idle_count(&pool->idle, pool->slots);
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        enum slot_state state = slot_state(&pool->slots[i]);
        here += state == SLOT_RETIRING || state == SLOT_LOST || state == SLOT_ABSENT ||
                &pool->slots[i] == pool->locked.claimed;
    }
    return here == pool->slot_count;
}
