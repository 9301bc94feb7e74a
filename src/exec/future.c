/* SPDX-License-Identifier: MIT
 *
 * Futures: the owner's face of a task. */
#include "base/clock.h"
#include "exec/deadlock.h"

static bool future_is_foreign(const lend_future *future) {
    return executor_is_foreign(task_of_future(future)->executor);
}

/* Sleep in one of the task's two queues. The future's owner keeps the task, and the task its
 * executor's lock. */
static void sleep_in(struct task *task, struct list *queue, struct waiter *self,
                     lend_deadline deadline) {
    if (waiter_sleep(self, deadline))
        return;
    lend__lock_acquire(&task->executor->lock);
    bool decided = waiter_is_decided(self);
    if (!decided) {
        list_remove(queue, &self->node);
        self->verdict = VERDICT_TIMED_OUT;
    }
    lend__lock_release(&task->executor->lock);
    if (decided)
        waiter_finish(self);
}

/* The same in sight of the watch, if others may be waiting for this thread. */
static int wait_in(struct task *task, struct list *queue, struct waiter *self,
                   lend_deadline deadline) {
    struct wait wait;
    bool shown = thread_may_be_awaited();
    if (shown)
        lend__future_wait_show(task, queue, self, deadline, &wait);
    sleep_in(task, queue, self, deadline);
    if (shown)
        lend__future_wait_hide(task, &wait);
    if (self->verdict == VERDICT_TIMED_OUT)
        return ETIMEDOUT;
    return self->verdict == VERDICT_DEADLOCK ? EDEADLK : 0;
}

/* A worker that waits for a job in its own executor's queue may be the one that would have to run
 * it: it does so now, if it can. */
static void help(struct task *task) {
    lend__lock_acquire(&task->executor->lock);
    bool queued = task->stage == TASK_QUEUED && !task_is_decided(task);
    lend__lock_release(&task->executor->lock);
    if (queued)
        lend__help_task(task);
}

static bool is_there(const struct task *task, bool until_over) {
    return until_over ? task_is_over(task) : task_is_decided(task);
}

/* In the right queue, unless it has come to pass meanwhile. */
static int queue_and_wait(struct task *task, bool until_over, lend_deadline deadline) {
    struct list *queue = until_over ? &task->future.joiners : &task->future.waiters;
    struct waiter self;
    waiter_init(&self);
    lend__lock_acquire(&task->executor->lock);
    bool there = is_there(task, until_over);
    if (!there)
        list_append(queue, &self.node);
    lend__lock_release(&task->executor->lock);
    int error = there ? 0 : wait_in(task, queue, &self, deadline);
    waiter_deinit(&self);
    return error;
}

/* While runs are short it is there before this thread could sleep for it. */
static bool comes_at_once(const struct task *task, bool until_over) {
    int64_t since_ns = 0;
    bool there;
    while (!(there = is_there(task, until_over)) && executor_spins(task->executor, &since_ns))
        ;
    return there;
}

static int wait_shielded(struct task *task, bool until_over, lend_deadline deadline) {
    if (thread_is_busy_for(task->executor) && !deadline_is_now(deadline))
        help(task);
    if (is_there(task, until_over))
        return 0;
    if (thread_is_busy_with(task))
        return EDEADLK;
    if (deadline_is_now(deadline))
        return EBUSY;
    if (lend__thread_self.never_blocks)
        return EWOULDBLOCK;
    if (comes_at_once(task, until_over))
        return 0;
    deadline = deadline_or_default(deadline, task->executor->options.job_ms_default);
    return queue_and_wait(task, until_over, deadline);
}

static int wait_for(lend_future *future, bool until_over, lend_deadline deadline) {
    struct task *task = task_of_future(future);
    if (executor_is_foreign(task->executor))
        return EOWNERDEAD;
    if (is_there(task, until_over))
        return 0;
    int shield = lend__thread_shield();
    int error = wait_shielded(task, until_over, deadline);
    lend__thread_unshield(shield);
    return error;
}

