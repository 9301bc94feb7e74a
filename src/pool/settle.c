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
    borrower->generation = slot_lend(&pool->slots[index], borrower->owner, borrower->site, now_ns);
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

/* A slot lives if it can be lent again without a load that is known to fail or to be stuck. */
static bool slot_lives(const struct slot *slot) {
    switch (slot_state(slot)) {
    case SLOT_FREE:
    case SLOT_LENT:
        return true;
    case SLOT_RETIRING:
        return !slot->stuck;
    case SLOT_LOADING:
    case SLOT_LOST:
        return slot->failures == 0 && !slot->stuck;
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

/* For how many is there no model, though there is a slot? */
static uint32_t count_overdue(const lend_pool *pool) {
    uint32_t overdue = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        overdue += pool->slots[i].overdue;
    return overdue;
}

static uint32_t count_stuck(const lend_pool *pool) {
    uint32_t stuck = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        stuck += pool->slots[i].stuck;
    return stuck;
}

static uint32_t smaller(uint32_t one, uint32_t other) {
    return one < other ? one : other;
}

uint32_t lend__pool_wanted(const lend_pool *pool) {
    return pool->locked.models +
           smaller(count_overdue(pool) + count_stuck(pool), pool->options.spares);
}

/* If it is oversized, present > models + min(overdue, spares) + stuck, which is at least what is
 * wanted. */
bool lend__pool_is_oversized(const lend_pool *pool) {
    return lend__pool_present(pool) - count_stuck(pool) >
           pool->locked.models + smaller(count_overdue(pool), pool->options.spares);
}

void lend__pool_survey(lend_pool *pool, struct list *woken) {
    pool->locked.hopeless = true;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        if (slot_lives(&pool->slots[i]))
            pool->locked.hopeless = false;
    pool->locked.minds = pool->locked.suspended || pool->locked.reloading ||
                         count_overdue(pool) > 0 || lend__pool_is_oversized(pool);
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
    if (lend__pool_is_oversized(pool)) {
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

static bool is_mended(const lend_pool *pool) {
    for (uint32_t i = 0; i < pool->slot_count; i++)
        if (pool->slots[i].work != WORK_NONE)
            return true;
    return false;
}

/* A borrower on the fast path may have taken a slot off the stack and not said so in its life:
 * the stack itself is counted, not the slots that say FREE. */
bool lend__pool_is_drained(const lend_pool *pool) {
    if (pool->locked.phase == POOL_OPEN || is_mended(pool) || pool->locked.visitors.length > 0 ||
        pool->locked.tenants.length > 0 || pool->locked.operation != NULL)
        return false;
    uint32_t here = idle_count(&pool->idle, pool->slots);
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        enum slot_state state = slot_state(&pool->slots[i]);
        here += state == SLOT_RETIRING || state == SLOT_LOST || state == SLOT_ABSENT ||
                &pool->slots[i] == pool->locked.claimed;
    }
    return here == pool->slot_count;
}
