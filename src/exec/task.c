/* SPDX-License-Identifier: MIT
 *
 * How a task is decided, told, finished and freed. */
#include "base/clock.h"
#include "base/memory.h"
#include "exec/state.h"

void lend__task_decide(struct task *task, enum lend_outcome outcome, int error, const char *reason,
                       struct list *woken) {
    struct lend_future *future = &task->future;
    LEND_ASSERT(!task_is_decided(task), "decided a job twice");
    future->outcome = outcome;
    future->error = error;
    future->reason = reason != NULL ? reason : error != 0 ? lend_strerror(error) : "";
    task->executor->locked.outcomes[outcome]++;
    lend__task_disarm(task);
    waiters_decide_all(&future->waiters, VERDICT_GRANTED, woken);
}

void lend__task_stop(struct task *task, int why) {
    if (word_peek(&task->stop) == 0)
        word_publish(&task->stop, (uint64_t)why);
}

/* The timekeeper is woken only for a deadline that is earlier than all it knows of: with the usual
 * patience that is the first job's, and then one in as many seconds. */
void lend__task_arm(struct task *task) {
    lend_executor *executor = task->executor;
    if (deadline_is_forever(task->spec.deadline))
        return;
    lend__heap_insert(&executor->locked.timers, &task->timer, task->spec.deadline.at_ns);
    if (task->timer.key < executor->locked.alarm_ns)
        lend__parker_wake(&executor->alarm);
}

void lend__task_disarm(struct task *task) {
    if (task->timer.heap != NULL)
        lend__heap_remove(task->timer.heap, &task->timer);
}

static bool is_over(const struct task *task) {
    return task->stage == TASK_FINISHED && task->told;
}

/* A failure that nobody will read any more, and that nobody asked for: a cancel by the owner is no
 * news to anyone. */
static bool is_unread(const struct task *task) {
    const struct lend_future *future = &task->future;
    return !future->read && future->error != 0 && future->error != ECANCELED;
}

/* Under the lock, after `stage`, `told` or `dropped` changed. True if the task is to be freed. */
static bool settle_end(struct task *task, struct list *woken) {
    lend_executor *executor = task->executor;
    if (!is_over(task))
        return false;
    if (task->place.list == &executor->locked.live) {
        list_remove(&executor->locked.live, &task->place);
        list_append(&executor->locked.kept, &task->place);
        waiters_decide_all(&task->future.joiners, VERDICT_GRANTED, woken);
        lend__executor_is_drained(executor);
    }
    if (!task->future.dropped)
        return false;
    list_remove(&executor->locked.kept, &task->place);
    return true;
}

enum step { STEP_TOLD, STEP_FINISHED, STEP_DROPPED };

/* `told` and `dropped` are two halves of one condition, that nobody will read the outcome any more:
 * who comes second reports a failure, before it says so itself and the task can go away. */
static bool leaves_unread(const struct task *task, enum step step) {
    switch (step) {
    case STEP_TOLD:
        return task->future.dropped && is_unread(task);
    case STEP_DROPPED:
        return task->told && is_unread(task);
    case STEP_FINISHED:
        return false;
    }
    return false;
}

/* One of the three steps to the end of a task. The last one frees it, and the last task of a
 * closed executor takes that along. */
static void take_step(struct task *task, enum step step) {
    struct list woken = {0};
    lend_executor *executor = task->executor;
    lend__lock_acquire(&executor->lock);
    if (leaves_unread(task, step)) {
        task->future.read = true;
        lend__lock_release(&executor->lock);
        lend__executor_event(executor, LEND_EVENT_JOB_UNREAD, task, task->future.error,
                             task->future.reason);
        lend__lock_acquire(&executor->lock);
    }
    switch (step) {
    case STEP_TOLD:
        task->told = true;
        break;
    case STEP_FINISHED:
        task->stage = TASK_FINISHED;
        break;
    case STEP_DROPPED:
        task->future.dropped = true;
        break;
    }
    bool gone = settle_end(task, &woken);
    bool last =
        gone && executor->locked.phase == EXECUTOR_CLOSED && executor->locked.kept.length == 0;
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    if (gone) {
        if (task->future.value != NULL && task->future.destroy != NULL)
            task->future.destroy(task->future.value);
        lend__memory_free(task);
    }
    if (last)
        lend__executor_free(executor);
}

void lend__task_tell(struct task *task) {
    if (task->spec.done != NULL)
        task->spec.done(&task->future, task->spec.done_argument);
    take_step(task, STEP_TOLD);
}

void lend__task_finish(struct task *task) {
    if (task->spec.drop_argument != NULL)
        task->spec.drop_argument(task->spec.argument);
    take_step(task, STEP_FINISHED);
}

void lend__task_drop(struct task *task) {
    take_step(task, STEP_DROPPED);
}
