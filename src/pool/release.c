/* SPDX-License-Identifier: MIT
 *
 * Release: check that the lease is what it says, reset the model, put the slot back.
 *
 * Only the owner's own thread passes the check, and a lease passes it once, since the life of its
 * slot moves on: so from there to the end of the lease nobody else touches the slot. */
#include "base/clock.h"
#include "base/probe.h"
#include "pool/state.h"

#include <lend/lease.h>

/* 0, or why this lease may not be given back here: ESTALE, EPERM. Of a lease that was detached, the
 * caller becomes the owner. */
static int refusal(const struct lend_lease *lease) {
    const lend_pool *pool = lease->pool;
    if (lease->slot >= pool->slot_count)
        return ESTALE;
    struct slot *slot = &pool->slots[lease->slot];
    if (word_read(&slot->life) != life_make(lease->generation, SLOT_LENT))
        return ESTALE;
    if (__builtin_expect(word_peek(&slot->owner) == thread_owner(), 1))
        return 0;
    return lend__slot_adopt(slot, lease->generation);
}

/* A foreign lease stays as it is, so that its owner can still give it back. */
static void refuse(struct lend_lease *lease, int error) {
    lend_pool *pool = lease->pool;
    word_next(&pool->bad_releases);
    int slot = lease->slot < pool->slot_count ? (int)lease->slot : -1;
    if (error != EPERM) {
        *lease = (struct lend_lease){0};
        lend__pool_event(pool, LEND_EVENT_BAD_RELEASE, error, slot, /* site= */ NULL, "");
        return;
    }
    struct slot_holder holder = {0};
    bool held = slot_holder(&pool->slots[slot], &holder);
    lend__pool_event(pool, LEND_EVENT_BAD_RELEASE, error, slot, held ? holder.site : NULL, "");
}

/* Give the model to the keeper instead of the next borrower. Counts one of locked's totals. */
static void to_keeper(lend_pool *pool, uint32_t index, uint64_t *total) {
    struct slot *slot = &pool->slots[index];
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    slot_end_lease(slot, lend__clock_coarse_ns(), SLOT_RETIRING);
    slot->overdue = false;
    ++*total;
    lend__pool_survey(pool, &woken);
    lend__pool_settle(pool, &woken);
    lend__parker_wake(&pool->keeper_parker);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
}

/* Because it does not work. The event comes first: afterwards the pool may be closed and gone. The
 * sink may contain cancellation points; see reset. */
static void retire(lend_pool *pool, uint32_t index, enum lend_event_kind kind, int error,
                   const char *why) {
    const struct slot *slot = &pool->slots[index];
    const struct lend_site *site = (const struct lend_site *)(uintptr_t)word_peek(&slot->site);
    int shield = lend__thread_shield();
    lend__pool_event(pool, kind, error, (int)index, site, why);
    to_keeper(pool, index, &pool->locked.broken);
    lend__thread_unshield(shield);
}

/* Has it been lent often enough, or for long enough, to be loaded anew? */
static bool is_worn(const lend_pool *pool, const struct slot *slot) {
    const struct lend_pool_options *options = &pool->options;
    uint64_t lends = life_generation(word_peek(&slot->life)) - slot->first_generation + 1;
    if (options->recycle_lends != 0 && lends >= options->recycle_lends)
        return true;
    return options->recycle_ms != 0 &&
           elapsed_ns(slot->loaded_ns, lend__clock_coarse_ns()) / NS_PER_MS >= options->recycle_ms;
}

/* The last touch of the pool is the swap, or leaving the lock. */
static void put_back(lend_pool *pool, uint32_t index) {
    slot_end_lease(&pool->slots[index], lend__clock_coarse_ns(), SLOT_FREE);
    if (idle_put(&pool->idle, pool->slots, index, IDLE_AS_ANYONE))
        return;
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    lend__pool_take_back(pool, &pool->slots[index], &woken);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
}

typedef int model_operation(void *model, void *context, struct lend_reason *reason);

/* Reset or check, if there is such an operation. It may contain cancellation points; a thread
 * cancelled in one would leave with the model. */
static int operate(const lend_pool *pool, model_operation *operation, uint32_t index,
                   struct lend_reason *reason) {
    reason->error = 0;
    reason->text[0] = '\0';
    if (operation == NULL)
        return 0;
    int shield = lend__thread_shield();
    int error = operation(pool->slots[index].model, pool->options.ops_context, reason);
    lend__thread_unshield(shield);
    return error;
}

/* To the next borrower, or to the keeper if it is not fit for one. */
static void give_back(lend_pool *pool, uint32_t index, model_operation *check) {
    struct lend_reason reason;
    enum lend_event_kind kind = LEND_EVENT_RESET_FAILED;
    PROBE(release, pool->name, index);
    int error = operate(pool, pool->ops.reset, index, &reason);
    if (error == 0 && check != NULL) {
        kind = LEND_EVENT_CHECK_FAILED;
        error = operate(pool, check, index, &reason);
    }
    if (error != 0)
        retire(pool, index, kind, error, reason.text);
    else if (pool->wears && is_worn(pool, &pool->slots[index]))
        to_keeper(pool, index, &pool->locked.recycled);
    else
        put_back(pool, index);
}

/* Empty the caller's lease, and say whether there is a model to give back, in *ret_lease. */
static bool surrender(struct lend_lease *lease, struct lend_lease *ret_lease) {
    if (lease == NULL)
        return false;
    if (lease->model == NULL) {
        lend_report_free(lease->report);
        *lease = (struct lend_lease){0};
        return false;
    }
    if (pool_is_foreign(lease->pool)) {
        *lease = (struct lend_lease){0};
        return false;
    }
    int error = refusal(lease);
    if (error != 0) {
        refuse(lease, error);
        return false;
    }
    *ret_lease = lend_lease_take(lease);
    lend__thread_self.held--;
    return true;
}

void lend_release(struct lend_lease *lease) {
    struct lend_lease own;
    if (surrender(lease, &own))
        give_back(own.pool, own.slot, /* check= */ NULL);
}

void lend_release_broken(struct lend_lease *lease, const char *why) {
    struct lend_lease own;
    if (surrender(lease, &own))
        retire(own.pool, own.slot, LEND_EVENT_MODEL_BROKEN, 0, why != NULL ? why : "");
}

/* Nobody knows in what state its borrower left it: it is checked, too, before it is lent again. */
void lend__slot_reclaim(lend_pool *pool, uint32_t index, const char *who) {
    struct slot *slot = &pool->slots[index];
    const struct lend_site *site = (const struct lend_site *)(uintptr_t)word_peek(&slot->site);
    lend__pool_event(pool, LEND_EVENT_LEASE_LEFT, 0, (int)index, site, who);
    owner_word owner = word_peek(&slot->owner);
    if (owner_kind(owner) == OWNER_TASK)
        lend__watch_task_holds(owner_number(owner), -1);
    lend__thread_self.held--;
    give_back(pool, index, pool->ops.check);
}

struct lend_lease lend_lease_take(struct lend_lease *lease) {
    struct lend_lease taken = {0};
    if (lease != NULL) {
        taken = *lease;
        *lease = (struct lend_lease){0};
    }
    return taken;
}

int lend_lease_error(const struct lend_lease *lease) {
    if (lease == NULL)
        return ESTALE;
    if (lease->model != NULL)
        return 0;
    return lease->error != 0 ? lease->error : ESTALE;
}

const struct lend_report *lend_lease_report(const struct lend_lease *lease) {
    return lease != NULL ? lease->report : NULL;
}
