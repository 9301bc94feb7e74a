/* SPDX-License-Identifier: MIT
 *
 * What a mender does with its chore. Between two operations it looks at the pool again: whether the
 * slot still wants a model may have changed while the first one ran, however long that took. */
#include "pool/mender.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/probe.h"
#include "pool/keeper.h"
#include "pool/loader.h"
#include "pool/state.h"

/* the work on a slot, under the lock */

/* It has returned. The keeper looks at what comes next: whether that is late in its turn, or when a
 * slot that is LOST is due. */
static void end_work(struct mender *mender) {
    struct slot *slot = mender->chore.slot;
    slot->work = WORK_NONE;
    slot->stuck = false;
    lend__parker_wake(&mender->pool->keeper_parker);
}

static void begin_work(struct mender *mender, enum slot_work work) {
    struct slot *slot = mender->chore.slot;
    slot->work = work;
    slot->work_since_ns = lend__clock_now_ns();
    if (work == WORK_LOAD)
        mender->chore.edition = mender->pool->locked.edition;
}

void lend__mender_begin(struct mender *mender, enum chore_kind kind, struct slot *slot) {
    static const enum slot_work first[] = {
        [CHORE_REPLACE] = WORK_LOAD, [CHORE_RENEW] = WORK_LOAD, [CHORE_CHECK] = WORK_CHECK};
    mender->state = MENDER_BUSY;
    mender->chore = (struct chore){.kind = kind, .slot = slot};
    begin_work(mender, slot_state(slot) == SLOT_RETIRING ? WORK_UNLOAD : first[kind]);
    lend__parker_wake(&mender->parker);
}

/* Is there another one that could take the next chore? */
static bool is_redundant(const struct mender *self) {
    const struct list_node *node = self->pool->locked.menders.first;
    for (; node != NULL; node = node->next) {
        const struct mender *mender = list_entry(node, struct mender, node);
        if (mender != self && (mender->state == MENDER_IDLE || mender_is_working(mender)))
            return true;
    }
    return false;
}

/* The slot, in its new state and with its work ended, is nobody's now. True as lend__pool_tend has
 * it. */
static bool end_chore(struct mender *mender, struct list *woken) {
    lend_deadline until;
    lend_pool *pool = mender->pool;
    mender->chore = (struct chore){0};
    mender->state = is_redundant(mender) ? MENDER_LEAVING : MENDER_IDLE;
    return lend__pool_tend(pool, woken, &until);
}

/* After the lock. Somebody may have waited for a slot that is gone, though nobody began to wait. */
static void conclude(struct list *woken, bool gone) {
    lend__waiters_wake(woken);
    if (gone)
        lend__watch_review();
}

/* Under the lock: the loader works, so what it failed at before is tried again before long. */
static void hasten(lend_pool *pool) {
    int64_t now_ns = lend__clock_now_ns();
    int64_t soon_ns = now_ns + lend__pause_ns(1, now_ns);
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        struct slot *slot = &pool->slots[i];
        if (slot_state(slot) != SLOT_LOST || slot->failures == 0)
            continue;
        slot->failures = 1;
        if (slot->retry_at_ns > soon_ns)
            slot->retry_at_ns = soon_ns;
    }
}

/* Under the lock: a model for the slot; to be lent, or unloaded again if it came so late that there
 * is no use for it any more. */
static void fill(struct mender *mender, void *model) {
    lend_pool *pool = mender->pool;
    struct slot *slot = mender->chore.slot;
    slot->model = model;
    pool->locked.loads++;
    lend__slot_stamp(slot, mender->chore.edition);
    hasten(pool);
    PROBE(load, pool->name, (int)(slot - pool->slots));
    lend__pool_move(pool, slot, lend__pool_has_surplus(pool) ? SLOT_RETIRING : SLOT_FREE);
}

static void note_failure(lend_pool *pool, const struct lend_reason *reason) {
    PROBE(load_failed, pool->name, -1);
    pool->locked.load_failures++;
    pool->locked.loader = *reason;
}

/* the chores */

static void unload(const lend_pool *pool, void *model) {
    pool->ops.unload(model, pool->options.ops_context);
}

/* Unload what is there, if anything is. False, and the chore is over, if the slot wants no other
 * model. */
static bool empty(struct mender *mender) {
    lend_pool *pool = mender->pool;
    struct slot *slot = mender->chore.slot;
    struct list woken = {0};
    bool gone = false;
    if (slot->model == NULL)
        return true;
    unload(pool, slot->model);
    lend__lock_acquire(&pool->lock);
    end_work(mender);
    slot->model = NULL;
    bool refills = pool->locked.phase == POOL_OPEN && !lend__pool_is_oversized(pool);
    if (refills) {
        lend__pool_move(pool, slot, SLOT_LOADING);
        begin_work(mender, WORK_LOAD);
        lend__pool_survey(pool, &woken);
        lend__pool_settle(pool, &woken);
    } else {
        lend__pool_move(pool, slot, SLOT_ABSENT);
        gone = true;
        end_chore(mender, &woken);
    }
    lend__lock_release(&pool->lock);
    conclude(&woken, gone);
    return refills;
}

