/* SPDX-License-Identifier: MIT
 *
 * Apache's thread pool (libaprutil). Its queue has no bound. */
#include "executors.h"

#define NAME "apr_thread_pool"

#if BENCH_HAS_APR

#include <apr_general.h>
#include <apr_thread_pool.h>
#include <stdlib.h>

struct threads {
    apr_pool_t *memory;
    apr_thread_pool_t *pool;
};

static void threads_close(void *executor) {
    struct threads *threads = executor;
    if (threads->pool != NULL)
        apr_thread_pool_destroy(threads->pool);
    apr_pool_destroy(threads->memory);
    free(threads);
    apr_terminate();
}

static void *threads_open(void) {
    struct threads *threads = calloc(1, sizeof *threads);
    if (threads == NULL || apr_initialize() != APR_SUCCESS) {
        free(threads);
        return NULL;
    }
    apr_pool_create(&threads->memory, NULL);
    if (apr_thread_pool_create(&threads->pool, EXECUTOR_WORKERS, EXECUTOR_WORKERS,
                               threads->memory) == APR_SUCCESS)
        return threads;
    threads_close(threads);
    return NULL;
}

static void *count(apr_thread_t *thread, void *tally) {
    (void)thread;
    tally_count(tally);
    return NULL;
}

static void threads_bulk(void *executor, size_t jobs) {
    struct threads *threads = executor;
    struct tally tally;
    tally_begin(&tally, jobs);
    for (size_t i = 0; i < jobs; i++)
        apr_thread_pool_push(threads->pool, count, &tally, APR_THREAD_TASK_PRIORITY_NORMAL, NULL);
    tally_await(&tally);
}

static void threads_trip(void *threads) {
    threads_bulk(threads, 1);
}

const struct executor_contender executor_apr = {
    .name = NAME,
    .open = threads_open,
    .bulk = threads_bulk,
    .trip = threads_trip,
    .close = threads_close,
};

#else
const struct executor_contender executor_apr = {.name = NAME, .absent = NAME " (libaprutil1-dev)"};
#endif
