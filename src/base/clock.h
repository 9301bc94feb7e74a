/* SPDX-License-Identifier: MIT
 *
 * The clock of the library: monotonic nanoseconds, and deadlines on it. All time comes through
 * here, so that a simulation can bring its own. */
#ifndef LEND_SRC_BASE_CLOCK_H
#define LEND_SRC_BASE_CLOCK_H

#include <lend/deadline.h>
#include <time.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* CLOCK_MONOTONIC: about 20 ns. */
int64_t lend__clock_now_ns(void);

/* The same clock as of the last tick, 1 to 10 ms old: a fifth of the cost. For stamps, not for
 * deadlines. */
static inline int64_t lend__clock_coarse_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* From `since` to `until`, 0 if the coarse clock makes them run backwards. */
static inline int64_t elapsed_ns(int64_t since_ns, int64_t until_ns) {
    return until_ns > since_ns ? until_ns - since_ns : 0;
}

static inline bool deadline_is_now(lend_deadline deadline) {
    return deadline.at_ns < 0;
}

static inline bool deadline_is_forever(lend_deadline deadline) {
    return deadline.at_ns == INT64_MAX;
}

/* Put the default patience, in ms, -1 for ever, in the place of a zeroed deadline. */
static inline lend_deadline deadline_or_default(lend_deadline deadline, int64_t default_ms) {
    if (deadline.at_ns != 0)
        return deadline;
    return default_ms < 0 ? LEND_FOREVER : lend_within_ms(default_ms);
}

#endif
