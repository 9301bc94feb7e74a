/* SPDX-License-Identifier: MIT
 *
 * The executor's rules under its lock: for whom there is room, whose turn it is, which worker is
 * called, what is given up. Everything here is called with executor->lock held. */
#include "base/clock.h"
#include "exec/state.h"

static struct worker *worker_of(const struct list_node *node) {
    return list_entry(node, struct worker, waiter.node);
}

static struct task *task_of_place(const struct list_node *node) {
    return list_entry(node, struct task, place);
}

/* room */

uint32_t lend__executor_at_hand(const lend_executor *executor) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < executor->options.workers; i++)
        count += !executor->workers[i].away;
    return count;
}

uint32_t lend__executor_queued(const lend_executor *executor, uint64_t *ret_bytes) {
    uint32_t claimed = lend__executor_at_hand(executor);
    uint32_t queued = executor->locked.queue.length;
    *ret_bytes = executor->locked.queue_bytes;
    const struct list_node *node = executor->locked.queue.first;
    for (; claimed > 0 && node != NULL; node = node->next, claimed--, queued--)
        *ret_bytes -= task_of_place(node)->bytes;
    return queued;
}

/* With a bound in bytes the gate is never open: all jobs come in here. */
static bool has_room_in_bytes(const lend_executor *executor, uint64_t bytes) {
    uint64_t queued_bytes, bytes_max = executor->options.queue_bytes_max;
    if (bytes_max == 0)
        return true;
    LEND_ASSERT(bytes <= bytes_max, "let in a job that would never fit");
    lend__executor_queued(executor, &queued_bytes);
    return queued_bytes <= bytes_max - bytes;
}

bool lend__executor_let_in(lend_executor *executor, const struct task *task) {
    return has_room_in_bytes(executor, task->bytes) && inbox_enter_locked(&executor->inbox);
}

/* in */

void lend__executor_accept(lend_executor *executor, struct task *task, struct list *woken) {
    executor->locked.accepted++;
    list_append(&executor->locked.queue, &task->place);
    executor->locked.queue_bytes += task->bytes;
    if (executor->locked.phase >= EXECUTOR_STOPPING)
        lend__executor_give_up(executor, task, LEND_CANCELLED, ESHUTDOWN, CLOSED_WORDS, woken);
    else
        lend__timekeeper_mind(executor, task);
}

void lend__executor_accept_here(lend_executor *executor, struct task *task) {
    inbox_raise_limit(&executor->inbox);
    bool entered = inbox_enter_locked(&executor->inbox);
    LEND_ASSERT(entered, "no room in the place that was just made");
    executor->locked.accepted++;
    task->stage = TASK_BORROWING;
    task->runner_tid = owner_tid(thread_owner());
    list_append(&executor->locked.guests, &task->place);
}

void lend__executor_absorb(lend_executor *executor, struct list *woken) {
    struct inbox_node *node = inbox_take_all(&executor->inbox);
    while (node != NULL) {
        struct task *task = list_entry(node, struct task, inbox);
        node = node->older;
        lend__executor_accept(executor, task, woken);
    }
}

/* out */

static void dequeue(lend_executor *executor, struct task *task) {
    list_remove(&executor->locked.queue, &task->place);
    executor->locked.queue_bytes -= task->bytes;
}

struct task *lend__executor_next(lend_executor *executor, struct list *woken) {
    if (executor->locked.queue.length == 0 && inbox_has_jobs(&executor->inbox))
        lend__executor_absorb(executor, woken);
    struct list_node *first = executor->locked.queue.first;
    return first != NULL ? task_of_place(first) : NULL;
}

void lend__executor_take(lend_executor *executor, struct task *task, struct worker *worker) {
    dequeue(executor, task);
    task->stage = TASK_BORROWING;
    task->runner_tid = worker->tid;
    task->worker = worker;
    worker->task = task;
    worker->away = true;
}

