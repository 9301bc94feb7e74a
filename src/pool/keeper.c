/* SPDX-License-Identifier: MIT
 *
 * The keeper: the pool's one background thread. It unloads what is RETIRING and loads a model in
 * its place; if that fails the slot is LOST, and tried again after a pause that doubles from 100 ms
 * to 30 s, give or take a quarter, so that many pools do not try in step. */
#include "base/clock.h"
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

/* The slot to mend now, or NULL: nothing until *ret_until, or nothing more once *ret_over. */
static struct slot *pick(lend_pool *pool, lend_deadline *ret_until, bool *ret_over) {
    int64_t now_ns = lend__clock_now_ns();
    struct slot *found = NULL;
    *ret_until = LEND_FOREVER;
    lend__lock_acquire(&pool->lock);
    *ret_over = pool->locked.phase != POOL_OPEN;
    for (uint32_t i = 0; i < pool->options.models && found == NULL && !*ret_over; i++) {
        struct slot *slot = &pool->slots[i];
        enum slot_state state = slot_state(slot);
        if (state == SLOT_RETIRING || (state == SLOT_LOST && slot->retry_at_ns <= now_ns))
            found = slot;
        else if (state == SLOT_LOST)
            *ret_until = lend_deadline_earlier(*ret_until, (lend_deadline){slot->retry_at_ns});
    }
    pool->locked.mending = found;
    lend__lock_release(&pool->lock);
    return found;
}

static void begin_loading(lend_pool *pool, struct slot *slot) {
    if (slot->model != NULL)
        pool->ops.unload(slot->model, pool->options.ops_context);
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    slot->model = NULL;
    slot_become(slot, SLOT_LOADING);
    lend__pool_judge(pool, &woken);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
}

static void end_loading(lend_pool *pool, struct slot *slot, void *model,
                        const struct lend_reason *reason) {
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    if (model != NULL) {
        slot->model = model;
        slot->failures = 0;
        pool->locked.loads++;
        slot_become(slot, SLOT_FREE);
        idle_put(&pool->idle, pool->slots, (uint32_t)(slot - pool->slots), IDLE_UNDER_LOCK);
    } else {
        int64_t now_ns = lend__clock_now_ns();
        slot->failures++;
        slot->retry_at_ns = now_ns + pause_ns(slot->failures, now_ns);
        pool->locked.load_failures++;
        pool->locked.loader = *reason;
        slot_become(slot, SLOT_LOST);
    }
    pool->locked.mending = NULL;
    lend__pool_judge(pool, &woken);
    lend__pool_settle(pool, &woken);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
}

static void mend(lend_pool *pool, struct slot *slot) {
    int index = (int)(slot - pool->slots);
    void *model = NULL;
    struct lend_reason reason;
    begin_loading(pool, slot);
    int error = lend__model_load(pool, &model, &reason);
    end_loading(pool, slot, model, &reason);
    lend__pool_event(pool, error == 0 ? LEND_EVENT_MODEL_REPLACED : LEND_EVENT_LOAD_FAILED, error,
                     index, /* site= */ NULL, error == 0 ? "" : reason.text);
}

void lend__pool_keep(void *argument) {
    lend_pool *pool = argument;
    for (;;) {
        lend_deadline until;
        bool over;
        struct slot *slot = pick(pool, &until, &over);
        if (over)
            return;
        if (slot != NULL)
            mend(pool, slot);
        else
            lend__parker_sleep(&pool->keeper_parker, until);
    }
}
