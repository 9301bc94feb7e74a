/* SPDX-License-Identifier: MIT
 *
 * A borrower's wait as the watch sees it: it waits for a pool, and who holds one of the pool's
 * models could end that. And what a thread stands in its own way with. */
#include "pool/deadlock.h"

#include "base/clock.h"
#include "base/text.h"
#include "pool/state.h"

/* Every slot that there is is LENT, and nobody runs who holds one. What is FREE, RETIRING, LOADING
 * or LOST may yet be lent; whose lease was detached may be given back by anybody. */
static bool all_holders_wait(const lend_pool *pool, struct wait *wait, struct walk *walk) {
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        struct slot_holder holder;
        if (slot_state(&pool->slots[i]) == SLOT_ABSENT)
            continue;
        if (!slot_holder(&pool->slots[i], &holder) || owner_kind(holder.owner) == OWNER_DETACHED)
            return false;
        bool is_task = owner_kind(holder.owner) == OWNER_TASK;
        if (is_task && owner_tid(holder.owner) == 0) /* it is still to be told */
            return false;
        struct tie tie = {.tid = owner_tid(holder.owner),
                          .task = is_task ? owner_number(holder.owner) : 0,
                          .slot = (int)i,
                          .since_ns = holder.since_ns,
                          .site = holder.site};
        if (lend__watch_meets(walk, wait, tie))
            return false;
    }
    return true;
}

static bool may_end(struct wait *wait, struct walk *walk) {
    lend_pool *pool = wait->target;
    lend__lock_acquire(&pool->lock);
    bool stuck = !waiter_is_decided(wait->waiter) && all_holders_wait(pool, wait, walk);
    lend__lock_release(&pool->lock);
    return !stuck;
}

static void refuse(struct wait *wait, struct list *woken) {
    lend_pool *pool = wait->target;
    lend__lock_acquire(&pool->lock);
    if (!waiter_is_decided(wait->waiter)) {
        waiter_decide(wait->waiter, VERDICT_DEADLOCK, &pool->locked.waiters, woken);
        lend__pool_settle(pool, woken);
    }
    lend__lock_release(&pool->lock);
}

static void name(const struct wait *wait, struct text *text) {
    const lend_pool *pool = wait->target;
    lend__text_add(text, "pool \"%s\"", pool->name);
}

struct wait lend__borrower_wait(lend_pool *pool, struct borrower *borrower,
                                lend_deadline deadline) {
    static const struct wait_ops ops = {.may_end = may_end, .refuse = refuse, .name = name};
    return (struct wait){
        .ops = &ops,
        .target = pool,
        .waiter = &borrower->waiter,
        .deadline = deadline,
        .owner = borrower->owner,
        .site = borrower->site,
        .since_ns = lend__clock_now_ns(),
    };
}

void lend__borrower_show(lend_pool *pool, struct borrower *borrower, lend_deadline deadline,
                         struct wait *wait) {
    *wait = lend__borrower_wait(pool, borrower, deadline);
    lend__watch_show(wait);
}

uint32_t lend__pool_held_here(const lend_pool *pool) {
    uint32_t count = 0;
    if (lend__thread_self.held == 0)
        return 0;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        struct slot_holder holder;
        count += slot_holder(&pool->slots[i], &holder) &&
                 owner_kind(holder.owner) != OWNER_DETACHED &&
                 owner_tid(holder.owner) == thread_tid();
    }
    return count;
}
