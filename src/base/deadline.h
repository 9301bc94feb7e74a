/* SPDX-License-Identifier: MIT
 *
 * Deadlines and durations in nanoseconds of the clock (clock.h), which is not read here. */
#ifndef LEND_SRC_BASE_DEADLINE_H
#define LEND_SRC_BASE_DEADLINE_H

#include <lend/deadline.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* The coarse clock is not further behind than this, unless the whole machine stood still. */
#define CLOCK_TICK_NS (10 * NS_PER_MS)

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

/* Within so many ms from now; -1: for ever. */
lend_deadline lend__deadline_default(int64_t default_ms);

/* Put the default patience in the place of a zeroed deadline. */
static inline lend_deadline deadline_or_default(lend_deadline deadline, int64_t default_ms) {
    return deadline.at_ns != 0 ? deadline : lend__deadline_default(default_ms);
}

#endif
