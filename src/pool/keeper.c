/* SPDX-License-Identifier: MIT
 *
 * The keeper: the pool's one background thread. It brings the number of slots to what is wanted,
 * replaces what is RETIRING or LOST, renews what is of an older edition and checks what was idle
 * for long: one at a time, so that a pool never does without more than one model for it. A slot
 * whose load failed is tried again after a pause that doubles from 100 ms to 30 s, give or take a
 * quarter, so that many pools do not try in step. */
#include "base/clock.h"
#include "base/probe.h"
#include "pool/loader.h"
#include "pool/state.h"

#define PAUSE_MIN_NS (100 * NS_PER_MS)
#define PAUSE_MAX_NS (30 * NS_PER_S)

/* The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
 * OOPSLA 2014) over the clock: all the randomness that a pause needs. */
static uint64_t scramble(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* After `failures` in a row. */
static int64_t pause_ns(uint32_t failures, int64_t now_ns) {
    int64_t pause = PAUSE_MIN_NS;
    for (uint32_t i = 1; i < failures && pause < PAUSE_MAX_NS; i++)
        pause *= 2;
    pause = pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS;
    return pause - pause / 4 + (int64_t)(scramble((uint64_t)now_ns) % (uint64_t)(pause / 2));
}

enum chore_kind {
    CHORE_NONE,
    CHORE_REPLACE, /* a RETIRING or LOST slot: unload, load */
    CHORE_DISMISS, /* a RETIRING or LOST slot too many: unload */
    CHORE_RENEW,   /* a LOADING slot with its old model: load, unload */
    CHORE_CHECK,   /* likewise: check */
};

struct chore {
    enum chore_kind kind;
    struct slot *slot;
    lend_deadline until; /* CHORE_NONE: when to look again */
};

static bool is_old(const struct slot *slot, const void *pool) {
    return slot->edition != ((const lend_pool *)pool)->locked.edition;
}

static bool is_unchecked(const struct slot *slot, const void *deadline_ns) {
    return slot->checked_ns <= *(const int64_t *)deadline_ns;
}

static bool is_any(const struct slot *slot, const void *nothing) {
    (void)slot;
    (void)nothing;
    return true;
}

/* Take the first idle slot that suits into this state; NULL if there is none. */
static struct slot *take_idle(lend_pool *pool, enum slot_state state,
                              bool (*suits)(const struct slot *, const void *),
                              const void *argument) {
    lend__pool_shut(pool);
    struct list_node *node = pool->locked.idle.first;
    while (node != NULL && !suits(list_entry(node, struct slot, entry), argument))
        node = node->next;
    if (node == NULL)
        return NULL;
    struct slot *slot = list_entry(node, struct slot, entry);
    lend__pool_move(pool, slot, state);
    return slot;
}

static struct slot *find_state(const lend_pool *pool, enum slot_state state) {
    for (uint32_t i = 0; i < pool->slot_count; i++)
        if (slot_state(&pool->slots[i]) == state)
            return &pool->slots[i];
    return NULL;
}

/* Too many: what has no working model first, then an idle one; else the next that comes back. */
static struct slot *find_excess(lend_pool *pool) {
    struct slot *slot = find_state(pool, SLOT_LOST);
    if (slot == NULL)
        slot = find_state(pool, SLOT_RETIRING);
    return slot != NULL ? slot : take_idle(pool, SLOT_RETIRING, is_any, NULL);
}

/* Too few: absent ones become lost, and due at once. */
static void add_missing(lend_pool *pool) {
    for (uint32_t missing = lend__pool_wanted(pool) - lend__pool_present(pool); missing > 0;
         missing--) {
        struct slot *slot = find_state(pool, SLOT_ABSENT);
        slot->failures = 0;
        slot->retry_at_ns = 0;
        lend__pool_move(pool, slot, SLOT_LOST);
    }
}

static struct chore find_replacement(const lend_pool *pool, int64_t now_ns) {
    struct chore chore = {.until = LEND_FOREVER};
    for (uint32_t i = 0; i < pool->slot_count && chore.kind == CHORE_NONE; i++) {
        struct slot *slot = &pool->slots[i];
        enum slot_state state = slot_state(slot);
        if (state == SLOT_RETIRING || (state == SLOT_LOST && slot->retry_at_ns <= now_ns))
            chore = (struct chore){.kind = CHORE_REPLACE, .slot = slot};
        else if (state == SLOT_LOST)
            chore.until = lend_deadline_earlier(chore.until, (lend_deadline){slot->retry_at_ns});
    }
    return chore;
}

static struct slot *find_old(lend_pool *pool) {
    struct slot *slot = pool->locked.claimed;
    pool->locked.claimed = NULL;
    return slot != NULL ? slot : take_idle(pool, SLOT_LOADING, is_old, pool);
}

/* When the next check is due is not worth finding out: it is looked for four times an interval. */
static struct slot *find_unchecked(lend_pool *pool, int64_t now_ns, lend_deadline *until) {
    int64_t every_ns = pool->options.check_every_ms * NS_PER_MS;
    if (every_ns == 0 || pool->ops.check == NULL)
        return NULL;
    int64_t before_ns = now_ns - every_ns;
    *until = lend_deadline_earlier(*until, (lend_deadline){now_ns + every_ns / 4});
    return take_idle(pool, SLOT_LOADING, is_unchecked, &before_ns);
}

/* Under the lock: what to do next. */
static struct chore find_chore(lend_pool *pool) {
    int64_t now_ns = lend__clock_now_ns();
    struct slot *slot = NULL;
    if (lend__pool_present(pool) > lend__pool_wanted(pool))
        slot = find_excess(pool);
    else
        add_missing(pool);
    if (slot != NULL)
        return (struct chore){.kind = CHORE_DISMISS, .slot = slot};
    struct chore chore = find_replacement(pool, now_ns);
    if (chore.kind != CHORE_NONE)
        return chore;
    if (pool->locked.reloading && (slot = find_old(pool)) != NULL)
        return (struct chore){.kind = CHORE_RENEW, .slot = slot};
    if ((slot = find_unchecked(pool, now_ns, &chore.until)) != NULL)
        return (struct chore){.kind = CHORE_CHECK, .slot = slot};
    return chore;
}

static bool pick(lend_pool *pool, struct chore *ret_chore) {
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    bool over = pool->locked.phase != POOL_OPEN;
    if (!over) {
        *ret_chore = find_chore(pool);
        pool->locked.mending = ret_chore->slot;
        lend__pool_survey(pool, &woken);
        lend__pool_settle(pool, &woken);
        lend__operation_settle(pool);
    }
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
    return !over;
}

static void end_chore(lend_pool *pool, struct list *woken) {
    pool->locked.mending = NULL;
    lend__pool_survey(pool, woken);
    lend__pool_settle(pool, woken);
    lend__operation_settle(pool);
}

static void unload(const lend_pool *pool, void *model) {
    if (model != NULL)
        pool->ops.unload(model, pool->options.ops_context);
}

/* Unload what is there; the slot goes on without a model. */
static void empty(lend_pool *pool, struct slot *slot, enum slot_state next) {
    struct list woken = {0};
    unload(pool, slot->model);
    lend__lock_acquire(&pool->lock);
    slot->model = NULL;
    lend__pool_move(pool, slot, next);
    if (next == SLOT_ABSENT)
        end_chore(pool, &woken);
    else
        lend__pool_survey(pool, &woken);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
    if (next == SLOT_ABSENT)
        lend__watch_review(); /* somebody may have waited for it, though nobody began to wait */
}

/* Under the lock: the loader works, so what it failed at before is tried again before long. */
static void hasten(lend_pool *pool) {
    int64_t soon_ns = lend__clock_now_ns() + PAUSE_MIN_NS;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        struct slot *slot = &pool->slots[i];
        if (slot_state(slot) != SLOT_LOST || slot->failures == 0)
            continue;
        slot->failures = 1;
        if (slot->retry_at_ns > soon_ns)
            slot->retry_at_ns = soon_ns;
    }
}

