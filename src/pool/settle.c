/* SPDX-License-Identifier: MIT
 *
 * The pool's rules under its lock: who is granted, when the gate is shut, when there is no hope,
 * when all is over. Everything here is called with pool->lock held. */
#include "base/clock.h"
#include "base/probe.h"
#include "pool/state.h"

static struct slot *entry_slot(struct list_node *node) {
    return list_entry(node, struct slot, entry);
}

/* A thread leaves with that, and need not come through the lock once more; a request leaves later
 * (request.c). */
static void grant(lend_pool *pool, struct borrower *borrower, struct slot *slot,
                  struct list *woken) {
    int64_t now_ns = lend__clock_coarse_ns();
    borrower->slot = (uint32_t)(slot - pool->slots);
    borrower->generation = gate_lend(slot);
    slot_tell(slot, borrower->generation, borrower_to_be_lent(borrower), borrower->site, now_ns);
    pool->locked.progress_ns = now_ns;
    PROBE(grant, pool->name, borrower->slot);
    if (borrower->waiter.tell == NULL)
        lend__borrower_leave(pool, borrower, 0);
    waiter_decide(&borrower->waiter, VERDICT_GRANTED, &pool->locked.waiters, woken);
}

void lend__pool_move(lend_pool *pool, struct slot *slot, enum slot_state state) {
    if (slot->entry.list != NULL)
        list_remove(slot->entry.list, &slot->entry);
    gate_become(slot, state);
    if (state == SLOT_FREE)
        list_append(&pool->locked.idle, &slot->entry);
}

void lend__pool_shut(lend_pool *pool) {
    word_poke(&pool->gate, 1);
    for (struct list_node *node; (node = list_pop(&pool->locked.open)) != NULL;)
        if (gate_shut(entry_slot(node)) == SLOT_FREE)
            list_append(&pool->locked.idle, node);
}

static void open_idle(lend_pool *pool) {
    for (struct list_node *node; (node = list_pop(&pool->locked.idle)) != NULL;) {
        list_append(&pool->locked.open, node);
        gate_open(entry_slot(node));
    }
    word_poke(&pool->gate, 0);
}

static bool is_to_be_shut(const lend_pool *pool) {
    return pool->locked.phase != POOL_OPEN || pool->locked.waiters.length > 0 || pool->locked.minds;
}

/* All is shut before anything is granted: what is put back before that is idle then, and what comes
 * after has to come through the lock. */
void lend__pool_settle(lend_pool *pool, struct list *woken) {
    struct list *waiters = &pool->locked.waiters, *idle = &pool->locked.idle;
    if (is_to_be_shut(pool))
        lend__pool_shut(pool);
    while (waiters->length > 0 && idle->length > 0 && !pool->locked.suspended)
        grant(pool, list_entry(waiters->first, struct borrower, waiter.node),
              entry_slot(list_pop(idle)), woken);
    if (!is_to_be_shut(pool))
        open_idle(pool);
    if (pool->locked.closer != NULL && lend__pool_is_drained(pool))
        lend__parker_wake(pool->locked.closer);
}

void lend__pool_dismiss(lend_pool *pool, enum verdict verdict, struct list *woken) {
    waiters_decide_all(&pool->locked.waiters, verdict, woken);
}

/* A slot lives if it can be lent again without a load that is known to fail or to be stuck. */
static bool slot_lives(const struct slot *slot) {
    enum slot_state state = slot_state(slot);
    if (state == SLOT_FREE || state == SLOT_LENT)
        return true;
    bool may_fail = state == SLOT_LOADING || state == SLOT_LOST;
    return state != SLOT_ABSENT && !slot->stuck && !(may_fail && slot->failures > 0);
}

/* The slots that there are; LENT to a job that overran its deadline; with work that does not
 * return; with a model that is counted on, and not about to go. */
struct census {
    uint32_t present, overdue, stuck, kept;
};

static bool slot_is_kept(const struct slot *slot) {
    enum slot_state state = slot_state(slot);
    return state == SLOT_FREE || state == SLOT_LENT ||
           (state == SLOT_LOADING && slot->model != NULL && !slot->stuck);
}

static struct census count_slots(const lend_pool *pool) {
    struct census count = {0};
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        const struct slot *slot = &pool->slots[i];
        count.present += slot_state(slot) != SLOT_ABSENT;
        count.overdue += slot->overdue;
        count.stuck += slot->stuck;
        count.kept += slot_is_kept(slot);
    }
    return count;
}

uint32_t lend__pool_present(const lend_pool *pool) {
    return count_slots(pool).present;
}

uint32_t lend__pool_stuck(const lend_pool *pool) {
    return count_slots(pool).stuck;
}

static uint32_t smaller(uint32_t one, uint32_t other) {
    return one < other ? one : other;
}

uint32_t lend__pool_wanted(const lend_pool *pool) {
    struct census count = count_slots(pool);
    return pool->locked.models + smaller(count.overdue + count.stuck, pool->options.spares);
}

/* If it is oversized, present > models + min(overdue, spares) + stuck, which is at least what is
 * wanted. */
bool lend__pool_is_oversized(const lend_pool *pool) {
    struct census count = count_slots(pool);
    return count.present - count.stuck >
           pool->locked.models + smaller(count.overdue, pool->options.spares);
}

bool lend__pool_has_surplus(const lend_pool *pool) {
    struct census count = count_slots(pool);
    return count.kept > pool->locked.models + smaller(count.overdue, pool->options.spares);
}

void lend__pool_survey(lend_pool *pool, struct list *woken) {
    pool->locked.hopeless = true;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        if (slot_lives(&pool->slots[i]))
            pool->locked.hopeless = false;
    pool->locked.minds = pool->locked.suspended || pool->locked.reloading ||
                         count_slots(pool).overdue > 0 || lend__pool_has_surplus(pool);
    if (pool->locked.hopeless)
        lend__pool_dismiss(pool, VERDICT_BROKEN, woken);
}

static void to_keeper(lend_pool *pool, struct slot *slot, enum slot_state state) {
    lend__pool_move(pool, slot, state);
    lend__parker_wake(&pool->keeper_parker);
}

/* With nothing to mind, as is usual, no slot is walked. */
void lend__pool_take_back(lend_pool *pool, struct slot *slot, struct list *woken) {
    if (!pool->locked.minds) {
        lend__pool_move(pool, slot, SLOT_FREE);
        lend__pool_settle(pool, woken);
        return;
    }
    slot->overdue = false;
    if (lend__pool_has_surplus(pool)) {
        to_keeper(pool, slot, SLOT_RETIRING);
    } else if (pool->locked.reloading && pool->locked.claimed == NULL &&
               slot->edition != pool->locked.edition) {
        pool->locked.claimed = slot;
        to_keeper(pool, slot, SLOT_LOADING);
    } else {
        lend__pool_move(pool, slot, SLOT_FREE);
    }
    lend__pool_survey(pool, woken);
    lend__pool_settle(pool, woken);
}

/* What a reload has claimed does not matter: its thread is waited for. */
bool lend__pool_is_drained(const lend_pool *pool) {
    LEND_ASSERT(pool->locked.phase == POOL_CLOSING, "asked whether an open pool is drained");
    if (pool->locked.visitors.length > 0 || pool->locked.tenants.length > 0 ||
        pool->locked.operation != NULL)
        return false;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        enum slot_state state = slot_state(&pool->slots[i]);
        bool rests = state == SLOT_FREE || state == SLOT_RETIRING || state == SLOT_LOST ||
                     state == SLOT_ABSENT;
        if (!rests || pool->slots[i].work != WORK_NONE)
            return false;
    }
    return true;
}
