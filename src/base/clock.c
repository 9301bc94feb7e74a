/* SPDX-License-Identifier: MIT
 *
 * The production clock: the kernel's. */
#include "base/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t lend__clock_now_ns(void) {
    return read_ns(CLOCK_MONOTONIC);
}

int64_t lend__clock_coarse_ns(void) {
    return read_ns(CLOCK_MONOTONIC_COARSE);
}
