/* SPDX-License-Identifier: MIT
 *
 * Operations on a pool that stays open: suspend and resume, reload, resize. Keeper and menders do
 * the work; the calling thread sleeps until it is done or has failed. */
#include "base/clock.h"
#include "base/text.h"
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

/* Reload or resize; all of it under the lock. */
struct operation_kind {
    void (*begin)(lend_pool *pool, uint32_t models);
    bool (*is_done)(const lend_pool *pool);
    void (*add_left)(struct text *text, const lend_pool *pool); /* "; 1 wanted" */
};

/* What a thread in reload or resize waits for; on its stack. */
struct operation {
    struct parker parker;
    const struct operation_kind *kind;
    uint32_t models; /* for `begin` */
    bool is_stuck;   /* it would wait for ever for what its own thread holds */
    uint64_t failures_before;
};

static void begin_reload(lend_pool *pool, uint32_t unused) {
    (void)unused;
    pool->locked.edition++;
    pool->locked.reloading = true;
}

static uint32_t count_old(const lend_pool *pool) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        enum slot_state state = slot_state(&pool->slots[i]);
        count += state != SLOT_ABSENT && pool->slots[i].edition != pool->locked.edition;
    }
    return count;
}

static bool is_reloaded(const lend_pool *pool) {
    return count_old(pool) == 0;
}

static void add_old(struct text *text, const lend_pool *pool) {
    lend__text_add(text, "; %u not renewed", count_old(pool));
}

static void begin_resize(lend_pool *pool, uint32_t models) {
    pool->locked.models = models;
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

static void add_wanted(struct text *text, const lend_pool *pool) {
    lend__text_add(text, "; %u wanted", pool->locked.models);
}

static const struct operation_kind reload = {begin_reload, is_reloaded, add_old};
static const struct operation_kind resize = {begin_resize, is_resized, add_wanted};

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
    if (operation->kind->is_done(pool))
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

static int tell(struct lend_reason *reason, int error) {
    return error != 0 ? lend_reason_set(reason, error, "%s", lend_strerror(error)) : 0;
}

/* Under the lock: "the deadline passed first: 3 of 3 lent; 1 wanted" */
static void tell_what_is_left(const lend_pool *pool, const struct operation *operation,
                              struct lend_reason *reason) {
    struct text text = text_into(reason->text, sizeof reason->text);
    reason->error = ETIMEDOUT;
    lend__text_add(&text, "%s: ", lend_strerror(ETIMEDOUT));
    lend__text_add_states(&text, pool);
    operation->kind->add_left(&text, pool);
}

/* Under the lock: what has come of it, in words. */
static void explain(const lend_pool *pool, const struct operation *operation, int error,
                    struct lend_reason *reason) {
    if (error == EIO)
        *reason = pool->locked.loader;
    else if (error == ETIMEDOUT)
        tell_what_is_left(pool, operation, reason);
    else
        tell(reason, error);
}

/* The last that the thread does with the pool. */
static void leave(lend_pool *pool) {
    struct list woken = {0};
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
            explain(pool, operation, error, reason);
            leave(pool);
            return error;
        }
        lend__lock_release(&pool->lock);
        awake = lend__parker_sleep(&operation->parker, deadline);
    }
}

static int operate(lend_pool *pool, struct operation *operation, lend_deadline deadline,
                   struct lend_reason *reason) {
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    int error = enter(pool, operation);
    if (error == 0) {
        operation->kind->begin(pool, operation->models);
        lend__pool_survey(pool, &woken);
        lend__pool_settle(pool, &woken);
        lend__parker_wake(&pool->keeper_parker);
    }
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
    return error != 0 ? tell(reason, error) : wait_until_done(pool, operation, deadline, reason);
}

/* 0, or why the calling thread may not wait for the menders of this pool. */
static int refusal(lend_pool *pool, struct lend_reason *reason) {
    if (pool == NULL)
        return lend_reason_set(reason, EINVAL, "pool is NULL");
    if (pool_is_foreign(pool))
        return tell(reason, EOWNERDEAD);
    if (lend__pool_runs_here(pool))
        return tell(reason, EDEADLK);
    return tell(reason, lend__thread_self.never_blocks ? EWOULDBLOCK : 0);
}

/* `kept`: how many models may stay as they are, and so be the calling thread's. */
static int operate_shielded(lend_pool *pool, const struct operation_kind *kind, uint32_t models,
                            uint32_t kept, lend_deadline deadline, struct lend_reason *reason) {
    struct lend_reason unread;
    deadline = deadline_or_default(deadline, pool->options.wait_ms_default);
    struct operation operation = {
        .kind = kind,
        .models = models,
        .is_stuck = deadline_is_forever(deadline) && lend__pool_held_here(pool) > kept,
    };
    parker_init(&operation.parker);
    int shield = lend__thread_shield();
    int error = operate(pool, &operation, deadline, reason != NULL ? reason : &unread);
    lend__thread_unshield(shield);
    parker_deinit(&operation.parker);
    return error;
}

int lend_pool_reload(lend_pool *pool, lend_deadline deadline, struct lend_reason *reason) {
    int error = refusal(pool, reason);
    if (error != 0)
        return error;
    return operate_shielded(pool, &reload, /* models= */ 0, /* kept= */ 0, deadline, reason);
}

int lend_pool_resize(lend_pool *pool, uint32_t models, lend_deadline deadline,
                     struct lend_reason *reason) {
    int error = refusal(pool, reason);
    if (error != 0)
        return error;
    if (models == 0 || models > pool->options.models_max)
        return lend_reason_set(reason, EINVAL, "models is %u, not 1 to models_max, %u", models,
                               pool->options.models_max);
    return operate_shielded(pool, &resize, models, /* kept= */ models, deadline, reason);
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
