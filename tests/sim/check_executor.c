/* SPDX-License-Identifier: MIT
 *
 * The invariants of an executor. */
#include "fail.h"
#include "threads.h"
#include "watcher.h"

static void check_task(const lend_executor *executor, const struct task *task) {
    const struct list *turn = task->turn.list;
    bool decided = task_is_decided(task);
    unsigned long long number = task->number;
    if (task->stage == TASK_QUEUED)
        SIM_CHECK("TURN",
                  turn == (decided ? &executor->locked.given_up : &executor->locked.queue) ||
                      (decided && turn == NULL),
                  "job %llu is queued in the wrong place", number);
    else
        SIM_CHECK("TURN", turn == NULL, "job %llu has begun and is queued", number);
    bool timed = !decided && task->spec.deadline.at_ns != INT64_MAX &&
                 (task->stage == TASK_QUEUED || task->stage == TASK_RUNNING);
    SIM_CHECK("TIMER", !timed || task->timer.heap == &executor->locked.timers,
              "job %llu has a deadline and no timer", number);
    SIM_CHECK("ONCE", !decided || task->future.waiters.length == 0,
              "job %llu is decided, and %u wait for that", number, task->future.waiters.length);
}

static void check_counts(const lend_executor *executor) {
    uint64_t decided = 0, pending = 0;
    for (int i = LEND_SUCCEEDED; i <= LEND_EXPIRED; i++)
        decided += executor->locked.outcomes[i];
    for (const struct list_node *node = executor->locked.live.first; node != NULL;
         node = node->next) {
        const struct task *task = list_entry(node, struct task, place);
        check_task(executor, task);
        pending += !task_is_decided(task);
    }
    SIM_CHECK("EXEC", executor->locked.accepted == decided + pending,
              "%llu jobs were accepted, %llu are pending, %llu decided",
              (unsigned long long)executor->locked.accepted, (unsigned long long)pending,
              (unsigned long long)decided);
}

static void check_rooms(const lend_executor *executor) {
    uint32_t queued = executor->locked.queue.length;
    SIM_CHECK("BOUND", queued <= executor->options.queue_max, "%u jobs are queued", queued);
    if (executor->locked.phase > EXECUTOR_DRAINING)
        return;
    SIM_CHECK("WORK", executor->locked.idle.length == 0 || queued == 0,
              "%u workers are idle, %u jobs queued", executor->locked.idle.length, queued);
    if (executor->locked.submitters.length == 0)
        return;
    const struct submitter *first =
        list_entry(executor->locked.submitters.first, struct submitter, waiter.node);
    SIM_CHECK("ROOM",
              queued >= executor->options.queue_max ||
                  (executor->options.queue_bytes_max != 0 &&
                   first->task->spec.bytes >
                       executor->options.queue_bytes_max - executor->locked.queue_bytes),
              "%u submit, and there is room", executor->locked.submitters.length);
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
    for (struct list_node *node = watched->executor->locked.live.first; node != NULL;
         node = node->next) {
        struct task *task = list_entry(node, struct task, place);
        note_waits(watched, &task->future.waiters, task, /* joins= */ false);
        note_waits(watched, &task->future.joiners, task, /* joins= */ true);
    }
}

void check_executor_lock_left(struct watched_executor *watched) {
    check_counts(watched->executor);
    check_rooms(watched->executor);
    check_waits(watched);
}
