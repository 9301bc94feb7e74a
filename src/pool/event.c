/* SPDX-License-Identifier: MIT
 *
 * From the pool to its sink, which may contain cancellation points: a thread cancelled in one would
 * leave with what it is about to give back. */
#include "pool/state.h"

void lend__pool_event(lend_pool *pool, enum lend_event_kind kind, int error, int slot,
                      const struct lend_site *site, const char *text) {
    word_next(&pool->events);
    if (pool->options.sink == NULL)
        return;
    const struct lend_event event = {
        .kind = kind,
        .error = error,
        .owner = pool->name,
        .slot = slot,
        .site = site,
        .text = text,
    };
    int shield = lend__thread_shield();
    pool->options.sink(&event, pool->options.sink_context);
    lend__thread_unshield(shield);
}
