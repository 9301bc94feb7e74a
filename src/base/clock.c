/* SPDX-License-Identifier: MIT
 *
 * The production clock: the kernel's. */
#include "base/clock.h"

int64_t lend__clock_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}
