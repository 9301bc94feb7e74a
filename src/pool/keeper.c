/* SPDX-License-Identifier: MIT
 *
 * The keeper notices when work on a slot is late, hires and parts with menders, and looks at the
 * alarms and the tick. */
#include "pool/keeper.h"

#include "base/clock.h"
#include "base/text.h"
#include "pool/mender.h"
#include "pool/state.h"

/* What the keeper has to do after a region under the lock. */
struct findings {
    lend_deadline until; /* when to look again */
    struct slot *stuck;  /* the work on it is late, from now on, or NULL */
    struct lend_reason reason;
    struct mender *left; /* to be joined, or NULL */
    bool gone;           /* as lend__pool_tend has it */
    bool hires;          /* another mender is needed */
};

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

/* Under the lock: nobody is there for the next chore, and there may be another mender. */
static bool lacks_mender(const lend_pool *pool) {
    const struct list_node *node = pool->locked.menders.first;
    for (; node != NULL; node = node->next) {
        const struct mender *mender = list_entry(node, struct mender, node);
        if (mender->state == MENDER_IDLE || mender_is_working(mender))
            return false;
    }
    return pool->locked.menders.length < pool->slot_count;
}

/* Under the lock. `hire_at_ns`, the keeper's own: another mender is not hired before. */
static void look_at_all(lend_pool *pool, int64_t *hire_at_ns, struct findings *findings,
                        struct list *woken) {
    int64_t now_ns = lend__clock_now_ns();
    look_at_menders(pool, now_ns, findings);
    if (findings->stuck != NULL)
        *hire_at_ns = now_ns + lend__pause_ns(lend__pool_stuck(pool), now_ns);
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
    lend__waiters_wake(&woken);
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
        until = lend_deadline_earlier(until, lend__tick_look(pool));
        until = lend_deadline_earlier(until, lend__requests_expire(pool));
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
