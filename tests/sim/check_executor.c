/* SPDX-License-Identifier: MIT
 *
 * The invariants of an executor. */
#include "fail.h"
#include "threads.h"
#include "watcher.h"

static uint32_t add_task(struct task *tasks[], uint32_t count, struct task *task) {
    SIM_CHECK("ROOM", count < WATCHED_TASKS, "too many jobs live");
    tasks[count] = task;
    return count + 1;
}

static uint32_t add_list(struct task *tasks[], uint32_t count, const struct list *list) {
    for (const struct list_node *node = list->first; node != NULL; node = node->next)
        count = add_task(tasks, count, list_entry(node, struct task, place));
    return count;
}

uint32_t watcher_tasks(const lend_executor *executor, struct task *tasks[WATCHED_TASKS]) {
    uint32_t count = 0;
    uint64_t newest = executor->inbox.newest.value;
    for (uint32_t i = 0; executor->workers != NULL && i < executor->options.workers; i++)
        if (executor->workers[i].task != NULL)
            count = add_task(tasks, count, executor->workers[i].task);
    count = add_list(tasks, count, &executor->locked.guests);
    count = add_list(tasks, count, &executor->locked.queue);
    count = add_list(tasks, count, &executor->locked.given_up);
    if ((newest & INBOX_SENTRY) == 0)
        for (struct inbox_node *node = (struct inbox_node *)(uintptr_t)newest; node != NULL;
             node = node->older)
            count = add_task(tasks, count, list_entry(node, struct task, inbox));
    return count;
}

static void check_task(const lend_executor *executor, const struct task *task, bool in_inbox) {
    const struct list *place = task->place.list;
    bool decided = task->future.outcome.value != LEND_PENDING;
    unsigned long long number = task->number;
    if (task->stage == TASK_QUEUED && !in_inbox)
        SIM_CHECK("TURN",
                  decided ? place == &executor->locked.given_up || place == &executor->locked.guests
                          : place == &executor->locked.queue,
                  "job %llu is queued in the wrong place", number);
    else
        SIM_CHECK("TURN", place == NULL || (place == &executor->locked.guests && !in_inbox),
                  "job %llu has begun, or not yet come, and is queued", number);
    bool timed =
        !decided && !in_inbox && (task->stage == TASK_QUEUED || task->stage == TASK_RUNNING);
    SIM_CHECK("TIMER",
              !timed || task->timer.heap == &executor->locked.timers ||
                  task->deadline.at_ns >= (int64_t)executor->alarm_ns.value,
              "job %llu has a deadline and no timer", number);
    SIM_CHECK("ONCE", !decided || task->future.waiters.length == 0,
              "job %llu is decided, and %u wait for that", number, task->future.waiters.length);
}

static void check_counts(const lend_executor *executor) {
    struct task *tasks[WATCHED_TASKS];
    uint64_t decided = 0, pending = 0;
    for (int i = LEND_SUCCEEDED; i <= LEND_EXPIRED; i++)
        decided += executor->locked.outcomes[i];
    uint32_t count = watcher_tasks(executor, tasks);
    uint64_t newest = executor->inbox.newest.value;
    uint32_t inside = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool in_inbox =
            (newest & INBOX_SENTRY) == 0 && (uint64_t)(uintptr_t)&tasks[i]->inbox == newest;
        if (in_inbox)
            newest = (uint64_t)(uintptr_t)tasks[i]->inbox.older;
        check_task(executor, tasks[i], in_inbox);
        inside += in_inbox;
        pending += tasks[i]->future.outcome.value == LEND_PENDING;
    }
    SIM_CHECK("EXEC", executor->locked.accepted == decided + pending - inside,
              "%llu jobs were accepted, %llu are pending, %u in the inbox, %llu decided",
              (unsigned long long)executor->locked.accepted, (unsigned long long)pending, inside,
              (unsigned long long)decided);
}

static void check_rooms(const lend_executor *executor) {
    uint32_t queued = executor->locked.queue.length, at_hand = 0;
    for (uint32_t i = 0; executor->workers != NULL && i < executor->options.workers; i++)
        at_hand += !executor->workers[i].away;
    uint64_t limit = executor->inbox.limit.value;
    uint64_t entered = executor->inbox.entered.value / INBOX_ONE;
    bool shut = (executor->inbox.entered.value & INBOX_SHUT) != 0;
    if (executor->locked.phase > EXECUTOR_DRAINING)
        return;
    SIM_CHECK("BOUND", entered <= limit, "%llu have entered of %llu", (unsigned long long)entered,
              (unsigned long long)limit);
    SIM_CHECK("BOUND",
              limit - executor->locked.accepted + queued == executor->options.queue_max + at_hand,
              "the limit is %llu with %u jobs queued and %u workers at hand",
              (unsigned long long)limit, queued, at_hand);
    const struct worker *sentry = executor->locked.sentry;
    bool posted = sentry != NULL && executor->inbox.newest.value == inbox_mark(sentry);
    SIM_CHECK("WORK", executor->locked.idle.length == 0 || sentry != NULL, "nobody is the sentry");
    SIM_CHECK("WORK", !posted || queued == 0, "the sentry sleeps, and %u jobs are queued", queued);
    if (executor->locked.submitters.length == 0)
        return;
    const struct submitter *first =
        list_entry(executor->locked.submitters.first, struct submitter, waiter.node);
    uint64_t bytes = first->task->bytes, bytes_max = executor->options.queue_bytes_max;
    uint64_t queued_bytes;
    lend__executor_queued(executor, &queued_bytes);
    bool fits = bytes_max == 0 || (bytes <= bytes_max && queued_bytes <= bytes_max - bytes);
    SIM_CHECK("ROOM", shut && (entered >= limit || !fits), "%u submit, and there is room",
              executor->locked.submitters.length);
}

/* The waits for futures, as they are now. */
static void note_waits(struct watched_executor *watched, const struct list *queue,
                       struct task *task, bool joins) {
    for (const struct list_node *node = queue->first; node != NULL; node = node->next) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        SIM_CHECK("ROOM", watched->wait_count < WATCHED_WAITS, "too many wait");
        watched->waits[watched->wait_count++] = (struct watched_wait){
            .waiter = waiter, .thread = sim_thread_of(waiter), .task = task, .joins = joins};
    }
}

static void check_waits(struct watched_executor *watched) {
    for (uint32_t i = 0; i < watched->wait_count; i++) {
        const struct watched_wait *wait = &watched->waits[i];
        if (wait->waiter->verdict == VERDICT_DEADLOCK)
            check_refusal(wait, /* pool= */ NULL);
    }
    watched->wait_count = 0;
    struct task *tasks[WATCHED_TASKS];
    uint32_t count = watcher_tasks(watched->executor, tasks);
    for (uint32_t i = 0; i < count; i++) {
        note_waits(watched, &tasks[i]->future.waiters, tasks[i], /* joins= */ false);
        note_waits(watched, &tasks[i]->future.joiners, tasks[i], /* joins= */ true);
    }
}

void check_executor_lock_left(struct watched_executor *watched) {
    check_counts(watched->executor);
    check_rooms(watched->executor);
    check_waits(watched);
}
