/* SPDX-License-Identifier: MIT
 *
 * What there is to do for a pool: bring the number of slots to what is wanted, replace what is
 * RETIRING or LOST, renew what is of an older edition, check what was idle for long. It is decided
 * under the lock wherever something ends: by the keeper, and by a mender that ends its chore and
 * may so go on with the next at once.
 *
 * A slot whose load failed is tried again after a pause that doubles from 100 ms to 30 s, give or
 * take a quarter, so that many pools do not try in step. */
#include "base/clock.h"
#include "pool/keeper.h"
#include "pool/mender.h"
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

int64_t lend__pause_ns(uint32_t failures, int64_t now_ns) {
    int64_t pause = PAUSE_MIN_NS;
    for (uint32_t i = 1; i < failures && pause < PAUSE_MAX_NS; i++)
        pause *= 2;
    pause = pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS;
    return pause - pause / 4 + (int64_t)(scramble((uint64_t)now_ns) % (uint64_t)(pause / 2));
}

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

/* A slot in this state, LOST or ABSENT: nobody works on it then (MENDED). */
static struct slot *find_state(const lend_pool *pool, enum slot_state state) {
    for (uint32_t i = 0; i < pool->slot_count; i++)
        if (slot_state(&pool->slots[i]) == state)
            return &pool->slots[i];
    return NULL;
}

/* Too many: what is LOST goes at once, what is RETIRING or being loaded when that is over; if that
 * is not enough, idle ones, and then those that come back. True if one is gone. */
static bool remove_excess(lend_pool *pool) {
    bool gone = false;
    for (struct slot *slot; lend__pool_is_oversized(pool); gone = true) {
        slot = find_state(pool, SLOT_LOST);
        if (slot == NULL)
            break;
        lend__pool_move(pool, slot, SLOT_ABSENT);
    }
    while (lend__pool_has_surplus(pool) && take_idle(pool, SLOT_RETIRING, is_any, NULL) != NULL)
        ;
    return gone;
}

/* Too few: absent ones become lost, and due at once. */
static void add_missing(lend_pool *pool) {
    uint32_t present = lend__pool_present(pool), wanted = lend__pool_wanted(pool);
    for (; present < wanted; present++) {
        struct slot *slot = find_state(pool, SLOT_ABSENT);
        slot->failures = 0;
        slot->retry_at_ns = 0;
        lend__pool_move(pool, slot, SLOT_LOST);
    }
}

static struct slot *find_replaceable(const lend_pool *pool, int64_t now_ns, lend_deadline *until) {
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        struct slot *slot = &pool->slots[i];
        enum slot_state state = slot_state(slot);
        if (slot->work != WORK_NONE)
            continue;
        if (state == SLOT_RETIRING || (state == SLOT_LOST && slot->retry_at_ns <= now_ns))
            return slot;
        if (state == SLOT_LOST)
            *until = lend_deadline_earlier(*until, (lend_deadline){slot->retry_at_ns});
    }
    return NULL;
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

/* The mender that may be given a chore: NULL if one is working, or none is idle. */
static struct mender *find_mender(const lend_pool *pool) {
    struct mender *idle = NULL;
    const struct list_node *node = pool->locked.menders.first;
    for (; node != NULL; node = node->next) {
        struct mender *mender = list_entry(node, struct mender, node);
        if (mender_is_working(mender))
            return NULL;
        if (mender->state == MENDER_IDLE)
            idle = mender;
    }
    return idle;
}

static void give_chore(lend_pool *pool, struct mender *mender, lend_deadline *until) {
    struct slot *slot;
    int64_t now_ns = lend__clock_now_ns();
    if ((slot = find_replaceable(pool, now_ns, until)) != NULL) {
        if (slot_state(slot) == SLOT_LOST)
            lend__pool_move(pool, slot, SLOT_LOADING);
        lend__mender_begin(mender, CHORE_REPLACE, slot);
    } else if (pool->locked.reloading && (slot = find_old(pool)) != NULL) {
        lend__mender_begin(mender, CHORE_RENEW, slot);
    } else if ((slot = find_unchecked(pool, now_ns, until)) != NULL) {
        lend__mender_begin(mender, CHORE_CHECK, slot);
    }
}

/* Who waits comes first: an idle model is renewed or checked only if nobody has a use for it. */
bool lend__pool_tend(lend_pool *pool, struct list *woken, lend_deadline *ret_until) {
    bool gone = false;
    *ret_until = LEND_FOREVER;
    lend__operation_settle(pool);
    lend__pool_survey(pool, woken);
    lend__pool_settle(pool, woken);
    if (pool->locked.phase == POOL_OPEN) {
        struct mender *mender = find_mender(pool);
        gone = remove_excess(pool);
        add_missing(pool);
        if (mender != NULL)
            give_chore(pool, mender, ret_until);
    }
    lend__pool_survey(pool, woken);
    lend__pool_settle(pool, woken);
    return gone;
}

const char *lend__work_words(enum slot_work work) {
    static const char *const words[] = {
        [WORK_NONE] = "", [WORK_UNLOAD] = "unload", [WORK_LOAD] = "load", [WORK_CHECK] = "check"};
    return words[work];
}
