/* SPDX-License-Identifier: MIT
 *
 * libuv's work queue. Work is handed over and taken back by the thread of a loop, so here a job is
 * done when the loop has said so. The queue has no bound; its threads are the process's and stay.
 */
#include "executors.h"

#define NAME "uv_queue_work"

#if BENCH_HAS_UV

#include <stdlib.h>
#include <uv.h>

/* The number of threads is read once, at the first work. */
static void *loop_open(void) {
    uv_loop_t *loop = malloc(sizeof *loop);
    setenv("UV_THREADPOOL_SIZE", "2", /* overwrite= */ 1);
    _Static_assert(EXECUTOR_WORKERS == 2, "as many as are set here");
    if (loop != NULL && uv_loop_init(loop) == 0)
        return loop;
    free(loop);
    return NULL;
}

static void loop_close(void *loop) {
    uv_loop_close(loop);
    free(loop);
}

static void count(uv_work_t *work) {
    tally_count(work->data);
}

static void finish(uv_work_t *work, int status) {
    (void)status;
    free(work);
}

static void loop_bulk(void *loop, size_t jobs) {
    struct tally tally;
    tally_begin(&tally, jobs);
    for (size_t i = 0; i < jobs; i++) {
        uv_work_t *work = malloc(sizeof *work);
        if (work == NULL)
            abort();
        work->data = &tally;
        uv_queue_work(loop, work, count, finish);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    tally_await(&tally);
}

static void loop_trip(void *loop) {
    loop_bulk(loop, 1);
}

const struct executor_contender executor_uv = {
    .name = NAME,
    .open = loop_open,
    .bulk = loop_bulk,
    .trip = loop_trip,
    .close = loop_close,
};

#else
const struct executor_contender executor_uv = {.name = NAME, .absent = NAME " (libuv1-dev)"};
#endif
