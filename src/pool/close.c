/* SPDX-License-Identifier: MIT
 *
 * Close: shut the gate, dismiss the waiters, wait until the pool is drained, free it. A close that
 * gives up leaves the pool shut, and the next one goes on from there. Also the tenants' coming and
 * going, which close waits for. */
#include "base/clock.h"
#include "pool/deadlock.h"
#include "pool/mender.h"
#include "pool/registry.h"
#include "pool/state.h"

/* Become the closer, unless there is one (EALREADY), or this thread would wait for itself. */
static int begin(lend_pool *pool, struct parker *parker, lend_deadline deadline) {
    struct list woken = {0};
    bool is_stuck = deadline_is_forever(deadline) && lend__pool_held_here(pool) > 0;
    lend__lock_acquire(&pool->lock);
    int error = pool->locked.closer != NULL ? EALREADY : is_stuck ? EDEADLK : 0;
    if (error == 0) {
        pool->locked.closer = parker;
        pool->locked.phase = POOL_CLOSING;
        lend__pool_dismiss(pool, VERDICT_CLOSED, &woken);
        lend__pool_settle(pool, &woken);
        lend__parker_wake(&pool->keeper_parker);
        if (pool->locked.operation != NULL)
            lend__parker_wake(pool->locked.operation);
    }
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
    return error;
}

static bool wait_until_drained(lend_pool *pool, struct parker *parker, lend_deadline deadline) {
    for (;;) {
        bool awake = lend__parker_sleep(parker, deadline);
        lend__lock_acquire(&pool->lock);
        bool drained = lend__pool_is_drained(pool);
        lend__lock_release(&pool->lock);
        if (drained || !awake)
            return drained;
    }
}

/* The last that a close which gave up does with the pool: from here on the next one may free it.
 * Wakes come under the lock and only to the closer that is set, so none can come any more. */
static void give_up(lend_pool *pool) {
    lend__lock_acquire(&pool->lock);
    pool->locked.closer = NULL;
    lend__lock_release(&pool->lock);
}

static int close_with(lend_pool *pool, struct parker *parker, lend_deadline deadline,
                      struct lend_report **reterr_report) {
    int64_t began_ns = lend__clock_now_ns();
    int error = begin(pool, parker, deadline);
    if (error != 0)
        return error;
    if (wait_until_drained(pool, parker, deadline)) {
        lend__thread_join(&pool->keeper);
        lend__menders_end(pool);
        lend__registry_remove(pool);
        lend__pool_destroy(pool);
        return 0;
    }
    if (reterr_report != NULL)
        *reterr_report =
            lend__report_take(pool, REPORT_OF_CLOSE, EBUSY, lend__clock_now_ns() - began_ns,
                              /* steps= */ NULL);
    give_up(pool);
    return EBUSY;
}

int lend_pool_close(lend_pool *pool, lend_deadline deadline, struct lend_report **reterr_report) {
    if (pool == NULL)
        return 0;
    if (pool_is_foreign(pool))
        return EOWNERDEAD;
    if (lend__pool_runs_here(pool))
        return EDEADLK;
    if (lend__thread_self.never_blocks)
        return EWOULDBLOCK;
    struct parker parker;
    parker_init(&parker);
    int shield = lend__thread_shield();
    deadline = deadline_or_default(deadline, pool->options.wait_ms_default);
    int error = close_with(pool, &parker, deadline, reterr_report);
    lend__thread_unshield(shield);
    parker_deinit(&parker);
    return error;
}

int lend__pool_enter(lend_pool *pool, struct tenant *tenant) {
    lend__lock_acquire(&pool->lock);
    bool open = pool->locked.phase == POOL_OPEN;
    if (open)
        list_append(&pool->locked.tenants, &tenant->node);
    lend__lock_release(&pool->lock);
    return open ? 0 : ESHUTDOWN;
}

void lend__pool_leave(lend_pool *pool, struct tenant *tenant) {
    lend__lock_acquire(&pool->lock);
    list_remove(&pool->locked.tenants, &tenant->node);
    if (pool->locked.closer != NULL && lend__pool_is_drained(pool))
        lend__parker_wake(pool->locked.closer);
    lend__lock_release(&pool->lock);
}
