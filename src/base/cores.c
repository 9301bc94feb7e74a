/* SPDX-License-Identifier: MIT
 *
 * Usable cores: sched_getaffinity(2), in a set as large as the kernel's, and the quota. */
#define _GNU_SOURCE
#include "base/cores.h"

#include "base/cgroup.h"
#include "base/memory.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

/* The kernel refuses a set that is smaller than its own (EINVAL): it is doubled until it fits. */
#define CPUS_MIN 1024
#define CPUS_MAX (1 << 20)

static uint32_t cores_by_affinity(void) {
    for (unsigned cpus = CPUS_MIN; cpus <= CPUS_MAX; cpus *= 2) {
        size_t size = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *set = lend__memory_new(size);
        if (set == NULL)
            return UINT32_MAX;
        int error = sched_getaffinity(0, size, set) == 0 ? 0 : errno;
        uint32_t cores = error == 0 ? (uint32_t)CPU_COUNT_S(size, set) : UINT32_MAX;
        lend__memory_free(set);
        if (error != EINVAL)
            return cores;
    }
    return UINT32_MAX;
}

uint32_t lend__cores_usable(void) {
    uint32_t affinity = cores_by_affinity();
    uint32_t quota = lend__cgroup_cores("");
    uint32_t cores = affinity < quota ? affinity : quota;
    return cores == UINT32_MAX ? 1 : cores;
}