static void replace(struct mender *mender) {
    lend_pool *pool = mender->pool;
    struct slot *slot = mender->chore.slot;
    void *model = NULL;
    struct lend_reason reason;
    struct list woken = {0};
    if (!empty(mender))
        return;
    int error = lend__model_load(pool, &model, &reason);
    lend__lock_acquire(&pool->lock);
    end_work(mender);
    if (error == 0) {
        fill(mender, model);
    } else {
        int64_t now_ns = lend__clock_now_ns();
        note_failure(pool, &reason);
        slot->failures++;
        slot->retry_at_ns = now_ns + lend__pause_ns(slot->failures, now_ns);
        lend__pool_move(pool, slot, SLOT_LOST);
    }
    bool gone = end_chore(mender, &woken);
    lend__lock_release(&pool->lock);
    conclude(&woken, gone);
    lend__pool_event(pool, error == 0 ? LEND_EVENT_MODEL_REPLACED : LEND_EVENT_LOAD_FAILED, error,
                     (int)(slot - pool->slots), /* site= */ NULL, error == 0 ? "" : reason.text);
}

/* Unload the model that another one is there for already. */
static void unload_old(struct mender *mender) {
    lend_pool *pool = mender->pool;
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    end_work(mender);
    begin_work(mender, WORK_UNLOAD);
    lend__pool_survey(pool, &woken);
    lend__pool_settle(pool, &woken);
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
    unload(pool, mender->chore.slot->model);
}

/* The new one first; if there is none, the old one stays, and the reload is over. */
static void renew(struct mender *mender) {
    lend_pool *pool = mender->pool;
    void *model = NULL;
    struct lend_reason reason;
    struct list woken = {0};
    int error = lend__model_load(pool, &model, &reason);
    if (error == 0)
        unload_old(mender);
    lend__lock_acquire(&pool->lock);
    end_work(mender);
    if (error == 0) {
        fill(mender, model);
    } else {
        note_failure(pool, &reason);
        lend__reload_end(pool);
        lend__pool_move(pool, mender->chore.slot, SLOT_FREE);
    }
    bool gone = end_chore(mender, &woken);
    lend__lock_release(&pool->lock);
    conclude(&woken, gone);
}

static void check(struct mender *mender) {
    lend_pool *pool = mender->pool;
    struct slot *slot = mender->chore.slot;
    struct lend_reason reason = {0};
    struct list woken = {0};
    int error = pool->ops.check(slot->model, pool->options.ops_context, &reason);
    if (error != 0)
        lend__pool_event(pool, LEND_EVENT_CHECK_FAILED, error, (int)(slot - pool->slots),
                         /* site= */ NULL, reason.text);
    lend__lock_acquire(&pool->lock);
    end_work(mender);
    slot->checked_ns = lend__clock_now_ns(); /* an interval may be shorter than a coarse tick */
    pool->locked.broken += error != 0;
    lend__pool_move(pool, slot, error == 0 ? SLOT_FREE : SLOT_RETIRING);
    bool gone = end_chore(mender, &woken);
    lend__lock_release(&pool->lock);
    conclude(&woken, gone);
}

/* the thread */

/* CHORE_NONE: the thread is to end, and does not touch the pool any more. */
static enum chore_kind await_chore(struct mender *mender) {
    lend_pool *pool = mender->pool;
    for (;;) {
        lend__lock_acquire(&pool->lock);
        bool idle = mender->state == MENDER_IDLE;
        enum chore_kind kind = mender->chore.kind;
        if (mender->state == MENDER_LEAVING) {
            mender->state = MENDER_LEFT;
            lend__parker_wake(&pool->keeper_parker);
        }
        lend__lock_release(&pool->lock);
        if (!idle)
            return kind;
        lend__parker_sleep(&mender->parker, LEND_FOREVER);
    }
}

static void mend(void *argument) {
    static void (*const chores[])(struct mender *) = {
        [CHORE_REPLACE] = replace, [CHORE_RENEW] = renew, [CHORE_CHECK] = check};
    struct mender *mender = argument;
    for (enum chore_kind kind; (kind = await_chore(mender)) != CHORE_NONE;)
        chores[kind](mender);
}

int lend__mender_hire(lend_pool *pool) {
    struct mender *mender = lend__memory_new(sizeof *mender);
    if (mender == NULL)
        return ENOMEM;
    mender->pool = pool;
    parker_init(&mender->parker);
    if (lend__thread_start(&mender->thread, "lend-mender", mend, mender) != 0) {
        parker_deinit(&mender->parker);
        lend__memory_free(mender);
        return ENOMEM;
    }
    lend__lock_acquire(&pool->lock);
    list_append(&pool->locked.menders, &mender->node);
    lend__lock_release(&pool->lock);
    return 0;
}

void lend__mender_part(struct mender *mender) {
    lend_pool *pool = mender->pool;
    lend__thread_join(&mender->thread);
    lend__lock_acquire(&pool->lock);
    list_remove(&pool->locked.menders, &mender->node);
    lend__lock_release(&pool->lock);
    parker_deinit(&mender->parker);
    lend__memory_free(mender);
}

/* The first of them is told to leave if it is idle, and may have left before. */
static struct mender *dismiss_first(lend_pool *pool) {
    struct mender *mender = NULL;
    lend__lock_acquire(&pool->lock);
    const struct list_node *node = pool->locked.menders.first;
    if (node != NULL) {
        mender = list_entry(node, struct mender, node);
        LEND_ASSERT(mender->state != MENDER_BUSY, "ended a mender that is busy");
        if (mender->state == MENDER_IDLE)
            mender->state = MENDER_LEAVING;
        lend__parker_wake(&mender->parker);
    }
    lend__lock_release(&pool->lock);
    return mender;
}

void lend__menders_end(lend_pool *pool) {
    for (struct mender *mender; (mender = dismiss_first(pool)) != NULL;)
        lend__mender_part(mender);
}
