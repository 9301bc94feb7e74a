/* SPDX-License-Identifier: MIT
 *
 * GLib's queue between threads, with the models in it. */
#include "pools.h"

#define NAME "GAsyncQueue"

#if BENCH_HAS_GLIB

#include <glib.h>

static void *queue_open(unsigned models) {
    GAsyncQueue *queue = g_async_queue_new();
    for (unsigned i = 1; i <= models; i++)
        g_async_queue_push(queue, GUINT_TO_POINTER(i));
    return queue;
}

static void queue_close(void *queue) {
    g_async_queue_unref(queue);
}

BORROW(queue_borrow, void *, g_async_queue_pop, g_async_queue_push)

const struct pool_contender pool_glib = {
    .name = NAME,
    .open = queue_open,
    .borrow = queue_borrow,
    .close = queue_close,
};

#else
const struct pool_contender pool_glib = {.name = NAME, .absent = NAME " (libglib2.0-dev)"};
#endif
