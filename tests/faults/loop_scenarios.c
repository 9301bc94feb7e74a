/* SPDX-License-Identifier: MIT
 *
 * What the thread of an event loop does while faults strike: it looks into its queue again and
 * again, since the descriptor may be what failed. */
#include "faults/stage.h"

#include <fcntl.h>
#include <lend/dump.h>
#include <stddef.h>
#include <unistd.h>

#define SOON lend_within_ms(PATIENCE_MS)

static bool open_queue(lend_completions **ret_queue) {
    return MAY(lend_completions_open(ret_queue), ENOMEM, EMFILE);
}

/* Until nothing more can come. */
static void empty_and_close(lend_completions *queue) {
    lend_deadline end = SOON;
    int error;
    while ((error = lend_completions_close(queue)) == EBUSY && await_pause(end))
        lend_completions_run(queue, 8);
    MUST(error == 0);
}

struct answers {
    unsigned models, refusals;
};

static void take_answer(struct lend_lease *lease, void *argument) {
    struct answers *answers = argument;
    int error = lend_lease_error(lease);
    if (lend_lease_ok(lease)) {
        model_begin(lease->model);
        model_end(lease->model);
    }
    answers->models += error == 0;
    answers->refusals += error != 0;
    MAY(error, ETIMEDOUT, ENOMEM, EIO);
}

/* One is served at once, one waits, one is cancelled. */
static void ask_later(struct stage *stage) {
    lend_completions *queue;
    struct answers answers = {0};
    lend_request *requests[3] = {NULL};
    unsigned asked = 0;
    if (!STAGE_POOL(.models = 1) || !open_queue(&queue))
        return;
    for (uint64_t i = 0; i < 3; i++)
        asked += MAY(lend_acquire_later(stage->pool, SOON,
                                        &LEND_REQUEST(.queue = queue, .acquired = take_answer,
                                                      .argument = &answers, .task = i),
                                        &requests[i]),
                     ENOMEM, EIO);
    if (requests[2] != NULL && MUST(lend_request_cancel(requests[2]) == 0))
        asked--;
    empty_and_close(queue);
    MUST(answers.models + answers.refusals == asked);
}

static int run_nothing(void *model, void *argument, lend_job *job) {
    (void)argument, (void)job;
    model_begin(model);
    model_end(model);
    return 0;
}

static void note(lend_future *future, void *argument) {
    MUST(lend_future_outcome(future) != LEND_PENDING);
    ++*(unsigned *)argument;
}

static void be_told(struct stage *stage) {
    lend_completions *queue;
    lend_future *futures[2] = {NULL};
    unsigned asked = 0, told = 0;
    size_t which = 2;
    if (!STAGE_POOL(.models = 1) || !STAGE_EXECUTOR(.workers = 1) || !open_queue(&queue))
        return;
    for (int i = 0; i < 2; i++)
        if (MAY(lend_submit(stage->executor, &LEND_JOB(.run = run_nothing), &futures[i]), ENOMEM))
            asked += MAY(lend_future_then(futures[i], queue, note, &told), ENOMEM);
    if (futures[0] != NULL || futures[1] != NULL) {
        if (MAY(lend_future_wait_any(futures, 2, SOON, &which), ENOMEM))
            MUST(which < 2 && lend_future_outcome(futures[which]) != LEND_PENDING);
    }
    for (int i = 0; i < 2; i++)
        if (futures[i] != NULL)
            MUST(eventually(lend_future_outcome(futures[i]) != LEND_PENDING));
    empty_and_close(queue);
    MUST(told == asked);
    for (int i = 0; i < 2; i++)
        lend_future_drop(futures[i]);
}

/* Before there is a pool: they mind threads and forks themselves. */
static void open_queue_first(struct stage *stage) {
    lend_completions *queue;
    if (open_queue(&queue))
        empty_and_close(queue);
    (void)STAGE_POOL(.models = 1);
}

static void start_dumps_first(struct stage *stage) {
    int descriptor = open("/dev/null", O_WRONLY);
    if (MAY(lend_dump_start(descriptor), ENOMEM))
        lend_dump_stop();
    close(descriptor);
    (void)STAGE_POOL(.models = 1);
}

const struct scenario loop_scenarios[] = {
    {"open a queue first", open_queue_first},
    {"start dumps first", start_dumps_first},
    {"ask later", ask_later},
    {"be told", be_told},
    {0},
};
