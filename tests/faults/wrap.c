/* SPDX-License-Identifier: MIT
 *
 * What the core calls instead of what can fail. The core's objects are linked into one beforehand
 * with --wrap for each of these symbols, so that only their calls come here; the calls below go to
 * the real ones. */
#define _GNU_SOURCE
#include "faults/inject.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The core's own, seen from here without its types. */
void *lend__memory_new(size_t size);
void *lend__memory_new_aligned(size_t alignment, size_t size);
int lend__lock_init(void *lock);
int lend__alert_init(void *alert);
int lend__thread_start(void *thread, const char *name, void (*main)(void *), void *argument);

#define STRIKES(symbol) fault_strikes(#symbol, __builtin_return_address(0))
#define INTERRUPTS(symbol) fault_interrupts(#symbol, __builtin_return_address(0))

/* A function with nothing to count: its declaration, arguments, and the answer when it fails. */
#define WRAP(type, symbol, parameters, arguments, failure)                                         \
    type __wrap_##symbol parameters;                                                               \
    type __wrap_##symbol parameters {                                                              \
        return STRIKES(symbol) ? (failure) : symbol arguments;                                     \
    }

/* One that takes something which another one gives back. */
#define WRAP_TAKE(type, symbol, parameters, arguments, failure, success, pair)                     \
    type __wrap_##symbol parameters;                                                               \
    type __wrap_##symbol parameters {                                                              \
        if (STRIKES(symbol))                                                                       \
            return failure;                                                                        \
        type result = symbol arguments;                                                            \
        if (success)                                                                               \
            fault_took(pair);                                                                      \
        return result;                                                                             \
    }

#define WRAP_GIVE(symbol, parameters, arguments, pair)                                             \
    int __wrap_##symbol parameters;                                                                \
    int __wrap_##symbol parameters {                                                               \
        fault_gave(pair);                                                                          \
        return symbol arguments;                                                                   \
    }

WRAP(void *, lend__memory_new, (size_t size), (size), NULL)
WRAP(void *, lend__memory_new_aligned, (size_t alignment, size_t size), (alignment, size), NULL)
WRAP(int, lend__lock_init, (void *lock), (lock), ENOMEM)
WRAP(int, lend__alert_init, (void *alert), (alert), ENOMEM)
WRAP(int, lend__thread_start,
     (void *thread, const char *name, void (*start)(void *), void *argument),
     (thread, name, start, argument), ENOMEM)

WRAP_TAKE(void *, calloc, (size_t count, size_t size), (count, size), NULL, result != NULL,
          PAIR_MEMORY)
WRAP_TAKE(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), NULL,
          result != NULL, PAIR_MEMORY)

void __wrap_free(void *memory);
void __wrap_free(void *memory) {
    if (memory != NULL)
        fault_gave(PAIR_MEMORY);
    free(memory);
}

/* What the core reads of the machine is the same on each: so that all of the reading is run, and
 * the calls are the same in each run. */
static FILE *open_file(const char *path, const char *mode) {
    static const struct {
        const char *end, *contents;
    } files[] = {
        {"/proc/self/cgroup", "4:memory:/a\n3:cpu,cpuacct:/a\n0::/a\n"},
        {"/proc/self/statm", "1000 500 100 0 0 0 0\n"},
        {"/proc/meminfo", "MemFree: 9 kB\nMemAvailable: 8000000 kB\n"},
        {"/cpu.max", "150000 100000\n"},
        {"/cpu.cfs_quota_us", "250000\n"},
        {"/cpu.cfs_period_us", "100000\n"},
        {"/memory.max", "8000000000\n"},
        {"/memory.current", "1000000000\n"},
        {"/memory.limit_in_bytes", "8000000000\n"},
        {"/memory.usage_in_bytes", "1000000000\n"},
        {"/memory.stat", "anon 7\ninactive_file 1000\ntotal_inactive_file 1000\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t length = strlen(path), end = strlen(files[i].end);
        if (length >= end && strcmp(path + length - end, files[i].end) == 0)
            return fmemopen((void *)(uintptr_t)files[i].contents, strlen(files[i].contents), "r");
    }
    return fopen(path, mode);
}

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode) {
    FILE *file = STRIKES(fopen) ? NULL : open_file(path, mode);
    if (file != NULL)
        fault_took(PAIR_FILE);
    return file;
}

