/* SPDX-License-Identifier: MIT
 *
 * How often a test repeats what only chance can show: fewer times under Valgrind, where a step
 * takes a hundred times as long, and where it is the order of events that counts and not how close
 * they come. */
#ifndef LEND_TESTS_SUPPORT_ROUNDS_H
#define LEND_TESTS_SUPPORT_ROUNDS_H

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

static inline int rounds(int usually, int under_valgrind) {
#if defined(RUNNING_ON_VALGRIND)
    if (RUNNING_ON_VALGRIND)
        return under_valgrind;
#else
    (void)under_valgrind;
#endif
    return usually;
}

#endif