/* Under the lock: a model for the slot, into the stack with it. */
static void fill(lend_pool *pool, struct slot *slot, void *model) {
    slot->model = model;
    pool->locked.loads++;
    lend__slot_stamp(pool, slot);
    hasten(pool);
    PROBE(load, pool->name, (int)(slot - pool->slots));
    lend__pool_move(pool, slot, SLOT_FREE);
}

static void note_failure(lend_pool *pool, const struct lend_reason *reason) {
    PROBE(load_failed, pool->name, -1);
    pool->locked.load_failures++;
    pool->locked.loader = *reason;
}

static void replace(lend_pool *pool, struct slot *slot) {
    void *model = NULL;
    struct lend_reason reason;
    struct list woken = {0};
    empty(pool, slot, SLOT_LOADING);
    int error = lend__model_load(pool, &model, &reason);
    lend__lock_acquire(&pool->lock);
    if (error == 0) {
        fill(pool, slot, model);
    } else {
        int64_t now_ns = lend__clock_now_ns();
        note_failure(pool, &reason);
        slot->failures++;
        slot->retry_at_ns = now_ns + pause_ns(slot->failures, now_ns);
        lend__pool_move(pool, slot, SLOT_LOST);
    }
    end_chore(pool, &woken);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
    lend__pool_event(pool, error == 0 ? LEND_EVENT_MODEL_REPLACED : LEND_EVENT_LOAD_FAILED, error,
                     (int)(slot - pool->slots), /* site= */ NULL, error == 0 ? "" : reason.text);
}

