/* SPDX-License-Identifier: MIT
 *
 * Operations on a pool that stays open: suspend and resume, reload, resize. Keeper and menders do
 * the work; the calling thread sleeps until it is done or has failed. */
#include "base/clock.h"
#include "pool/deadlock.h"
#include "pool/state.h"

static int set_suspended(lend_pool *pool, bool suspended) {
    struct list woken = {0};
    if (pool == NULL)
        return EINVAL;
    if (pool_is_foreign(pool))
        return EOWNERDEAD;
    lend__lock_acquire(&pool->lock);
    bool open = pool->locked.phase == POOL_OPEN;
    if (open) {
        pool->locked.suspended = suspended;
        lend__pool_survey(pool, &woken);
        lend__pool_settle(pool, &woken);
    }
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
    return open ? 0 : ESHUTDOWN;
}

int lend_pool_suspend(lend_pool *pool) {
    return set_suspended(pool, true);
}

int lend_pool_resume(lend_pool *pool) {
    return set_suspended(pool, false);
}

/* What a thread in reload or resize waits for; on its stack. */
struct operation {
    struct parker parker;
    bool (*is_done)(const lend_pool *pool); /* under the lock */
    bool is_stuck; /* it would wait for ever for what its own thread holds */
    uint64_t failures_before;
};

static bool is_reloaded(const lend_pool *pool) {
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        enum slot_state state = slot_state(&pool->slots[i]);
        if (state != SLOT_ABSENT && pool->slots[i].edition != pool->locked.edition)
            return false;
    }
    return true;
}

static bool is_resized(const lend_pool *pool) {
    if (lend__pool_present(pool) != lend__pool_wanted(pool))
        return false;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        enum slot_state state = slot_state(&pool->slots[i]);
        if (state == SLOT_LOST || state == SLOT_LOADING || state == SLOT_RETIRING)
            return false;
    }
    return true;
}

void lend__reload_end(lend_pool *pool) {
    struct slot *claimed = pool->locked.claimed;
    pool->locked.reloading = false;
    pool->locked.claimed = NULL;
    if (claimed != NULL)
        lend__pool_move(pool, claimed, SLOT_FREE);
}

void lend__operation_settle(lend_pool *pool) {
    if (pool->locked.operation != NULL)
        lend__parker_wake(pool->locked.operation);
}

/* Under the lock: EINPROGRESS while it goes on. */
static int progress_of(const lend_pool *pool, const struct operation *operation) {
    if (operation->is_done(pool))
        return 0;
    if (pool->locked.phase != POOL_OPEN)
        return ESHUTDOWN;
    return pool->locked.load_failures > operation->failures_before ? EIO : EINPROGRESS;
}

/* Under the lock: 0 or ESHUTDOWN, EALREADY, EDEADLK. */
static int enter(lend_pool *pool, struct operation *operation) {
    if (pool->locked.phase != POOL_OPEN)
        return ESHUTDOWN;
    if (pool->locked.operation != NULL)
        return EALREADY;
    if (operation->is_stuck)
        return EDEADLK;
    pool->locked.operation = &operation->parker;
    operation->failures_before = pool->locked.load_failures;
    return 0;
}

/* The last that the thread does with the pool. */
static void leave(lend_pool *pool, int error, struct lend_reason *reason) {
    struct list woken = {0};
    if (error == EIO && reason != NULL)
        *reason = pool->locked.loader;
    pool->locked.operation = NULL;
    lend__reload_end(pool);
    lend__pool_survey(pool, &woken);
    lend__pool_settle(pool, &woken);
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
}

static int wait_until_done(lend_pool *pool, struct operation *operation, lend_deadline deadline,
                           struct lend_reason *reason) {
    for (bool awake = true;;) {
        lend__lock_acquire(&pool->lock);
        int error = progress_of(pool, operation);
        if (error == EINPROGRESS && !awake)
            error = ETIMEDOUT;
        if (error != EINPROGRESS) {
            leave(pool, error, reason);
            return error;
        }
        lend__lock_release(&pool->lock);
        awake = lend__parker_sleep(&operation->parker, deadline);
    }
}

static void begin_reload(lend_pool *pool, uint32_t unused) {
    (void)unused;
    pool->locked.edition++;
    pool->locked.reloading = true;
}

static void begin_resize(lend_pool *pool, uint32_t models) {
    pool->locked.models = models;
}

static int operate(lend_pool *pool, struct operation *operation,
                   void (*begin)(lend_pool *, uint32_t), uint32_t models, lend_deadline deadline,
                   struct lend_reason *reason) {
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    int error = enter(pool, operation);
    if (error == 0) {
        begin(pool, models);
        lend__pool_survey(pool, &woken);
        lend__pool_settle(pool, &woken);
        lend__parker_wake(&pool->keeper_parker);
    }
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
    return error != 0 ? error : wait_until_done(pool, operation, deadline, reason);
}

/* 0, or why the calling thread may not wait for the menders of this pool. */
static int refusal(lend_pool *pool) {
    if (pool == NULL)
        return EINVAL;
    if (pool_is_foreign(pool))
        return EOWNERDEAD;
    if (lend__pool_runs_here(pool))
        return EDEADLK;
    return lend__thread_self.never_blocks ? EWOULDBLOCK : 0;
}

/* `kept`: how many models may stay as they are, and so be the calling thread's. */
static int operate_shielded(lend_pool *pool, bool (*is_done)(const lend_pool *),
                            void (*begin)(lend_pool *, uint32_t), uint32_t models, uint32_t kept,
                            lend_deadline deadline, struct lend_reason *reason) {
    deadline = deadline_or_default(deadline, pool->options.wait_ms_default);
    struct operation operation = {
        .is_done = is_done,
        .is_stuck = deadline_is_forever(deadline) && lend__pool_held_here(pool) > kept,
    };
    parker_init(&operation.parker);
    int shield = lend__thread_shield();
    int error = operate(pool, &operation, begin, models, deadline, reason);
    lend__thread_unshield(shield);
    parker_deinit(&operation.parker);
    return error;
}

int lend_pool_reload(lend_pool *pool, lend_deadline deadline, struct lend_reason *reason) {
    int error = refusal(pool);
    if (error != 0)
        return error;
    return operate_shielded(pool, is_reloaded, begin_reload, 0, /* kept= */ 0, deadline, reason);
}

int lend_pool_resize(lend_pool *pool, uint32_t models, lend_deadline deadline,
                     struct lend_reason *reason) {
    int error = refusal(pool);
    if (error != 0)
        return error;
    if (models == 0 || models > pool->options.models_max)
        return lend_reason_set(reason, EINVAL, "models is %u, not 1 to models_max, %u", models,
                               pool->options.models_max);
    return operate_shielded(pool, is_resized, begin_resize, models, /* kept= */ models, deadline,
                            reason);
}

void lend__lease_overdue(lend_pool *pool, const struct lend_lease *lease) {
    struct list woken = {0};
    struct slot *slot = &pool->slots[lease->slot];
    lend__lock_acquire(&pool->lock);
    lend__pool_shut(pool);
    if (pool->options.spares > 0 && slot_is_lent(slot, lease->generation)) {
        slot->overdue = true;
        lend__parker_wake(&pool->keeper_parker);
    }
    lend__pool_survey(pool, &woken);
    lend__pool_settle(pool, &woken);
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
}
