/* SPDX-License-Identifier: MIT
 *
 * Submission: a task is made outside the lock, then accepted, refused, left to wait for room, or
 * run on the spot. Once it is accepted it belongs to the executor and the future's owner, and the
 * submitter touches it no more: it may be over and gone. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/options.h"
#include "exec/state.h"

/* Of all jobs in the process. */
static struct word jobs_numbered;

static struct task *new_task(lend_executor *executor, const struct lend_job_spec *spec,
                             const struct lend_site *site, bool dropped) {
    struct task *task = lend__memory_new(sizeof *task);
    if (task == NULL)
        return NULL;
    task->executor = executor;
    task->spec = *spec;
    task->spec.deadline = deadline_or_default(spec->deadline, executor->options.job_ms_default);
    task->site = site;
    task->number = word_next(&jobs_numbered);
    task->future.reason = "";
    task->future.dropped = dropped;
    word_init(&task->future.keepers, dropped ? 0 : 1);
    return task;
}

/* Under the lock: accepted (0), refused, or EINPROGRESS: the submitter queues. A task that is
 * accepted as BORROWING is the caller's to run. */
static int arrive(lend_executor *executor, struct task *task, enum task_stage *ret_stage) {
    const struct lend_executor_options *options = &executor->options;
    *ret_stage = TASK_QUEUED;
    if (executor->locked.phase != EXECUTOR_OPEN)
        return ESHUTDOWN;
    if (options->queue_bytes_max != 0 && task->spec.bytes > options->queue_bytes_max)
        return ENOBUFS;
    if (executor->locked.submitters.length > 0 || !lend__executor_has_room(executor, task)) {
        if (options->when_full == LEND_FULL_REFUSE || lend__thread_self.never_blocks)
            return EAGAIN;
        if (options->when_full == LEND_FULL_WAIT)
            return thread_is_busy_for(executor) ? EDEADLK : EINPROGRESS;
        *ret_stage = TASK_BORROWING;
    }
    lend__executor_accept(executor, task, *ret_stage);
    return 0;
}

/* Until there is room, or the job's deadline, or the executor closes. */
static enum verdict wait_for_room(lend_executor *executor, struct submitter *self,
                                  lend_deadline deadline) {
    bool awake = waiter_sleep(&self->waiter, deadline);
    struct list woken = {0};
    lend__lock_acquire(&executor->lock);
    bool decided = waiter_is_decided(&self->waiter);
    if (!decided) {
        list_remove(&executor->locked.submitters, &self->waiter.node);
        self->waiter.verdict = VERDICT_TIMED_OUT;
        lend__executor_settle(executor, &woken);
    }
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    if (decided && !awake)
        waiter_finish(&self->waiter);
    return self->waiter.verdict;
}

/* The last that a submitter who waited does with the executor. */
static void leave(lend_executor *executor, struct submitter *self, int error) {
    lend__lock_acquire(&executor->lock);
    executor->locked.refused += error != 0;
    list_remove(&executor->locked.visitors, &self->visit);
    lend__executor_is_drained(executor);
    lend__lock_release(&executor->lock);
}

static int wait_and_leave(lend_executor *executor, struct submitter *self, lend_deadline deadline) {
    int error = 0;
    switch (wait_for_room(executor, self, deadline)) {
    case VERDICT_GRANTED:
        break;
    case VERDICT_TIMED_OUT:
        error = ETIMEDOUT;
        break;
    default:
        error = ESHUTDOWN;
    }
    leave(executor, self, error);
    return error;
}

/* 0 or why it was refused. */
static int submit(lend_executor *executor, struct task *task, struct submitter *self,
                  enum task_stage *ret_stage) {
    struct list woken = {0};
    lend_deadline deadline = task->spec.deadline;
    lend__lock_acquire(&executor->lock);
    int error = arrive(executor, task, ret_stage);
    bool waits = error == EINPROGRESS;
    if (waits) {
        list_append(&executor->locked.submitters, &self->waiter.node);
        list_append(&executor->locked.visitors, &self->visit);
    } else {
        executor->locked.refused += error != 0;
        lend__executor_settle(executor, &woken);
    }
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    return waits ? wait_and_leave(executor, self, deadline) : error;
}

static int count_refusal(lend_executor *executor, int error) {
    lend__lock_acquire(&executor->lock);
    executor->locked.refused++;
    lend__lock_release(&executor->lock);
    return error;
}

/* Not to be left by cancellation half way: accepted and nobody told, or with a model. */
static int submit_shielded(lend_executor *executor, struct task *task, lend_future **ret_future) {
    struct submitter self = {.task = task};
    if (waiter_init(&self.waiter) != 0) {
        lend__memory_free(task);
        return count_refusal(executor, ENOMEM);
    }
    int shield = lend__thread_shield();
    enum task_stage stage;
    int error = submit(executor, task, &self, &stage);
    waiter_deinit(&self.waiter);
    if (error != 0)
        lend__memory_free(task);
    if (error == 0 && ret_future != NULL)
        *ret_future = &task->future;
    if (error == 0 && stage == TASK_BORROWING)
        lend__run_task(task);
    lend__thread_unshield(shield);
    return error;
}

int lend_submit_at(lend_executor *executor, const struct lend_job_spec *spec,
                   lend_future **ret_future, const struct lend_site *site) {
    struct lend_job_spec own;
    if (executor == NULL)
        return EINVAL;
    if (executor_is_foreign(executor))
        return EOWNERDEAD;
    int error = lend__options_read(&own, sizeof own, spec);
    if (error == 0 && own.run == NULL)
        error = EINVAL;
    if (error != 0)
        return count_refusal(executor, error);
    struct task *task = new_task(executor, &own, site, /* dropped= */ ret_future == NULL);
    if (task == NULL)
        return count_refusal(executor, ENOMEM);
    return submit_shielded(executor, task, ret_future);
}

int(lend_submit)(lend_executor *executor, const struct lend_job_spec *spec,
                 lend_future **ret_future) {
    return lend_submit_at(executor, spec, ret_future, /* site= */ NULL);
}
