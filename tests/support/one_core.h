/* SPDX-License-Identifier: MIT
 *
 * One core for the calling thread, and those that it starts from then on, as if there were no
 * other. Define _GNU_SOURCE before all else. */
#ifndef LEND_TESTS_SUPPORT_ONE_CORE_H
#define LEND_TESTS_SUPPORT_ONE_CORE_H

#include <sched.h>

/* 0 or -1; *before is to be set again. */
static inline int restrict_to_one_core(cpu_set_t *before) {
    cpu_set_t one;
    if (sched_getaffinity(0, sizeof *before, before) != 0)
        return -1;
    CPU_ZERO(&one);
    for (size_t cpu = 0; CPU_COUNT(&one) == 0 && cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, before))
            CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one);
}

#endif
