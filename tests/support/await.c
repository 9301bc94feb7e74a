/* SPDX-License-Identifier: MIT
 *
 * Polling with a deadline. */
#include "support/await.h"

#include "support/gate.h"

#include <stdlib.h>
#include <time.h>

lend_deadline await_begin(void) {
    return lend_within_ms(PATIENCE_MS);
}

bool await_pause(lend_deadline deadline) {
    const struct timespec pause = {.tv_nsec = 100 * 1000};
    nanosleep(&pause, NULL);
    return lend_deadline_left_ms(deadline) > 0;
}

void await_tick(void) {
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    while (now.tv_sec == begin.tv_sec && now.tv_nsec == begin.tv_nsec);
}

struct lend_pool_stats stats_of(lend_pool *pool) {
    struct lend_pool_stats stats;
    if (lend_pool_stats_get(pool, &stats) != 0)
        abort();
    return stats;
}

struct lend_executor_stats executor_stats_of(lend_executor *executor) {
    struct lend_executor_stats stats;
    if (lend_executor_stats_get(executor, &stats) != 0)
        abort();
    return stats;
}
