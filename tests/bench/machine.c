/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The rest of the first line of a file that begins with `key`, without separators and quotes. */
static void find_line(const char *path, const char *key, char *value, size_t size) {
    char line[4096];
    FILE *stream = fopen(path, "r");
    snprintf(value, size, "?");
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        char *begin = line + strlen(key) + strspn(line + strlen(key), " \t:=\"");
        begin[strcspn(begin, "\"\n")] = '\0';
        snprintf(value, size, "%s", begin);
        break;
    }
    if (stream != NULL)
        fclose(stream);
}

unsigned machine_usable_cores(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

void machine_stay_on_core(unsigned index) {
    cpu_set_t usable, one;
    if (sched_getaffinity(0, sizeof usable, &usable) != 0)
        return;
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &usable) || index-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

/* The cores that the threads of the process share, while they are parted. */
static cpu_set_t all_cores;

/* All threads but the calling one. One that ends meanwhile is none of ours any more. */
static void move_others(const cpu_set_t *cores) {
    DIR *threads = opendir("/proc/self/task");
    struct dirent *thread;
    while (threads != NULL && (thread = readdir(threads)) != NULL) {
        pid_t tid = (pid_t)strtol(thread->d_name, NULL, 10);
        if (tid != 0 && tid != gettid())
            sched_setaffinity(tid, sizeof *cores, cores);
    }
    if (threads != NULL)
        closedir(threads);
}

void machine_part_threads(void) {
    cpu_set_t own, rest;
    if (sched_getaffinity(0, sizeof all_cores, &all_cores) != 0 || CPU_COUNT(&all_cores) < 2)
        return;
    machine_stay_on_core(0);
    if (sched_getaffinity(0, sizeof own, &own) != 0)
        return;
    CPU_XOR(&rest, &all_cores, &own);
    move_others(&rest);
}

void machine_join_threads(void) {
    if (CPU_COUNT(&all_cores) < 2)
        return;
    sched_setaffinity(0, sizeof all_cores, &all_cores);
    move_others(&all_cores);
}

struct machine machine_here(void) {
    struct machine machine = {
        .cores = machine_usable_cores(), .architecture = "?", .kernel = "?", .day = "?"};
    char flags[4096];
    struct utsname name;
    if (uname(&name) == 0) {
        snprintf(machine.kernel, sizeof machine.kernel, "%s %s", name.sysname, name.release);
        snprintf(machine.architecture, sizeof machine.architecture, "%s", name.machine);
    }
    find_line("/proc/cpuinfo", "flags", flags, sizeof flags);
    machine.is_virtual = strstr(flags, " hypervisor") != NULL;
    find_line("/proc/cpuinfo", "model name", machine.cpu, sizeof machine.cpu);
    find_line("/etc/os-release", "PRETTY_NAME", machine.system, sizeof machine.system);
    time_t now = time(NULL);
    struct tm day;
    if (gmtime_r(&now, &day) != NULL)
        strftime(machine.day, sizeof machine.day, "%Y-%m-%d", &day);
    return machine;
}