/* The new one first; if there is none, the old one stays, and the reload is over. */
static void renew(lend_pool *pool, struct slot *slot) {
    void *model = NULL, *old = NULL;
    struct lend_reason reason;
    struct list woken = {0};
    int error = lend__model_load(pool, &model, &reason);
    lend__lock_acquire(&pool->lock);
    if (error == 0) {
        old = slot->model;
        fill(pool, slot, model);
    } else {
        note_failure(pool, &reason);
        pool->locked.reloading = false;
        lend__pool_move(pool, slot, SLOT_FREE);
    }
    end_chore(pool, &woken);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
    unload(pool, old);
}

static void check(lend_pool *pool, struct slot *slot) {
    struct lend_reason reason = {0};
    struct list woken = {0};
    int index = (int)(slot - pool->slots);
    int error = pool->ops.check(slot->model, pool->options.ops_context, &reason);
    if (error != 0)
        lend__pool_event(pool, LEND_EVENT_CHECK_FAILED, error, index, /* site= */ NULL,
                         reason.text);
    lend__lock_acquire(&pool->lock);
    slot->checked_ns = lend__clock_coarse_ns();
    pool->locked.broken += error != 0;
    lend__pool_move(pool, slot, error == 0 ? SLOT_FREE : SLOT_RETIRING);
    end_chore(pool, &woken);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
}

void lend__pool_keep(void *argument) {
    lend_pool *pool = argument;
    for (struct chore chore = {0}; pick(pool, &chore);) {
        if (chore.kind != CHORE_NONE)
            word_poke(&pool->tick_ns, 0); /* that may take long */
        switch (chore.kind) {
        case CHORE_REPLACE:
            replace(pool, chore.slot);
            break;
        case CHORE_DISMISS:
            empty(pool, chore.slot, SLOT_ABSENT);
            break;
        case CHORE_RENEW:
            renew(pool, chore.slot);
            break;
        case CHORE_CHECK:
            check(pool, chore.slot);
            break;
        case CHORE_NONE:
            chore.until = lend_deadline_earlier(chore.until, lend__alarms_look(pool));
            chore.until = lend_deadline_earlier(chore.until, lend__tick_look(pool));
            chore.until = lend_deadline_earlier(chore.until, lend__requests_expire(pool));
            lend__parker_sleep(&pool->keeper_parker, chore.until);
        }
    }
}
