/* SPDX-License-Identifier: MIT
 *
 * What is done with executors, futures and dumps while faults strike. */
#define _GNU_SOURCE
#include "faults/inject.h"
#include "faults/stage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SOON lend_within_ms(PATIENCE_MS)

/* What became of a job whose borrow may fail. */
static void settle(lend_future *future) {
    MUST(lend_future_join(future, SOON) == 0);
    switch (lend_future_outcome(future)) {
    case LEND_SUCCEEDED:
        MUST(lend_future_error(future) == 0);
        break;
    case LEND_NO_MODEL:
        MUST(lend_future_error(future) == ENOMEM || lend_future_error(future) == EIO);
        break;
    case LEND_FAILED:
        MUST(lend_future_error(future) == EBADMSG || lend_future_error(future) == ECANCELED);
        break;
    case LEND_CANCELLED:
        MUST(lend_future_error(future) == ECANCELED || lend_future_error(future) == ESHUTDOWN);
        break;
    case LEND_EXPIRED:
        MUST(lend_future_error(future) == ETIMEDOUT);
        break;
    case LEND_PENDING:
        MUST(lend_future_outcome(future) != LEND_PENDING);
    }
    lend_future_drop(future);
}

static int plain_run(void *model, void *argument, lend_job *job) {
    (void)argument;
    model_begin(model);
    model_end(model);
    if (fault_strikes("run", NULL))
        return lend_job_explain(job, EBADMSG, "the page is empty");
    return 0;
}

static void count(void *argument) {
    atomic_fetch_add((atomic_uint *)argument, 1);
}

static void begin_worker(void *context) {
    atomic_fetch_add((atomic_uint *)context, 1);
}

static void end_worker(void *context) {
    atomic_fetch_sub((atomic_uint *)context, 1);
}

static void run_jobs(struct stage *stage) {
    static atomic_uint workers;
    lend_future *futures[3];
    static atomic_uint dropped;
    unsigned accepted = 0;
    if (!STAGE_POOL(.models = 2))
        return;
    if (!STAGE_EXECUTOR(.name = "jobs", .workers = 2, .worker_begins = begin_worker,
                        .worker_ends = end_worker, .worker_context = &workers)) {
        MUST(atomic_load(&workers) == 0);
        return;
    }
    for (int i = 0; i < 3; i++)
        accepted += MAY(
            lend_submit(stage->executor,
                        &LEND_JOB(.run = plain_run, .argument = &dropped, .drop_argument = count),
                        &futures[accepted]),
            ENOMEM);
    for (unsigned i = 0; i < accepted; i++) {
        MUST(lend_future_wait(futures[i], SOON) == 0);
        settle(futures[i]);
    }
    MUST(eventually(atomic_load(&dropped) == accepted));
}

static int leave_leases(void *model, void *argument, lend_job *job) {
    struct stage *stage = argument;
    model_begin(model);
    struct lend_lease more = lend_acquire(stage->pool, lend_job_deadline(job));
    MAY_BORROW(&more, ENOMEM, EIO); /* and not given back */
    model_end(model);
    lend_job_model_broken(job, "it is worn");
    return 0;
}

static void leave_a_lease_in_a_job(struct stage *stage) {
    lend_future *future;
    if (!STAGE_POOL(.models = 2) || !STAGE_EXECUTOR(.workers = 1))
        return;
    if (MAY(lend_submit(stage->executor, &LEND_JOB(.run = leave_leases, .argument = stage),
                        &future),
            ENOMEM))
        settle(future);
}

/* a full queue */

/* Static: a run that was answered before it returned may still look at it. */
struct hold {
    struct tally started, go;
};

static int held_run(void *model, void *argument, lend_job *job) {
    (void)model;
    struct hold *hold = argument;
    tally_add(&hold->started);
    while (tally_count(&hold->go) == 0 && !lend_job_must_stop(job) && await_pause(SOON))
        ;
    return lend_job_must_stop(job) ? ECANCELED : 0;
}

static void submit_one_more(struct actor *actor) {
    lend_future *future;
    if (MAY(lend_submit(actor->stage->executor, &LEND_JOB(.run = plain_run), &future), ENOMEM,
            EAGAIN))
        settle(future);
}

static void fill_queue(struct stage *stage, enum lend_when_full when_full) {
    static struct hold hold;
    struct actor submitter;
    lend_future *first = NULL, *second = NULL;
    if (!STAGE_POOL(.models = 2) ||
        !STAGE_EXECUTOR(.workers = 1, .queue_max = 1, .when_full = when_full))
        return;
    tally_init(&hold.started);
    tally_init(&hold.go);
    if (MAY(lend_submit(stage->executor, &LEND_JOB(.run = held_run, .argument = &hold), &first),
            ENOMEM))
        MUST(eventually(tally_count(&hold.started) == 1 ||
                        lend_future_outcome(first) != LEND_PENDING));
    MAY(lend_submit(stage->executor, &LEND_JOB(.run = plain_run), &second), ENOMEM);
    actor_start(&submitter, stage, submit_one_more);
    struct lend_executor_stats stats;
    MUST(eventually(lend_executor_stats_get(stage->executor, &stats) == 0 &&
                    (stats.submitting == 1 || stats.accepted + stats.refused >= 3)));
    tally_add(&hold.go);
    actor_join(&submitter);
    if (first != NULL)
        settle(first);
    if (second != NULL)
        settle(second);
}

