/* SPDX-License-Identifier: MIT
 *
 * lend: in bulk nobody asks for the outcomes, as with the others; there and back it is the future
 * that is waited for. Each job has a model, which it does not use. */
#include "executors.h"

#include "empty_model.h"

#include <lend/lend.h>
#include <stdio.h>
#include <stdlib.h>

struct service {
    lend_pool *pool;
    lend_executor *executor;
};

static void service_close(void *opened) {
    struct service *service = opened;
    if (lend_executor_close(service->executor, LEND_FOREVER) != 0 ||
        lend_pool_close(service->pool, LEND_FOREVER, NULL) != 0)
        fprintf(stderr, "lend-bench: an executor does not close\n");
    free(service);
}

static void *service_open(void) {
    struct service *service = calloc(1, sizeof *service);
    if (service != NULL &&
        lend_pool_open(&service->pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops,
                                                          .models = EXECUTOR_WORKERS)) == 0 &&
        lend_executor_open(&service->executor,
                           &LEND_EXECUTOR_OPTIONS(.pool = service->pool,
                                                  .queue_max = EXECUTOR_QUEUE,
                                                  .when_full = LEND_FULL_WAIT)) == 0)
        return service;
    if (service != NULL)
        service_close(service);
    return NULL;
}

static int count(void *model, void *tally, lend_job *job) {
    (void)model;
    (void)job;
    tally_count(tally);
    return 0;
}

static void service_bulk(void *opened, size_t jobs) {
    struct service *service = opened;
    struct tally tally;
    tally_begin(&tally, jobs);
    for (size_t i = 0; i < jobs; i++)
        if (lend_submit(service->executor,
                        &LEND_JOB(.run = count, .argument = &tally, .deadline = LEND_FOREVER),
                        NULL) != 0)
            tally_count(&tally);
    tally_await(&tally);
}

static void service_trip(void *opened) {
    struct service *service = opened;
    lend_future *future = NULL;
    if (lend_submit(service->executor, &LEND_JOB(.run = empty_job, .deadline = LEND_FOREVER),
                    &future) != 0 ||
        lend_future_wait(future, LEND_FOREVER) != 0)
        fprintf(stderr, "lend-bench: a job is not done\n");
    lend_future_drop(future);
}

const struct executor_contender executor_lend = {
    .name = "lend",
    .open = service_open,
    .bulk = service_bulk,
    .trip = service_trip,
    .close = service_close,
};
