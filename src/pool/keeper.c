/* SPDX-License-Identifier: MIT
 *
 * The keeper: brings the number of slots to what is wanted, has the menders replace what is
 * RETIRING or LOST, renew what is of an older edition and check what was idle for long, notices
 * when one of them does not come back from it, and looks at the alarms. A slot whose load failed is
 * tried again after a pause that doubles from 100 ms to 30 s, give or take a quarter, so that many
 * pools do not try in step.
 *
 * What is done next is decided under the lock wherever something ends: by the keeper, and by a
 * mender that ends its chore and may so go on with the next at once. */
#include "pool/keeper.h"

#include "base/clock.h"
#include "base/text.h"
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

/* Take the first idle slot that suits off the stack and into this state; NULL if there is none. */
static struct slot *take_idle(lend_pool *pool, enum slot_state state,
                              bool (*suits)(const struct slot *, const void *),
                              const void *argument) {
    idle_set_gate(&pool->idle, true);
    uint32_t index = idle_find(&pool->idle, pool->slots, suits, argument);
    if (index == IDLE_NONE)
        return NULL;
    idle_remove(&pool->idle, pool->slots, index);
    slot_become(&pool->slots[index], state);
    return &pool->slots[index];
}

/* A slot in this state that nobody works on. */
static struct slot *find_state(const lend_pool *pool, enum slot_state state) {
    for (uint32_t i = 0; i < pool->slot_count; i++)
        if (slot_state(&pool->slots[i]) == state && pool->slots[i].work == WORK_NONE)
            return &pool->slots[i];
    return NULL;
}

/* Too many: what has no model first, then what is to lose it anyway, then an idle one; else the
 * next that comes back. True if one is gone. */
static bool remove_excess(lend_pool *pool) {
    bool gone = false;
    for (struct slot *slot; lend__pool_is_oversized(pool); gone = true) {
        slot = find_state(pool, SLOT_LOST);
        if (slot == NULL)
            break;
        slot_become(slot, SLOT_ABSENT);
    }
    if (lend__pool_is_oversized(pool) && find_state(pool, SLOT_RETIRING) == NULL)
        take_idle(pool, SLOT_RETIRING, is_any, NULL);
    return gone;
}

/* Too few: absent ones become lost, and due at once. */
static void add_missing(lend_pool *pool) {
    uint32_t present = lend__pool_present(pool), wanted = lend__pool_wanted(pool);
    for (; present < wanted; present++) {
        struct slot *slot = find_state(pool, SLOT_ABSENT);
        slot->failures = 0;
        slot->retry_at_ns = 0;
        slot_become(slot, SLOT_LOST);
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
            slot_become(slot, SLOT_LOADING);
        lend__mender_begin(mender, CHORE_REPLACE, slot);
    } else if (pool->locked.reloading && (slot = find_old(pool)) != NULL) {
        lend__mender_begin(mender, CHORE_RENEW, slot);
    } else if ((slot = find_unchecked(pool, now_ns, until)) != NULL) {
        lend__mender_begin(mender, CHORE_CHECK, slot);
    }
}

