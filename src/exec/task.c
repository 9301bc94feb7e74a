/* SPDX-License-Identifier: MIT
 *
 * How a task is decided, told, finished and freed. */
#include "base/memory.h"
#include "exec/state.h"

struct remarks *lend__task_remarks(struct task *task) {
    if (task->job.remarks == NULL)
        task->job.remarks = lend__memory_new(sizeof *task->job.remarks);
    return task->job.remarks;
}

void lend__task_decide(struct task *task, enum lend_outcome outcome, int error, const char *reason,
                       struct list *woken) {
    struct lend_future *future = &task->future;
    LEND_ASSERT(!task_is_decided(task), "decided a job twice");
    future->error = error;
    future->reason = reason != NULL ? reason : lend_strerror(error);
    task->executor->locked.outcomes[outcome]++;
    lend__task_disarm(task);
    word_publish(&future->outcome, (uint64_t)outcome);
    waiters_decide_all(&future->waiters, VERDICT_GRANTED, woken);
}

void lend__task_stop(struct task *task, int why) {
    if (word_peek(&task->stop) == 0)
        word_publish(&task->stop, (uint64_t)why);
}

void lend__task_disarm(struct task *task) {
    if (task->timer.heap != NULL)
        lend__heap_remove(task->timer.heap, &task->timer);
}

void lend__task_free(struct task *task) {
    void *value = (void *)(uintptr_t)word_peek(&task->future.value);
    if (value != NULL && task->future.destroy != NULL)
        task->future.destroy(value);
    lend__memory_free(task->job.remarks);
    lend__memory_free(task);
}

bool lend__task_reuse(struct task *task) {
    struct lend_future *future = &task->future;
    const struct lend_job *job = &task->job;
    bool plain = future->error == 0 && word_peek(&future->value) == 0 && job->remarks == NULL &&
                 !job->model_broken && word_peek(&task->stop) == 0;
    if (!plain)
        return false;
    LEND_ASSERT(job->value == NULL, "a job kept its value, and was in time");
    task->runner_tid = 0;
    task->stage = TASK_QUEUED;
    task->watched = false;
    if (task_is_decided(task)) { /* else it is as it was, and with other cores too */
        word_init(&future->outcome, LEND_PENDING);
        word_init(&future->read, 0);
    }
    return true;
}

/* Its runner has let go of the task, which is nobody's any more if it is over, else among the
 * guests until it was told. */
static void leave_runner(struct task *task, bool over) {
    task->stage = TASK_FINISHED;
    if (task->worker == NULL)
        return;
    task->worker->task = NULL;
    task->worker = NULL;
    if (!over)
        list_append(&task->executor->locked.guests, &task->place);
}

/* The swap is the last touch of a task that it makes over, unless it was dropped: the owner may
 * free it from there on. Of the two, one comes second. */
bool lend__task_step(struct task *task, uint64_t steps, struct list *woken) {
    lend_executor *executor = task->executor;
    uint64_t seen = word_read(&task->ends);
    bool over = ((seen | steps) & END_OVER) == END_OVER;
    if ((steps & END_FINISHED) != 0)
        leave_runner(task, over);
    if (over && task->place.list != NULL)
        list_remove(task->place.list, &task->place);
    if (over)
        waiters_decide_all(&task->future.joiners, VERDICT_GRANTED, woken);
    if ((seen & END_DROPPED) != 0) /* nobody else changes it */
        word_publish(&task->ends, seen | steps);
    else
        while (!word_swap(&task->ends, &seen, seen | steps))
            ;
    if (over)
        lend__executor_is_drained(executor);
    return over && (seen & END_DROPPED) != 0;
}

/* A failure that nobody will read any more, and that nobody asked for: a cancel by the owner is no
 * news to anyone. */
static bool is_unread(const struct task *task) {
    const struct lend_future *future = &task->future;
    bool asked_for = future->error == ECANCELED && task_outcome(task) == LEND_CANCELLED;
    return word_peek(&future->read) == 0 && future->error != 0 && !asked_for;
}

static void report_unread(struct task *task) {
    word_poke(&task->future.read, 1);
    lend__executor_event(task->executor, LEND_EVENT_JOB_UNREAD, task, task->future.error,
                         task->future.reason);
}

/* The owner will not be told again: from here on a failure that he has not read is his to report
 * when he drops the future. If he has dropped it already it is this thread's, and what he has read
 * before can be seen. */
static void pass_duty(struct task *task) {
    uint64_t seen = word_read(&task->ends);
    while ((seen & END_DROPPED) == 0)
        if (word_swap(&task->ends, &seen, seen | END_PASSED))
            return;
    if (is_unread(task))
        report_unread(task);
}

static void take_steps(struct task *task, uint64_t steps) {
    struct list woken = {0};
    lend_executor *executor = task->executor;
    if ((steps & END_TOLD) != 0 && is_unread(task))
        pass_duty(task);
    lend__lock_acquire(&executor->lock);
    bool gone = lend__task_step(task, steps, &woken);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    if (gone)
        lend__task_free(task);
}

void lend__task_tell(struct task *task) {
    if (task->done != NULL)
        task->done(&task->future, task->done_argument);
    take_steps(task, END_TOLD);
}

void lend__task_finish(struct task *task) {
    if (task->drop_argument != NULL)
        task->drop_argument(task->argument);
    take_steps(task, END_FINISHED);
}

void lend__task_tell_and_finish(struct task *task) {
    if (task->done != NULL)
        task->done(&task->future, task->done_argument);
    if (task->drop_argument != NULL)
        task->drop_argument(task->argument);
    take_steps(task, END_OVER);
}

static void discard(struct task *task) {
    if (!lend__task_reuse(task) || !stock_give_back(&task->executor->stock, &task->inbox))
        lend__task_free(task);
}

/* While the task is not over, to say so is all: it is freed by who makes it so. */
void lend__task_drop(struct task *task) {
    lend_executor *executor = task->executor;
    uint64_t seen = word_read(&task->ends);
    do
        if ((seen & END_PASSED) != 0 && is_unread(task))
            report_unread(task);
    while (!word_swap(&task->ends, &seen, seen | END_DROPPED));
    if ((seen & END_OVER) == END_OVER)
        discard(task);
    lend__executor_let_go(executor);
}
