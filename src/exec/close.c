/* SPDX-License-Identifier: MIT
 *
 * Close, in two phases: work off what was accepted until the deadline, then cancel what has not
 * started and tell what runs to stop. A close that gives up leaves it at that, and the next one
 * goes on from there. */
#include "base/clock.h"
#include "base/memory.h"
#include "exec/state.h"

/* Become the closer. EALREADY if there is one. */
static int begin(lend_executor *executor, struct parker *parker) {
    struct list woken = {0};
    lend__lock_acquire(&executor->lock);
    int error = executor->locked.closer != NULL ? EALREADY : 0;
    if (error == 0) {
        executor->locked.closer = parker;
        if (executor->locked.phase == EXECUTOR_OPEN)
            executor->locked.phase = EXECUTOR_DRAINING;
        waiters_decide_all(&executor->locked.submitters, VERDICT_CLOSED, &woken);
        lend__executor_settle(executor, &woken);
    }
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    return error;
}

static bool wait_until_drained(lend_executor *executor, struct parker *parker,
                               lend_deadline deadline) {
    for (bool awake = true;;) {
        lend__lock_acquire(&executor->lock);
        bool drained = lend__executor_is_drained(executor);
        lend__lock_release(&executor->lock);
        if (drained || !awake)
            return drained;
        awake = lend__parker_sleep(parker, deadline);
    }
}

struct stop {
    lend_executor *executor;
    struct list *woken;
};

static bool stop_task(struct task *task, void *argument) {
    struct stop *stop = argument;
    if (task_is_decided(task))
        return true;
    if (task->stage == TASK_BORROWING) {
        lend__task_decide(task, LEND_CANCELLED, ESHUTDOWN, CLOSED_WORDS, stop->woken);
        lend__acquire_cancel(stop->executor->options.pool, &task->borrow_cancel);
    } else {
        lend__task_stop(task, ESHUTDOWN);
    }
    return true;
}

/* Nothing is started from here on; who has entered and not pushed yet has its job given up when it
 * comes. */
static void stop_all(lend_executor *executor) {
    struct list woken = {0};
    struct stop stop = {executor, &woken};
    lend__lock_acquire(&executor->lock);
    lend__executor_absorb(executor, &woken);
    executor->locked.phase = EXECUTOR_STOPPING;
    for (struct list_node *node; (node = executor->locked.queue.first) != NULL;)
        lend__executor_give_up(executor, list_entry(node, struct task, place), LEND_CANCELLED,
                               ESHUTDOWN, CLOSED_WORDS, &woken);
    lend__executor_each_out(executor, stop_task, &stop);
    lend__executor_settle(executor, &woken);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
}

/* After the last wake: nobody else touches the parker once it is not the closer's. */
static void give_up_closing(lend_executor *executor) {
    lend__lock_acquire(&executor->lock);
    executor->locked.closer = NULL;
    lend__lock_release(&executor->lock);
}

void lend__executor_end_threads(lend_executor *executor, uint32_t workers) {
    struct list woken = {0};
    lend__lock_acquire(&executor->lock);
    executor->locked.phase = EXECUTOR_ENDING;
    struct worker *sentry = executor->locked.sentry;
    if (sentry != NULL && inbox_recall(&executor->inbox, sentry))
        list_append(&woken, &sentry->waiter.node);
    for (struct list_node *node; (node = list_pop(&executor->locked.idle)) != NULL;)
        list_append(&woken, node);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    lend__parker_wake(&executor->alarm);
    for (uint32_t i = 0; i < workers; i++) {
        if (!executor->workers[i].is_gone)
            lend__thread_join(&executor->workers[i].thread);
        parker_deinit(&executor->workers[i].parker);
    }
    lend__thread_join(&executor->timekeeper);
    lend__memory_free(executor->workers);
    executor->workers = NULL;
}

/* All that is left is the memory, and that only for as long as somebody has a future. */
static void finish(lend_executor *executor) {
    lend__directory_remove(executor);
    lend__executor_end_threads(executor, executor->options.workers);
    lend__pool_leave(executor->options.pool, &executor->tenant);
    lend__lock_acquire(&executor->lock);
    executor->locked.closer = NULL;
    executor->locked.phase = EXECUTOR_CLOSED;
    lend__lock_release(&executor->lock);
    lend__executor_let_go(executor);
}

static int close_with(lend_executor *executor, struct parker *parker, lend_deadline deadline) {
    int error = begin(executor, parker);
    if (error != 0)
        return error;
    bool drained = wait_until_drained(executor, parker, deadline);
    if (!drained) {
        stop_all(executor);
        drained = wait_until_drained(executor, parker, lend_within_ms(STOP_GRACE_MS));
    }
    if (drained)
        finish(executor);
    else
        give_up_closing(executor);
    return drained ? 0 : EBUSY;
}

int lend_executor_close(lend_executor *executor, lend_deadline deadline) {
    if (executor == NULL)
        return 0;
    if (executor_is_foreign(executor))
        return EOWNERDEAD;
    if (thread_is_busy_for(executor))
        return EDEADLK;
    if (lend__thread_self.never_blocks)
        return EWOULDBLOCK;
    struct parker parker;
    parker_init(&parker);
    int shield = lend__thread_shield();
    deadline = deadline_or_default(deadline, executor->options.job_ms_default);
    int error = close_with(executor, &parker, deadline);
    lend__thread_unshield(shield);
    parker_deinit(&parker);
    return error;
}
