/* SPDX-License-Identifier: MIT
 *
 * The timekeeper: the executor's one background thread. It answers each deadline on time, wherever
 * the job is, and tells and finishes the tasks that were given up before anybody began them. */
#include "base/clock.h"
#include "exec/state.h"

/* Under the lock: a run that was told to stop gets a little time before its model counts as out for
 * an unknown time. */
static void give_grace(lend_executor *executor, struct task *task) {
    lend__heap_insert(&executor->locked.timers, &task->timer,
                      task->spec.deadline.at_ns + STOP_GRACE_MS * NS_PER_MS);
}

/* Under the lock: a timer has gone off. True if the timekeeper is to tell the job's owner at once,
 * false if it is among those given up, or was told before. */
static bool expire(lend_executor *executor, struct task *task, struct list *woken) {
    lend__task_disarm(task);
    switch (task->stage) {
    case TASK_QUEUED:
        lend__executor_give_up(executor, task, LEND_EXPIRED, ETIMEDOUT,
                               "the deadline passed before a worker was free", woken);
        lend__executor_settle(executor, woken);
        return false;
    case TASK_RUNNING:
        if (task_is_decided(task)) {
            lend__lease_overdue(executor->options.pool, &task->lease);
            return false;
        }
        lend__task_stop(task, ETIMEDOUT);
        lend__task_decide(task, LEND_EXPIRED, ETIMEDOUT, "the deadline passed while it ran", woken);
        give_grace(executor, task);
        return true;
    case TASK_BORROWING:
    case TASK_RETURNED:
    case TASK_FINISHED:
        LEND_ASSERT(false, "a timer went off for a job that has none");
    }
    return false;
}

/* Under the lock: the next task to answer, RUNNING and decided just now or out of `given_up`, or
 * NULL if there is none before *ret_until. */
static struct task *pick(lend_executor *executor, lend_deadline *ret_until, struct list *woken) {
    int64_t now_ns = lend__clock_now_ns();
    struct heap_node *top;
    while ((top = executor->locked.timers.top) != NULL && top->key <= now_ns) {
        struct task *task = list_entry(top, struct task, timer);
        if (expire(executor, task, woken))
            return task;
    }
    *ret_until = top != NULL ? (lend_deadline){top->key} : LEND_FOREVER;
    struct list_node *node = list_pop(&executor->locked.given_up);
    return node != NULL ? list_entry(node, struct task, turn) : NULL;
}

/* One task, or one sleep. False when the executor ends. */
static bool keep_time(lend_executor *executor) {
    struct list woken = {0};
    lend_deadline until = LEND_NOW;
    lend__lock_acquire(&executor->lock);
    executor->locked.alarm_ns = INT64_MIN;
    struct task *task = pick(executor, &until, &woken);
    bool runs = task != NULL && task->stage == TASK_RUNNING;
    bool ending = executor->locked.phase == EXECUTOR_ENDING;
    if (task == NULL && !ending)
        executor->locked.alarm_ns = until.at_ns;
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);

    if (task != NULL) {
        struct errand errand;
        thread_errand_begin(&errand, executor, task);
        lend__task_tell(task);
        if (!runs)
            lend__task_finish(task);
        thread_errand_end(&errand);
    } else if (!ending) {
        lend__parker_sleep(&executor->alarm, until);
    }
    return task != NULL || !ending;
}

void lend__timekeeper_main(void *argument) {
    lend_executor *executor = argument;
    while (keep_time(executor))
        ;
}
