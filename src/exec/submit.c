/* SPDX-License-Identifier: MIT
 *
 * Submission: a task is made, then enters and is pushed, which is all if there is room and nobody
 * waits for it (inbox.h); else, under the lock, it is accepted, refused, left to wait for room, or
 * run on the spot. Once it is accepted it belongs to the executor and the future's owner, and the
 * submitter touches neither it nor the executor any more: both may be over and gone. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/options.h"
#include "exec/state.h"

/* Of all jobs in the process. */
static _Alignas(CACHE_LINE) struct word jobs_numbered;

/* Reading the clock costs as much as all else in a submission. So while runs are short, jobs are
 * timed for the histograms at the beginning, and then one of so many in place of all. */
#define TIMED_FIRST 64
#define TIMED_SHARE 16

/* A patience by default that is as long as this need not be exact to the tick. */
#define LONG_PATIENCE_MS 1000

/* For how many jobs the one counts before which so many have entered; 0: it is not timed. */
static uint32_t counts_for(const lend_executor *executor, uint64_t before) {
    if (!executor_hurries(executor) || before < TIMED_FIRST)
        return 1;
    return before % TIMED_SHARE == 0 ? TIMED_SHARE : 0;
}

/* When it was accepted, and its deadline if it was given none. A patience that is short is counted
 * from now, a long one from the tick that is to come. */
static void stamp(struct task *task, uint32_t count) {
    int64_t ms = task->executor->options.job_ms_default;
    bool is_short = task->deadline.at_ns == 0 && ms >= 0 && ms < LONG_PATIENCE_MS;
    bool exact = count != 0 || is_short;
    int64_t now_ns = exact ? lend__clock_now_ns() : lend__clock_coarse_ns();
    int64_t from_ns = exact ? now_ns : now_ns + CLOCK_TICK_NS;
    task->accepted_ns = now_ns;
    if (task->counts_for != count)
        task->counts_for = count;
    if (task->deadline.at_ns != 0)
        return;
    task->deadline = LEND_FOREVER;
    if (ms >= 0 && ms <= (INT64_MAX - from_ns) / NS_PER_MS)
        task->deadline = (lend_deadline){from_ns + ms * NS_PER_MS};
}

/* *spec as it is from a caller of the same age; else what it means, in *own. */
static int read_spec(const struct lend_job_spec **spec, struct lend_job_spec *own) {
    if (*spec == NULL || (*spec)->size != sizeof *own) {
        int error = lend__options_read(own, sizeof *own, *spec);
        if (error != 0)
            return error;
        *spec = own;
    }
    return (*spec)->run != NULL ? 0 : EINVAL;
}

/* Most often the job before was of the same kind: then this is but read, and the line stays in the
 * caches of all cores. */
static void set_kind(struct task *task, const struct lend_job_spec *spec, uint64_t ends) {
    if (task->drop_argument != spec->drop_argument || task->done != spec->done ||
        task->done_argument != spec->done_argument || task->bytes != spec->bytes) {
        task->drop_argument = spec->drop_argument;
        task->done = spec->done;
        task->done_argument = spec->done_argument;
        task->bytes = spec->bytes;
    }
    if (word_peek(&task->ends) != ends)
        word_init(&task->ends, ends);
}

/* Zeroed, or out of the stock, which is as good (lend__task_reuse) but for what is set here. */
static struct task *new_task(lend_executor *executor, const struct lend_job_spec *spec,
                             const struct lend_site *site, bool dropped) {
    struct inbox_node *node = stock_take(&executor->stock);
    struct task *task = node != NULL ? list_entry(node, struct task, inbox)
                                     : lend__memory_new_aligned(CACHE_LINE, sizeof *task);
    if (task == NULL)
        return NULL;
    if (node == NULL)
        task->executor = executor;
    task->site = site;
    task->number = word_next(&jobs_numbered);
    task->run = spec->run;
    task->argument = spec->argument;
    task->deadline = spec->deadline;
    set_kind(task, spec, dropped ? END_DROPPED : 0);
    if (!dropped)
        word_init(&task->future.keepers, 1);
    return task;
}

/* Under the lock: accepted (0), refused, or EINPROGRESS: the submitter queues. A task that is
 * accepted as BORROWING is the caller's to run. */
static int arrive(lend_executor *executor, struct task *task, struct list *woken) {
    const struct lend_executor_options *options = &executor->options;
    if (executor->locked.phase != EXECUTOR_OPEN)
        return ESHUTDOWN;
    if (options->queue_bytes_max != 0 && task->bytes > options->queue_bytes_max)
        return ENOBUFS;
    lend__executor_absorb(executor, woken);
    if (executor->locked.submitters.length == 0 && lend__executor_let_in(executor, task)) {
        lend__executor_accept(executor, task, woken);
        return 0;
    }
    if (options->when_full == LEND_FULL_REFUSE || lend__thread_self.never_blocks)
        return EAGAIN;
    if (options->when_full == LEND_FULL_WAIT)
        return thread_is_busy_for(executor) ? EDEADLK : EINPROGRESS;
    lend__executor_accept_here(executor, task);
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
    lend__waiters_wake(&woken);
    if (decided && !awake)
        waiter_finish(&self->waiter);
    return self->waiter.verdict;
}

/* The last that a submitter who waited does with the executor. */
static void leave(lend_executor *executor, struct submitter *self) {
    lend__lock_acquire(&executor->lock);
    list_remove(&executor->locked.visitors, &self->visit);
    lend__executor_is_drained(executor);
    lend__lock_release(&executor->lock);
}

