/* SPDX-License-Identifier: MIT
 *
 * A wait for a future as the watch sees it. While the job is queued, any worker of its executor
 * could end the wait by coming free; from then on the thread that has the job. */
#include "exec/deadlock.h"

#include "base/clock.h"
#include "base/memory.h"
#include "exec/several.h"
#include "pool/report.h"

static bool all_workers_wait(const lend_executor *executor, struct wait *wait, struct walk *walk) {
    for (uint32_t i = 0; i < executor->options.workers; i++)
        if (lend__watch_meets(walk, wait,
                              (struct tie){.tid = executor->workers[i].tid, .slot = -1}))
            return false;
    return true;
}

/* A worker that is at hand waits for nobody, and so is not met among those who wait. Who has
 * a task that is decided is on the way: the timekeeper, or a thread that calls back. */
static bool runner_waits(const struct task *task, struct wait *wait, struct walk *walk) {
    if (task->stage == TASK_QUEUED)
        return !task_is_decided(task) && all_workers_wait(task->executor, wait, walk);
    if (task->stage == TASK_FINISHED)
        return false;
    return !lend__watch_meets(walk, wait, (struct tie){.tid = task->runner_tid, .slot = -1});
}

static bool may_end(struct wait *wait, struct walk *walk) {
    struct task *task = wait->target;
    lend__lock_acquire(&task->executor->lock);
    bool stuck = !waiter_is_decided(wait->waiter) && runner_waits(task, wait, walk);
    lend__lock_release(&task->executor->lock);
    return !stuck;
}

static void refuse_for(struct task *task, struct waiter *waiter, struct list *woken) {
    lend__lock_acquire(&task->executor->lock);
    if (!waiter_is_decided(waiter))
        waiter_decide(waiter, VERDICT_DEADLOCK, waiter->node.list, woken);
    lend__lock_release(&task->executor->lock);
}

static void refuse(struct wait *wait, struct list *woken) {
    refuse_for(wait->target, wait->waiter, woken);
}

static void name(const struct wait *wait, struct text *text) {
    const struct task *task = wait->target;
    lend__text_add(text, "job %llu of executor \"%s\"", (unsigned long long)task->number,
                   task->executor->name);
}

/* The first of several: each member is looked at like a wait of its own, and one that could be
 * decided is enough. */
static bool any_may_end(struct wait *wait, struct walk *walk) {
    struct several *several = wait->target;
    bool stuck = true;
    for (uint32_t i = 0; i < several->count && stuck; i++) {
        struct member *member = &several->members[i];
        struct task *task = member->task;
        lend__lock_acquire(&task->executor->lock);
        stuck = !waiter_is_decided(&member->waiter) && runner_waits(task, wait, walk);
        lend__lock_release(&task->executor->lock);
    }
    return !stuck;
}

/* Any decided member ends the wait: so one is enough, and if it is decided, nothing is left. */
static void refuse_any(struct wait *wait, struct list *woken) {
    struct several *several = wait->target;
    refuse_for(several->members[0].task, wait->waiter, woken);
}

static void name_any(const struct wait *wait, struct text *text) {
    const struct several *several = wait->target;
    lend__text_add(text, "one of %u jobs", several->count);
}

void lend__several_show(struct several *several, lend_deadline deadline, struct wait *wait) {
    static const struct wait_ops ops = {
        .may_end = any_may_end, .refuse = refuse_any, .name = name_any};
    for (uint32_t i = 0; i < several->count; i++)
        deadline = lend_deadline_earlier(deadline, several->members[i].task->deadline);
    *wait = (struct wait){
        .ops = &ops,
        .target = several,
        .waiter = &several->members[0].waiter,
        .deadline = deadline,
        .owner = thread_owner(),
        .since_ns = lend__clock_now_ns(),
    };
    lend__watch_show(wait);
}

/* A wait for the outcome ends with the job's deadline, since that decides it. */
static lend_deadline end_of_wait(struct task *task, const struct list *queue,
                                 lend_deadline deadline) {
    if (queue == &task->future.joiners)
        return deadline;
    return lend_deadline_earlier(deadline, task->deadline);
}

void lend__future_wait_show(struct task *task, struct list *queue, struct waiter *waiter,
                            lend_deadline deadline, struct wait *wait) {
    static const struct wait_ops ops = {.may_end = may_end, .refuse = refuse, .name = name};
    *wait = (struct wait){
        .ops = &ops,
        .target = task,
        .waiter = waiter,
        .deadline = end_of_wait(task, queue, deadline),
        .owner = thread_owner(),
        .since_ns = lend__clock_now_ns(),
    };
    lend__watch_show(wait);
}

void lend__future_wait_hide(struct task *task, struct wait *wait) {
    lend__watch_hide(wait);
    if (wait->steps != NULL && wait->waiter->verdict == VERDICT_DEADLOCK) {
        char words[1024];
        struct text text = text_into(words, sizeof words);
        lend__text_add_steps(&text, wait->steps->list, wait->steps->count);
        lend__executor_event(task->executor, LEND_EVENT_DEADLOCK, task, EDEADLK, words);
    }
    lend__memory_free(wait->steps);
}