WRAP_GIVE(fclose, (FILE * file), (file), PAIR_FILE)
WRAP(char *, fgets, (char *line, int size, FILE *file), (line, size, file), NULL)
WRAP_TAKE(int, eventfd, (unsigned count, int flags), (count, flags), (errno = EMFILE, -1),
          result >= 0, PAIR_DESCRIPTOR)
WRAP_GIVE(close, (int descriptor), (descriptor), PAIR_DESCRIPTOR)
WRAP(ssize_t, write, (int descriptor, const void *data, size_t size), (descriptor, data, size),
     (errno = EIO, -1))
WRAP(int, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *set), (pid, size, set),
     (errno = EINVAL, -1))

int __wrap___isoc99_fscanf(FILE *file, const char *format, ...);
int __wrap___isoc99_fscanf(FILE *file, const char *format, ...) {
    if (STRIKES(__isoc99_fscanf))
        return EOF;
    va_list list;
    va_start(list, format);
    int fields = vfscanf(file, format, list);
    va_end(list);
    return fields;
}

int __wrap___isoc99_sscanf(const char *text, const char *format, ...);
int __wrap___isoc99_sscanf(const char *text, const char *format, ...) {
    if (STRIKES(__isoc99_sscanf))
        return EOF;
    va_list list;
    va_start(list, format);
    int fields = vsscanf(text, format, list);
    va_end(list);
    return fields;
}

WRAP_TAKE(cpu_set_t *, __sched_cpualloc, (size_t count), (count), NULL, result != NULL, PAIR_MEMORY)

void __wrap___sched_cpufree(cpu_set_t *set);
void __wrap___sched_cpufree(cpu_set_t *set) {
    fault_gave(PAIR_MEMORY);
    __sched_cpufree(set);
}

WRAP_TAKE(int, pthread_mutex_init, (pthread_mutex_t * mutex, const pthread_mutexattr_t *attributes),
          (mutex, attributes), ENOMEM, result == 0, PAIR_MUTEX)
WRAP_GIVE(pthread_mutex_destroy, (pthread_mutex_t * mutex), (mutex), PAIR_MUTEX)
WRAP_TAKE(int, pthread_create,
          (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *),
           void *argument),
          (thread, attributes, start, argument), EAGAIN, result == 0, PAIR_THREAD)
WRAP_GIVE(pthread_join, (pthread_t thread, void **ret_result), (thread, ret_result), PAIR_THREAD)
WRAP_GIVE(pthread_detach, (pthread_t thread), (thread), PAIR_THREAD)
WRAP(int, pthread_key_create, (pthread_key_t * key, void (*destructor)(void *)), (key, destructor),
     EAGAIN)
WRAP(int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value), ENOMEM)
WRAP(int, pthread_setname_np, (pthread_t thread, const char *name), (thread, name), ERANGE)
WRAP(int, pthread_atfork, (void (*prepare)(void), void (*parent)(void), void (*child)(void)),
     (prepare, parent, child), ENOMEM)
WRAP(int, sem_init, (sem_t * semaphore, int shared, unsigned value), (semaphore, shared, value),
     (errno = ENOSPC, -1))

int __wrap_sem_wait(sem_t *semaphore);
int __wrap_sem_wait(sem_t *semaphore) {
    if (!INTERRUPTS(sem_wait))
        return sem_wait(semaphore);
    errno = EINTR;
    return -1;
}

#define FUTEX_WAIT_BITSET_PRIVATE 137 /* the kernel's */

/* The parker's: a wait returns without a cause; a wake finds that the sleeper was up and gone. */
long __wrap_syscall(long number, void *word, int operation, long value, void *time, void *word2,
                    long value3);
long __wrap_syscall(long number, void *word, int operation, long value, void *time, void *word2,
                    long value3) {
    bool waits = operation == FUTEX_WAIT_BITSET_PRIVATE;
    bool interrupted = INTERRUPTS(syscall);
    long result = -1;
    if (!interrupted || !waits)
        result = syscall(number, word, operation, value, time, word2, value3);
    if (!interrupted)
        return result;
    errno = waits ? EINTR : EFAULT;
    return -1;
}
