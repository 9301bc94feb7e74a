/* SPDX-License-Identifier: MIT
 *
 * After the kernel's Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and
 * scheduler/sched-bwc.rst; the format of /proc/self/cgroup is that of cgroups(7). */
#include "base/cgroup.h"

#include "base/assert.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 4096

/* Where one controller is found. */
struct hierarchy {
    const char *controller; /* as in /proc/self/cgroup; "" is version 2 */
    const char *mount;
};

static const struct hierarchy cpu_hierarchies[] = {
    {"", "/sys/fs/cgroup"},
    {"", "/sys/fs/cgroup/unified"},
    {"cpu", "/sys/fs/cgroup/cpu"},
    {"cpu", "/sys/fs/cgroup/cpu,cpuacct"},
};
static const struct hierarchy memory_hierarchies[] = {
    {"", "/sys/fs/cgroup"},
    {"", "/sys/fs/cgroup/unified"},
    {"memory", "/sys/fs/cgroup/memory"},
};

/* Is `name` one of the names, with commas between them, that end at `end`? */
static bool has_name(const char *names, const char *end, const char *name) {
    size_t length = strlen(name);
    for (;;) {
        size_t next = strcspn(names, ",:");
        if (next == length && strncmp(names, name, length) == 0)
            return true;
        names += next;
        if (names >= end)
            return false;
        names++;
    }
}

/* "4:cpu,cpuacct:/some/group\n" or "0::/some/group\n": the group, if the line is of this
 * controller; else NULL. */
static char *group_in(char *line, const char *controller) {
    char *names = strchr(line, ':');
    char *end = names != NULL ? strchr(names + 1, ':') : NULL;
    if (end == NULL || !has_name(names + 1, end, controller))
        return NULL;
    end[strcspn(end, "\n")] = '\0';
    return end + 1;
}

/* The own group in a hierarchy; "" if it is not known: then the root of the mount is looked at. */
static void find_group(const char *root, const char *controller, char (*ret_group)[PATH_SIZE]) {
    char path[PATH_SIZE], line[PATH_SIZE];
    struct text text = text_into(path, sizeof path);
    lend__text_add(&text, "%s/proc/self/cgroup", root);
    (*ret_group)[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    const char *group = NULL;
    while (group == NULL && fgets(line, sizeof line, file) != NULL)
        group = group_in(line, controller);
    fclose(file);
    if (group != NULL)
        lend__text_copy(*ret_group, sizeof *ret_group, group);
}

static FILE *open_in(const char *folder, const char *name) {
    char path[PATH_SIZE + 64];
    struct text text = text_into(path, sizeof path);
    lend__text_add(&text, "%s/%s", folder, name);
    LEND_ASSERT(!text.cut, "no room for the name of a file of a control group");
    return fopen(path, "re");
}

/* A number alone in a file: false for "max", garbage, or no file. */
static bool read_number(const char *folder, const char *name, long long *ret_number) {
    FILE *file = open_in(folder, name);
    if (file == NULL)
        return false;
    bool read = fscanf(file, "%lld", ret_number) == 1;
    fclose(file);
    return read;
}

/* A line "NAME NUMBER" of a file; 0 if there is none. */
static uint64_t read_field(const char *folder, const char *name, const char *field) {
    char line[256], key[64];
    unsigned long long number;
    FILE *file = open_in(folder, name);
    if (file == NULL)
        return 0;
    uint64_t found = 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "%63s %llu", key, &number) == 2 && strcmp(key, field) == 0)
            found = number;
    fclose(file);
    return found;
}

/* cores */

static uint64_t cores_of_quota(long long quota_us, long long period_us) {
    if (quota_us <= 0 || period_us <= 0)
        return UINT64_MAX;
    return (uint64_t)(quota_us / period_us + (quota_us % period_us != 0));
}

/* cpu.max is "$QUOTA $PERIOD" in microseconds, or "max $PERIOD"; in version 1 they are two files,
 * and no quota is -1. */
static uint64_t cores_of_group(const char *folder) {
    long long quota_us, period_us;
    uint64_t cores = UINT64_MAX;
    FILE *file = open_in(folder, "cpu.max");
    if (file != NULL) {
        if (fscanf(file, "%lld %lld", &quota_us, &period_us) == 2)
            cores = cores_of_quota(quota_us, period_us);
        fclose(file);
    }
    if (read_number(folder, "cpu.cfs_quota_us", &quota_us) &&
        read_number(folder, "cpu.cfs_period_us", &period_us))
        cores = cores_of_quota(quota_us, period_us);
    return cores;
}

/* memory */

static uint64_t left_of(long long limit, long long used, uint64_t reclaimable) {
    uint64_t kept = (uint64_t)used > reclaimable ? (uint64_t)used - reclaimable : 0;
    return (uint64_t)limit > kept ? (uint64_t)limit - kept : 0;
}

/* What one limit of a group leaves: version 1 shows the largest multiple of a page for none. */
static uint64_t left_of_limit(const char *folder, const char *limit_name, const char *used_name,
                              const char *reclaimable_name) {
    long long limit, used;
    if (!read_number(folder, limit_name, &limit) || !read_number(folder, used_name, &used) ||
        limit < 0 || used < 0 || limit > INT64_MAX / 2)
        return UINT64_MAX;
    return left_of(limit, used, read_field(folder, "memory.stat", reclaimable_name));
}

static uint64_t smaller(uint64_t one, uint64_t other) {
    return one < other ? one : other;
}

static uint64_t memory_of_group(const char *folder) {
    uint64_t max = left_of_limit(folder, "memory.max", "memory.current", "inactive_file");
    uint64_t high = left_of_limit(folder, "memory.high", "memory.current", "inactive_file");
    uint64_t old = left_of_limit(folder, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                 "total_inactive_file");
    return smaller(old, smaller(max, high));
}

/* The least that `of_group` says of the own group and of each above it. */
static uint64_t least_on_the_way(const char *root, const struct hierarchy *hierarchy,
                                 uint64_t (*of_group)(const char *folder)) {
    char group[PATH_SIZE], folder[PATH_SIZE];
    uint64_t least = UINT64_MAX;
    find_group(root, hierarchy->controller, &group);
    for (;;) {
        struct text text = text_into(folder, sizeof folder);
        lend__text_add(&text, "%s%s%s", root, hierarchy->mount, group);
        uint64_t here = text.cut ? UINT64_MAX : of_group(folder);
        least = smaller(here, least);
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

uint32_t lend__cgroup_cores(const char *root) {
    uint64_t cores = UINT64_MAX;
    for (size_t i = 0; i < sizeof cpu_hierarchies / sizeof cpu_hierarchies[0]; i++)
        cores = smaller(cores, least_on_the_way(root, &cpu_hierarchies[i], cores_of_group));
    return cores < UINT32_MAX ? (uint32_t)cores : UINT32_MAX;
}

uint64_t lend__cgroup_memory_left(const char *root) {
    uint64_t left = UINT64_MAX;
    for (size_t i = 0; i < sizeof memory_hierarchies / sizeof memory_hierarchies[0]; i++)
        left = smaller(left, least_on_the_way(root, &memory_hierarchies[i], memory_of_group));
    return left;
}