bool lend__pool_tend(lend_pool *pool, struct list *woken, lend_deadline *ret_until) {
    bool gone = false;
    *ret_until = LEND_FOREVER;
    lend__operation_settle(pool);
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

/* menders that do not come back */

/* What the keeper has to do after a region under the lock. */
struct findings {
    lend_deadline until; /* when to look again */
    struct slot *stuck;  /* the work on it is late, from now on, or NULL */
    struct lend_reason reason;
    struct mender *left; /* to be joined, or NULL */
    bool gone;           /* as lend__pool_tend has it */
    bool hires;          /* another mender is needed */
};

static uint32_t count_stuck(const lend_pool *pool) {
    uint32_t stuck = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        stuck += pool->slots[i].stuck;
    return stuck;
}

/* Under the lock: this slot's model is not counted on any more. */
static void give_up_on(lend_pool *pool, struct slot *slot, struct findings *findings) {
    char words[32];
    struct text text = text_into(words, sizeof words);
    lend__text_add_duration(&text, pool->options.load_alarm_ms * NS_PER_MS);
    lend_reason_set(&findings->reason, ETIMEDOUT, "%s %s has not returned for %s",
                    slot->work == WORK_UNLOAD ? "an" : "a", lend__work_words(slot->work), words);
    slot->stuck = true;
    pool->locked.loader = findings->reason;
    findings->stuck = slot;
}

/* When the work on this slot is late. */
static lend_deadline late_at(const lend_pool *pool, const struct slot *slot) {
    int64_t alarm_ms = pool->options.load_alarm_ms;
    return alarm_ms < 0 ? LEND_FOREVER
                        : (lend_deadline){slot->work_since_ns + alarm_ms * NS_PER_MS};
}

/* Under the lock: one that is late and was not known to be, one that has left. */
static void look_at_menders(lend_pool *pool, int64_t now_ns, struct findings *findings) {
    struct list_node *node = pool->locked.menders.first;
    for (; node != NULL; node = node->next) {
        struct mender *mender = list_entry(node, struct mender, node);
        if (mender->state == MENDER_LEFT)
            findings->left = mender;
        if (mender_is_working(mender) && late_at(pool, mender->chore.slot).at_ns <= now_ns &&
            findings->stuck == NULL)
            give_up_on(pool, mender->chore.slot, findings);
    }
}

/* Under the lock: when the first of those that work will be late. */
static lend_deadline first_late(const lend_pool *pool) {
    lend_deadline first = LEND_FOREVER;
    const struct list_node *node = pool->locked.menders.first;
    for (; node != NULL; node = node->next) {
        const struct mender *mender = list_entry(node, struct mender, node);
        if (mender_is_working(mender))
            first = lend_deadline_earlier(first, late_at(pool, mender->chore.slot));
    }
    return first;
}

/* Under the lock: all menders are stuck, and there is something left to do for another. */
static bool lacks_mender(const lend_pool *pool) {
    const struct list_node *node = pool->locked.menders.first;
    for (; node != NULL; node = node->next) {
        const struct mender *mender = list_entry(node, struct mender, node);
        if (mender->state == MENDER_IDLE || mender_is_working(mender))
            return false;
    }
    return count_stuck(pool) < pool->slot_count;
}

/* Under the lock. `hire_at_ns`, the keeper's own: another mender is not hired before. */
static void look_at_all(lend_pool *pool, int64_t *hire_at_ns, struct findings *findings,
                        struct list *woken) {
    int64_t now_ns = lend__clock_now_ns();
    look_at_menders(pool, now_ns, findings);
    if (findings->stuck != NULL)
        *hire_at_ns = now_ns + lend__pause_ns(count_stuck(pool), now_ns);
    findings->gone = lend__pool_tend(pool, woken, &findings->until);
    findings->until = lend_deadline_earlier(findings->until, first_late(pool));
    if (!lacks_mender(pool))
        return;
    findings->hires = *hire_at_ns <= now_ns;
    findings->until = lend_deadline_earlier(findings->until, (lend_deadline){*hire_at_ns});
}

/* False once the pool closes. */
static bool look(lend_pool *pool, int64_t *hire_at_ns, struct findings *findings) {
    struct list woken = {0};
    *findings = (struct findings){0};
    lend__lock_acquire(&pool->lock);
    bool over = pool->locked.phase != POOL_OPEN;
    if (!over)
        look_at_all(pool, hire_at_ns, findings, &woken);
    lend__lock_release(&pool->lock);
    waiters_wake(&woken);
    return !over;
}

/* Without the lock. True if there was anything to do, so that it is time to look again. */
static bool act(lend_pool *pool, int64_t *hire_at_ns, const struct findings *findings) {
    if (findings->gone)
        lend__watch_review();
    if (findings->left != NULL)
        lend__mender_part(findings->left);
    if (findings->stuck != NULL)
        lend__pool_event(pool, LEND_EVENT_LOAD_STUCK, findings->reason.error,
                         (int)(findings->stuck - pool->slots), /* site= */ NULL,
                         findings->reason.text);
    if (findings->hires && lend__mender_hire(pool) != 0) {
        int64_t now_ns = lend__clock_now_ns();
        *hire_at_ns = now_ns + lend__pause_ns(1, now_ns);
    }
    return findings->left != NULL || findings->stuck != NULL || findings->hires;
}

void lend__pool_keep(void *argument) {
    lend_pool *pool = argument;
    int64_t hire_at_ns = 0;
    for (struct findings findings; look(pool, &hire_at_ns, &findings);) {
        if (act(pool, &hire_at_ns, &findings))
            continue;
        lend_deadline until = lend_deadline_earlier(findings.until, lend__alarms_look(pool));
        lend__parker_sleep(&pool->keeper_parker, until);
    }
}

bool lend__pool_runs_here(lend_pool *pool) {
    lend__lock_acquire(&pool->lock);
    bool here = lend__thread_is_self(&pool->keeper);
    const struct list_node *node = pool->locked.menders.first;
    for (; node != NULL && !here; node = node->next)
        here = lend__thread_is_self(&list_entry(node, struct mender, node)->thread);
    lend__lock_release(&pool->lock);
    return here;
}

const char *lend__work_words(enum slot_work work) {
    switch (work) {
    case WORK_LOAD:
        return "load";
    case WORK_CHECK:
        return "check";
    case WORK_UNLOAD:
        return "unload";
    case WORK_NONE:
        return "";
    }
    return "";
}