int lend_future_wait(lend_future *future, lend_deadline deadline) {
    return future != NULL ? wait_for(future, /* until_over= */ false, deadline) : EINVAL;
}

int lend_future_join(lend_future *future, lend_deadline deadline) {
    return future != NULL ? wait_for(future, /* until_over= */ true, deadline) : EINVAL;
}

/* Constant since before there was a future: neither a lock nor the process matters. */
uint64_t lend_future_number(const lend_future *future) {
    return future != NULL ? task_of_future(future)->number : 0;
}

/* What is decided, as it stands now, and note that it was read. */
static void read_future(lend_future *future, enum lend_outcome *ret_outcome, int *ret_error,
                        const char **ret_reason) {
    if (future_is_foreign(future)) {
        *ret_outcome = LEND_FAILED;
        *ret_error = EOWNERDEAD;
        *ret_reason = lend_strerror(EOWNERDEAD);
        return;
    }
    *ret_outcome = task_outcome(task_of_future(future));
    *ret_error = EBUSY;
    *ret_reason = "";
    if (*ret_outcome == LEND_PENDING)
        return;
    *ret_error = future->error;
    *ret_reason = future->reason;
    word_poke(&future->read, 1);
}

enum lend_outcome lend_future_outcome(lend_future *future) {
    enum lend_outcome outcome = LEND_FAILED;
    int error;
    const char *reason;
    if (future != NULL)
        read_future(future, &outcome, &error, &reason);
    return outcome;
}

int lend_future_error(lend_future *future) {
    enum lend_outcome outcome;
    int error = EINVAL;
    const char *reason;
    if (future != NULL)
        read_future(future, &outcome, &error, &reason);
    return error;
}

const char *lend_future_reason(lend_future *future) {
    enum lend_outcome outcome;
    int error;
    const char *reason = "";
    if (future != NULL)
        read_future(future, &outcome, &error, &reason);
    return reason;
}

/* The value comes with the outcome. */
void *lend_future_peek(lend_future *future) {
    if (future == NULL || future_is_foreign(future) || !task_is_decided(task_of_future(future)))
        return NULL;
    return (void *)(uintptr_t)word_read(&future->value);
}

void *lend_future_take(lend_future *future) {
    if (future == NULL || future_is_foreign(future) || !task_is_decided(task_of_future(future)))
        return NULL;
    uint64_t value = word_read(&future->value);
    while (value != 0 && !word_swap(&future->value, &value, 0))
        ;
    return (void *)(uintptr_t)value;
}

/* Under the lock. */
static int cancel(struct task *task, struct list *woken) {
    lend__executor_absorb(task->executor, woken);
    if (task_is_decided(task))
        return EALREADY;
    if (task->stage == TASK_QUEUED) {
        lend__executor_give_up(task->executor, task, LEND_CANCELLED, ECANCELED,
                               /* reason= */ NULL, woken);
        return 0;
    }
    if (task->stage == TASK_BORROWING) {
        lend__task_decide(task, LEND_CANCELLED, ECANCELED, /* reason= */ NULL, woken);
        lend__acquire_cancel(task->executor->options.pool, &task->borrow_cancel);
        return 0;
    }
    LEND_ASSERT(task->stage == TASK_RUNNING, "a job returned and was not decided");
    lend__task_stop(task, ECANCELED);
    return EINPROGRESS;
}

int lend_future_cancel(lend_future *future) {
    if (future == NULL)
        return EINVAL;
    if (future_is_foreign(future))
        return EOWNERDEAD;
    struct list woken = {0};
    struct task *task = task_of_future(future);
    if (task_is_decided(task))
        return EALREADY;
    lend__lock_acquire(&task->executor->lock);
    int error = cancel(task, &woken);
    lend__executor_settle(task->executor, &woken);
    lend__lock_release(&task->executor->lock);
    lend__waiters_wake(&woken);
    return error;
}

void lend_future_drop(lend_future *future) {
    if (future == NULL || future_is_foreign(future))
        return;
    int shield = lend__thread_shield();
    lend__future_forget(future);
    lend__thread_unshield(shield);
}