static int wait_and_leave(lend_executor *executor, struct submitter *self, lend_deadline deadline) {
    enum verdict verdict = wait_for_room(executor, self, deadline);
    int error = verdict == VERDICT_GRANTED     ? 0
                : verdict == VERDICT_TIMED_OUT ? ETIMEDOUT
                                               : ESHUTDOWN;
    if (error != 0)
        word_next(&executor->refused);
    leave(executor, self);
    return error;
}

/* Through the lock. 0 or why it was refused; *ret_here: the task is the caller's to run. */
static int submit_locked(lend_executor *executor, struct task *task, struct submitter *self,
                         bool *ret_here) {
    struct list woken = {0};
    lend_deadline deadline = task->deadline;
    lend__lock_acquire(&executor->lock);
    int error = arrive(executor, task, &woken);
    *ret_here = error == 0 && task->stage == TASK_BORROWING;
    if (error == EINPROGRESS) {
        list_append(&executor->locked.submitters, &self->waiter.node);
        list_append(&executor->locked.visitors, &self->visit);
    } else if (error != 0) {
        word_next(&executor->refused);
    }
    lend__executor_settle(executor, &woken);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    return error == EINPROGRESS ? wait_and_leave(executor, self, deadline) : error;
}

/* Not to be left by cancellation half way: accepted and nobody told, or with a model. A job that is
 * run here may end the thread, and not come back: so its owner has the future before. */
static int submit_slowly(lend_executor *executor, struct task *task, lend_future **ret_future) {
    bool here = false;
    struct submitter self = {.task = task};
    stamp(task, /* count= */ 1);
    waiter_init(&self.waiter);
    int shield = lend__thread_shield();
    int error = submit_locked(executor, task, &self, &here);
    waiter_deinit(&self.waiter);
    if (error == 0 && ret_future != NULL)
        *ret_future = &task->future;
    if (here)
        lend__run_task(task);
    lend__thread_unshield(shield);
    return error;
}

/* Who has entered, with a deadline before the timekeeper is up. */
static void push_and_mind(lend_executor *executor, struct task *task) {
    struct list woken = {0};
    lend__lock_acquire(&executor->lock);
    lend__executor_absorb(executor, &woken);
    lend__executor_accept(executor, task, &woken);
    lend__executor_settle(executor, &woken);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
}

static int refuse(lend_executor *executor, int error) {
    word_next(&executor->refused);
    return error;
}

/* By who has entered when so many had before: nothing can refuse him any more. */
static void submit_entered(lend_executor *executor, struct task *task, lend_future **ret_future,
                           uint64_t before) {
    stamp(task, counts_for(executor, before));
    if (ret_future != NULL)
        *ret_future = &task->future;
    if (task->deadline.at_ns < (int64_t)word_read(&executor->alarm_ns)) {
        push_and_mind(executor, task);
        return;
    }
    struct worker *sentry = inbox_push(&executor->inbox, &task->inbox, before);
    if (sentry != NULL)
        lend__parker_wake(&sentry->parker);
}

/* Does a thread that would wait for room look for it a moment longer? While runs are short there is
 * some before it could have queued. */
static bool may_linger(const lend_executor *executor, const struct task *task) {
    return executor->options.when_full == LEND_FULL_WAIT && executor_hurries(executor) &&
           !lend__thread_self.never_blocks && !deadline_is_now(task->deadline);
}

/* Close waits for no such thread: it is neither in the queue nor a visitor. So that it finds the
 * executor CLOSED and not gone, it is a holder meanwhile. */
static int submit_lingering(lend_executor *executor, struct task *task, lend_future **ret_future) {
    uint64_t before;
    uint32_t times = 0;
    enum inbox_entry entry = INBOX_FULL;
    int error = 0;
    executor_hold(executor);
    while (entry == INBOX_FULL && lend__thread_lingers(&times))
        entry = inbox_enter(&executor->inbox, &before);
    if (entry == INBOX_ENTERED)
        submit_entered(executor, task, ret_future, before);
    else
        error = submit_slowly(executor, task, ret_future);
    lend__executor_let_go(executor);
    return error;
}

static int submit(lend_executor *executor, struct task *task, lend_future **ret_future) {
    uint64_t before;
    enum inbox_entry entry = inbox_enter(&executor->inbox, &before);
    if (entry == INBOX_ENTERED) {
        submit_entered(executor, task, ret_future, before);
        return 0;
    }
    if (entry == INBOX_FULL && executor->options.when_full == LEND_FULL_REFUSE)
        return refuse(executor, EAGAIN);
    if (entry == INBOX_FULL && may_linger(executor, task))
        return submit_lingering(executor, task, ret_future);
    return submit_slowly(executor, task, ret_future);
}

static int submit_or_free(lend_executor *executor, struct task *task, lend_future **ret_future) {
    int error = submit(executor, task, ret_future);
    if (error != 0)
        lend__memory_free(task);
    return error;
}

int lend_submit_at(lend_executor *executor, const struct lend_job_spec *spec,
                   lend_future **ret_future, const struct lend_site *site) {
    struct lend_job_spec own;
    if (executor == NULL)
        return EINVAL;
    if (executor_is_foreign(executor))
        return EOWNERDEAD;
    int error = read_spec(&spec, &own);
    if (error != 0)
        return refuse(executor, error);
    struct task *task = new_task(executor, spec, site, /* dropped= */ ret_future == NULL);
    if (task == NULL)
        return refuse(executor, ENOMEM);
    if (ret_future == NULL)
        return submit_or_free(executor, task, NULL);
    executor_hold(executor);
    error = submit_or_free(executor, task, ret_future);
    if (error != 0)
        lend__executor_let_go(executor);
    return error;
}

int(lend_submit)(lend_executor *executor, const struct lend_job_spec *spec,
                 lend_future **ret_future) {
    return lend_submit_at(executor, spec, ret_future, /* site= */ NULL);
}
