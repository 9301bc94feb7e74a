/* SPDX-License-Identifier: MIT
 *
 * The clock of the library: monotonic nanoseconds. All time comes through here, so that a
 * simulation can bring its own. */
#ifndef LEND_SRC_BASE_CLOCK_H
#define LEND_SRC_BASE_CLOCK_H

#include "base/deadline.h"

#include <time.h>

/* CLOCK_MONOTONIC: about 20 ns. */
int64_t lend__clock_now_ns(void);

/* The same clock as of the last tick, 1 to 10 ms old: a fifth of the cost. For stamps, not for
 * deadlines. */
static inline int64_t lend__clock_coarse_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

#endif