void lend__executor_take_here(lend_executor *executor, struct task *task) {
    dequeue(executor, task);
    inbox_raise_limit(&executor->inbox);
    task->stage = TASK_BORROWING;
    task->runner_tid = thread_tid();
    list_append(&executor->locked.guests, &task->place);
}

void lend__executor_give_up(lend_executor *executor, struct task *task, enum lend_outcome outcome,
                            int error, const char *reason, struct list *woken) {
    dequeue(executor, task);
    inbox_raise_limit(&executor->inbox);
    list_append(&executor->locked.given_up, &task->place);
    lend__task_decide(task, outcome, error, reason, woken);
    lend__parker_wake(&executor->alarm);
}

/* The submitters who have waited longest, as long as their jobs fit, behind all that were pushed
 * before the gate was shut. */
static void let_submitters_in(lend_executor *executor, struct list *woken) {
    struct list *submitters = &executor->locked.submitters;
    if (submitters->length > 0)
        lend__executor_absorb(executor, woken);
    while (submitters->length > 0) {
        struct submitter *first = list_entry(submitters->first, struct submitter, waiter.node);
        if (!lend__executor_let_in(executor, first->task))
            break;
        first->task->accepted_ns = lend__clock_now_ns();
        lend__executor_accept(executor, first->task, woken);
        waiter_decide(&first->waiter, VERDICT_GRANTED, submitters, woken);
    }
    bool shut = executor->locked.phase != EXECUTOR_OPEN || submitters->length > 0 ||
                executor->options.queue_bytes_max != 0;
    if (shut != inbox_is_shut(&executor->inbox))
        inbox_set_gate(&executor->inbox, shut);
}

/* workers */

void lend__executor_return(lend_executor *executor, struct worker *worker) {
    if (worker->away)
        inbox_raise_limit(&executor->inbox);
    worker->away = false;
}

/* Of those that sleep, the one that was busy last: its caches are warm. */
static void appoint_sentry(lend_executor *executor, struct list *woken) {
    struct list *idle = &executor->locked.idle;
    if (executor->locked.sentry != NULL || idle->length == 0)
        return;
    struct worker *worker = worker_of(idle->last);
    list_remove(idle, &worker->waiter.node);
    executor->locked.sentry = worker;
    if (executor->locked.queue.length > 0 || !inbox_post(&executor->inbox, worker))
        list_append(woken, &worker->waiter.node);
}

/* A sentry that is on its way needs no second call. */
static void call_sentry(lend_executor *executor, struct list *woken) {
    struct worker *sentry = executor->locked.sentry;
    if (sentry != NULL && executor->locked.queue.length > 0 &&
        inbox_recall(&executor->inbox, sentry))
        list_append(woken, &sentry->waiter.node);
}

void lend__executor_settle(lend_executor *executor, struct list *woken) {
    let_submitters_in(executor, woken);
    call_sentry(executor, woken);
    appoint_sentry(executor, woken);
}

/* all */

void lend__executor_each_out(lend_executor *executor, bool (*visit)(struct task *, void *),
                             void *argument) {
    for (uint32_t i = 0; i < executor->options.workers; i++) {
        struct task *task = executor->workers[i].task;
        if (task != NULL && !visit(task, argument))
            return;
    }
    for (struct list_node *node = executor->locked.guests.first; node != NULL; node = node->next)
        if (!visit(task_of_place(node), argument))
            return;
}

static bool is_any(struct task *task, void *found) {
    (void)task;
    *(bool *)found = true;
    return false;
}

bool lend__executor_is_drained(lend_executor *executor) {
    if (executor->locked.closer == NULL || executor->locked.queue.length > 0 ||
        executor->locked.given_up.length > 0 || executor->locked.visitors.length > 0 ||
        inbox_entered(&executor->inbox) != executor->locked.accepted)
        return false;
    bool any = false;
    lend__executor_each_out(executor, is_any, &any);
    if (!any)
        lend__parker_wake(executor->locked.closer);
    return !any;
}
