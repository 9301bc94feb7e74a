/* SPDX-License-Identifier: MIT
 *
 * The timekeeper: the executor's one background thread. It answers each deadline on time, wherever
 * the job is, and tells and finishes the tasks that were given up before anybody began them.
 *
 * Most jobs are over long before their deadlines, and never come to its knowledge: it sleeps until
 * the first deadline that it found when it looked last, and only when it is up again it learns of
 * what has come meanwhile and lives still. So a job costs it nothing, as long as jobs come with
 * about the same patience; one whose deadline is before the end of that sleep wakes it. That cannot
 * be missed:
 *
 *     a submitter                          the timekeeper, under the lock
 *     1 enters                             1 writes until when it will sleep
 *     2 reads until when it sleeps         2 takes what is in the inbox
 *     3 pushes                             3 touches `entered`, and reads it
 *
 * The submitter goes by what it read: if the deadline is earlier, it does not push but goes through
 * the lock and wakes the timekeeper. Say it read something older than what was written in 1. Then
 * it had entered before 3, or it would have seen all that was done before 3. So it had pushed
 * before 2, and the timekeeper takes the job and sees for itself; or it has not yet, and the
 * timekeeper finds somebody who has entered and not pushed, and looks again very soon. */
#include "base/clock.h"
#include "exec/state.h"

/* How soon to look again for who has entered and not pushed, which is a matter of nanoseconds. */
#define AGAIN_MS 1

void lend__timekeeper_mind(lend_executor *executor, const struct task *task) {
    if (task->timer.heap != NULL || task->deadline.at_ns >= (int64_t)word_peek(&executor->alarm_ns))
        return;
    word_publish(&executor->alarm_ns, (uint64_t)INT64_MIN);
    lend__parker_wake(&executor->alarm);
}

static void watch(struct task *task) {
    task->watched = true;
    if (!deadline_is_forever(task->deadline))
        lend__heap_insert(&task->executor->locked.timers, &task->timer, task->deadline.at_ns);
}

/* One that waits for a model is its runner's, who has it minded when it runs. */
static bool watch_run(struct task *task, void *unused) {
    (void)unused;
    if (task->stage == TASK_RUNNING && !task_is_decided(task) && task->timer.heap == NULL)
        watch(task);
    return true;
}

/* Under the lock: learn of what has come since the last time, which is at the end of the queue, or
 * with the workers already. */
static void watch_newcomers(lend_executor *executor) {
    for (struct list_node *node = executor->locked.queue.last; node != NULL;
         node = node->previous) {
        struct task *task = list_entry(node, struct task, place);
        if (task->watched)
            break;
        watch(task);
    }
    lend__executor_each_out(executor, watch_run, NULL);
}

/* Under the lock: a run that was told to stop gets a little time before its model counts as out for
 * an unknown time. */
static void give_grace(lend_executor *executor, struct task *task) {
    lend__heap_insert(&executor->locked.timers, &task->timer,
                      task_due_ns(task) + STOP_GRACE_MS * NS_PER_MS);
}

/* Under the lock: a timer has gone off. True if the timekeeper is to tell the job's owner at once,
 * false if it is among those given up, or was told before. */
static bool expire(lend_executor *executor, struct task *task, struct list *woken) {
    lend__task_disarm(task);
    if (task->stage == TASK_QUEUED) {
        lend__executor_give_up(executor, task, LEND_EXPIRED, ETIMEDOUT,
                               "the deadline passed before a worker was free", woken);
        return false;
    }
    if (task->stage == TASK_BORROWING) /* its runner's, who finds out by himself */
        return false;
    LEND_ASSERT(task->stage == TASK_RUNNING, "a timer went off for a job that has none");
    if (task_is_decided(task)) {
        lend__lease_overdue(executor->options.pool, task->lease);
        return false;
    }
    lend__task_stop(task, ETIMEDOUT);
    lend__task_decide(task, LEND_EXPIRED, ETIMEDOUT, "the deadline passed while it ran", woken);
    give_grace(executor, task);
    return true;
}

/* Under the lock: the next task to answer, RUNNING and decided just now or out of `given_up`, or
 * NULL if there is none before *ret_until. */
static struct task *pick(lend_executor *executor, lend_deadline *ret_until, struct list *woken) {
    lend__executor_absorb(executor, woken);
    watch_newcomers(executor);
    int64_t now_ns = lend__clock_now_ns();
    struct heap_node *top;
    while ((top = executor->locked.timers.top) != NULL && top->key <= now_ns) {
        struct task *task = list_entry(top, struct task, timer);
        if (expire(executor, task, woken))
            return task;
    }
    *ret_until = top != NULL ? (lend_deadline){top->key} : LEND_FOREVER;
    struct list_node *node = list_pop(&executor->locked.given_up);
    if (node == NULL)
        return NULL;
    list_append(&executor->locked.guests, node);
    return list_entry(node, struct task, place);
}

/* Under the lock: say until when it will sleep, and look whether somebody has come who could not
 * know. Returns when to be up at the latest. */
static lend_deadline announce(lend_executor *executor, lend_deadline until, struct list *woken) {
    word_publish(&executor->alarm_ns, (uint64_t)until.at_ns);
    lend__executor_absorb(executor, woken);
    inbox_set_gate(&executor->inbox, inbox_is_shut(&executor->inbox));
    if (inbox_entered(&executor->inbox) == executor->locked.accepted)
        return until;
    return lend_deadline_earlier(until, lend_within_ms(AGAIN_MS));
}

static void answer(lend_executor *executor, struct task *task, bool runs) {
    struct errand errand;
    thread_errand_begin(&errand, executor, task);
    if (runs)
        lend__task_tell(task);
    else
        lend__task_tell_and_finish(task);
    thread_errand_end(&errand);
}

/* One task, or one sleep. False when the executor ends. */
static bool keep_time(lend_executor *executor) {
    struct list woken = {0};
    lend_deadline until = LEND_NOW;
    lend__lock_acquire(&executor->lock);
    word_publish(&executor->alarm_ns, (uint64_t)INT64_MIN);
    struct task *task = pick(executor, &until, &woken);
    bool runs = task != NULL && task->stage == TASK_RUNNING;
    bool ending = executor->locked.phase == EXECUTOR_ENDING;
    if (task == NULL && !ending)
        until = announce(executor, until, &woken);
    lend__executor_settle(executor, &woken);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    if (task != NULL)
        answer(executor, task, runs);
    else if (!ending)
        lend__parker_sleep(&executor->alarm, until);
    return task != NULL || !ending;
}

void lend__timekeeper_main(void *argument) {
    lend_executor *executor = argument;
    lend__thread_identify(); /* who is called back may run a job here */
    lend__thread_shield();
    while (keep_time(executor))
        ;
}
