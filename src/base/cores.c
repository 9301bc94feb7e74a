/* SPDX-License-Identifier: MIT
 *
 * Usable cores: sched_getaffinity(2), and cpu.max as in the kernel's Documentation/admin-guide/
 * cgroup-v2.rst: "$QUOTA $PERIOD" in microseconds, or "max $PERIOD". */
#define _GNU_SOURCE
#include "base/cores.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

static uint32_t cores_by_affinity(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return UINT32_MAX;
    return (uint32_t)CPU_COUNT(&set);
}

/* The quota of one group, in cores rounded up; UINT32_MAX if there is none. */
static uint32_t quota_of(const char *group) {
    char path[1100];
    unsigned long long quota_us, period_us;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return UINT32_MAX;
    int fields = fscanf(file, "%llu %llu", &quota_us, &period_us);
    fclose(file);
    if (fields != 2 || period_us == 0 || quota_us / period_us >= UINT32_MAX)
        return UINT32_MAX;
    return (uint32_t)((quota_us + period_us - 1) / period_us);
}

/* The tightest quota on the way from the own group up to the root. */
static uint32_t cores_by_quota(void) {
    char line[1024];
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL)
        return UINT32_MAX;
    char *group = NULL;
    while (group == NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "0::", 3) == 0)
            group = line + 3;
    fclose(file);
    if (group == NULL)
        return UINT32_MAX;
    group[strcspn(group, "\n")] = '\0';

    uint32_t cores = UINT32_MAX;
    for (;;) {
        uint32_t quota = quota_of(group);
        cores = quota < cores ? quota : cores;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return cores;
        *slash = '\0';
    }
}

uint32_t lend__cores_usable(void) {
    uint32_t affinity = cores_by_affinity();
    uint32_t quota = cores_by_quota();
    uint32_t cores = affinity < quota ? affinity : quota;
    if (cores == UINT32_MAX || cores == 0)
        return 1;
    return cores;
}
