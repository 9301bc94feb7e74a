/* SPDX-License-Identifier: MIT
 *
 * GLib's thread pool, with threads of its own. Its queue has no bound. */
#include "executors.h"

#define NAME "GThreadPool"

#if BENCH_HAS_GLIB

#include <glib.h>

static void count(void *tally, void *nothing) {
    (void)nothing;
    tally_count(tally);
}

static void *threads_open(void) {
    return g_thread_pool_new(count, NULL, EXECUTOR_WORKERS, /* exclusive= */ TRUE, NULL);
}

static void threads_bulk(void *threads, size_t jobs) {
    struct tally tally;
    tally_begin(&tally, jobs);
    for (size_t i = 0; i < jobs; i++)
        g_thread_pool_push(threads, &tally, NULL);
    tally_await(&tally);
}

static void threads_trip(void *threads) {
    threads_bulk(threads, 1);
}

static void threads_close(void *threads) {
    g_thread_pool_free(threads, /* immediate= */ FALSE, /* wait= */ TRUE);
}

const struct executor_contender executor_glib = {
    .name = NAME,
    .open = threads_open,
    .bulk = threads_bulk,
    .trip = threads_trip,
    .close = threads_close,
};

#else
const struct executor_contender executor_glib = {.name = NAME, .absent = NAME " (libglib2.0-dev)"};
#endif