static void refuse_when_full(struct stage *stage) {
    fill_queue(stage, LEND_FULL_REFUSE);
}

static void wait_when_full(struct stage *stage) {
    fill_queue(stage, LEND_FULL_WAIT);
}

static void run_here_when_full(struct stage *stage) {
    fill_queue(stage, LEND_FULL_RUN_HERE);
}

/* jobs that wait for jobs */

static int run_and_wait(void *model, void *argument, lend_job *job) {
    (void)model;
    struct stage *stage = argument;
    lend_future *future;
    if (!MAY(lend_submit(stage->executor, &LEND_JOB(.run = plain_run), &future), ENOMEM))
        return 0;
    MAY(lend_future_wait(future, lend_job_deadline(job)), EDEADLK);
    lend_future_drop(future);
    return 0;
}

static void wait_in_a_job(struct stage *stage, uint32_t models) {
    lend_future *future;
    if (!STAGE_POOL(.models = models) || !STAGE_EXECUTOR(.workers = 1))
        return;
    if (MAY(lend_submit(stage->executor, &LEND_JOB(.run = run_and_wait, .argument = stage),
                        &future),
            ENOMEM))
        settle(future);
}

/* The worker runs it itself. */
static void help(struct stage *stage) {
    wait_in_a_job(stage, 2);
}

/* Without a model for it, the worker would wait for itself. */
static void wait_in_a_ring(struct stage *stage) {
    wait_in_a_job(stage, 1);
}

/* ends */

static int end_thread(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    pthread_exit(NULL);
}

/* The executor goes on, with fewer workers if there is no thread for another. */
static void end_workers_thread(struct stage *stage) {
    lend_future *future;
    if (!STAGE_POOL(.models = 1) || !STAGE_EXECUTOR(.workers = 2))
        return;
    if (MAY(lend_submit(stage->executor, &LEND_JOB(.run = end_thread), &future), ENOMEM))
        settle(future);
}

static void cancel_and_expire(struct stage *stage) {
    static struct hold hold;
    lend_future *running = NULL, *queued = NULL;
    if (!STAGE_POOL(.models = 1) || !STAGE_EXECUTOR(.workers = 1))
        return;
    tally_init(&hold.started);
    tally_init(&hold.go);
    MAY(lend_submit(stage->executor,
                    &LEND_JOB(.run = held_run, .argument = &hold, .deadline = lend_within_ms(5)),
                    &running),
        ENOMEM);
    if (MAY(lend_submit(stage->executor, &LEND_JOB(.run = plain_run), &queued), ENOMEM))
        MAY(lend_future_cancel(queued), EALREADY, EINPROGRESS);
    if (running != NULL)
        settle(running);
    if (queued != NULL)
        settle(queued);
}

static void close_with_jobs(struct stage *stage) {
    static struct hold hold;
    lend_future *futures[2] = {0};
    if (!STAGE_POOL(.models = 1) || !STAGE_EXECUTOR(.workers = 1))
        return;
    tally_init(&hold.started);
    tally_init(&hold.go);
    for (int i = 0; i < 2; i++)
        MAY(lend_submit(stage->executor, &LEND_JOB(.run = held_run, .argument = &hold),
                        &futures[i]),
            ENOMEM);
    int error = lend_executor_close(stage->executor, LEND_NOW);
    if (MAY(error, EBUSY))
        stage->executor = NULL;
    stage->stopping = error == EBUSY;
    tally_add(&hold.go);
    for (int i = 0; i < 2; i++)
        if (futures[i] != NULL)
            settle(futures[i]);
}

static void dump_on_request(struct stage *stage) {
    int ends[2];
    char byte;
    MUST(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    STAGE_POOL(.models = 1);
    for (int i = 0; i < 2; i++) {
        if (!MAY(lend_dump_start(ends[1]), ENOMEM))
            continue;
        MUST(lend_dump_start(ends[1]) == EALREADY);
        lend_dump_request();
        MUST(eventually(read(ends[0], &byte, 1) == 1 || faults_struck()));
        lend_dump_stop();
    }
    faults_disarm();
    MUST(lend_dump_start(ends[1]) == 0);
    lend_dump_request();
    MUST(eventually(read(ends[0], &byte, 1) == 1));
    lend_dump_stop();
}

const struct scenario executor_scenarios[] = {
    {"run jobs", run_jobs},
    {"leave a lease in a job", leave_a_lease_in_a_job},
    {"refuse when full", refuse_when_full},
    {"wait when full", wait_when_full},
    {"run here when full", run_here_when_full},
    {"help", help},
    {"wait in a ring", wait_in_a_ring},
    {"end a worker's thread", end_workers_thread},
    {"cancel and expire", cancel_and_expire},
    {"close with jobs", close_with_jobs},
    {"dump on request", dump_on_request},
    {0},
};
