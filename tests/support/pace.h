/* SPDX-License-Identifier: MIT
 *
 * How often a test repeats what only chance can show, and how long it gives what is not to last: it
 * depends on whether it runs under Valgrind, where a step takes a hundred times as long, and where
 * it is the order of events that counts, and not how close they come. */
#ifndef LEND_TESTS_SUPPORT_PACE_H
#define LEND_TESTS_SUPPORT_PACE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

static inline bool is_under_valgrind(void) {
#if defined(RUNNING_ON_VALGRIND)
    return RUNNING_ON_VALGRIND != 0;
#else
    return false;
#endif
}

static inline int rounds(int usually, int under_valgrind) {
    return is_under_valgrind() ? under_valgrind : usually;
}

/* For a time by which something else should have happened. */
static inline int64_t paced_ms(int64_t ms) {
    return is_under_valgrind() ? 20 * ms : ms;
}

#endif
