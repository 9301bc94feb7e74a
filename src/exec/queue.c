/* SPDX-License-Identifier: MIT
 *
 * The executor's rules under its lock: whose turn it is, for whom there is room, what is given up.
 * Everything here is called with executor->lock held. */
#include "base/clock.h"
#include "exec/state.h"

static void enqueue(lend_executor *executor, struct task *task) {
    list_append(&executor->locked.queue, &task->turn);
    executor->locked.queue_bytes += task->spec.bytes;
}

static void dequeue(lend_executor *executor, struct task *task) {
    list_remove(&executor->locked.queue, &task->turn);
    executor->locked.queue_bytes -= task->spec.bytes;
}

bool lend__executor_has_room(const lend_executor *executor, const struct task *task) {
    const struct lend_executor_options *options = &executor->options;
    if (executor->locked.queue.length >= options->queue_max)
        return false;
    return options->queue_bytes_max == 0 ||
           task->spec.bytes <= options->queue_bytes_max - executor->locked.queue_bytes;
}

void lend__executor_accept(lend_executor *executor, struct task *task, enum task_stage stage) {
    executor->locked.accepted++;
    list_append(&executor->locked.live, &task->place);
    task->stage = stage;
    task->accepted_ns = lend__clock_now_ns();
    if (stage == TASK_QUEUED) {
        enqueue(executor, task);
        lend__task_arm(task);
    } else {
        task->runner_tid = owner_tid(thread_owner());
    }
}

void lend__executor_take(lend_executor *executor, struct task *task, uint32_t runner_tid) {
    dequeue(executor, task);
    lend__task_disarm(task);
    task->stage = TASK_BORROWING;
    task->runner_tid = runner_tid;
}

/* The oldest queued job to the worker that was busy last: its caches are warm. */
static void hand_over(lend_executor *executor, struct list *woken) {
    struct task *task = list_entry(executor->locked.queue.first, struct task, turn);
    struct worker *worker = list_entry(executor->locked.idle.last, struct worker, waiter.node);
    lend__executor_take(executor, task, worker->tid);
    task->worker = worker;
    worker->task = task;
    waiter_decide(&worker->waiter, VERDICT_GRANTED, &executor->locked.idle, woken);
}

/* The submitter who waits longest, if its job fits. */
static bool let_in(lend_executor *executor, struct list *woken) {
    struct list *submitters = &executor->locked.submitters;
    if (submitters->length == 0)
        return false;
    struct submitter *first = list_entry(submitters->first, struct submitter, waiter.node);
    if (!lend__executor_has_room(executor, first->task))
        return false;
    lend__executor_accept(executor, first->task, TASK_QUEUED);
    waiter_decide(&first->waiter, VERDICT_GRANTED, submitters, woken);
    return true;
}

void lend__executor_settle(lend_executor *executor, struct list *woken) {
    do {
        while (executor->locked.idle.length > 0 && executor->locked.queue.length > 0)
            hand_over(executor, woken);
    } while (let_in(executor, woken));
}

void lend__executor_give_up(lend_executor *executor, struct task *task, enum lend_outcome outcome,
                            int error, const char *reason, struct list *woken) {
    dequeue(executor, task);
    list_append(&executor->locked.given_up, &task->turn);
    lend__task_decide(task, outcome, error, reason, woken);
    lend__parker_wake(&executor->alarm);
}

bool lend__executor_is_drained(lend_executor *executor) {
    bool drained = executor->locked.live.length == 0 && executor->locked.visitors.length == 0;
    if (drained && executor->locked.closer != NULL)
        lend__parker_wake(executor->locked.closer);
    return drained;
}
