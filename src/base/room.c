/* SPDX-License-Identifier: MIT
 *
 * After proc(5): statm is "size resident shared ..." in pages, meminfo has "MemAvailable: N kB". */
#include "base/room.h"

#include "base/cgroup.h"
#include "base/text.h"

#include <stdio.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define KIB 1024

static FILE *open_under(const char *root, const char *name) {
    char path[PATH_SIZE];
    struct text text = text_into(path, sizeof path);
    lend__text_add(&text, "%s%s", root, name);
    return fopen(path, "re");
}

static uint64_t available(const char *root) {
    char line[256];
    unsigned long long kib;
    uint64_t found = UINT64_MAX;
    FILE *file = open_under(root, "/proc/meminfo");
    if (file == NULL)
        return UINT64_MAX;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1 && kib < UINT64_MAX / KIB)
            found = kib * KIB;
    fclose(file);
    return found;
}

uint64_t lend__room_left(const char *root) {
    uint64_t machine = available(root);
    uint64_t group = lend__cgroup_memory_left(root);
    return machine < group ? machine : group;
}

uint64_t lend__room_taken(const char *root) {
    unsigned long long resident, shared;
    FILE *file = open_under(root, "/proc/self/statm");
    if (file == NULL)
        return 0;
    int fields = fscanf(file, "%*u %llu %llu", &resident, &shared);
    fclose(file);
    if (fields != 2 || shared > resident)
        return 0;
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
