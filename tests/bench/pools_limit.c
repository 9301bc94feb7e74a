/* SPDX-License-Identifier: MIT
 *
 * Limits: what no pool can beat. Two atomic operations for a pair, which is the least that keeps
 * two threads from having the same model; and no pool at all, whose threads do the work without
 * asking, so that what they get done is what the cores can do. Beside them what hands models over
 * in order of arrival and does nothing else, as one would write it. */
#include "pools.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

struct bitmap {
    _Alignas(64) _Atomic(uint64_t) idle; /* a bit for each model */
};

static void *bitmap_open(unsigned models) {
    struct bitmap *bitmap = models <= 64 ? aligned_alloc(64, sizeof *bitmap) : NULL;
    if (bitmap != NULL)
        atomic_init(&bitmap->idle, UINT64_MAX >> (64 - models));
    return bitmap;
}

__attribute__((__noinline__)) static unsigned bitmap_take(struct bitmap *bitmap) {
    uint64_t idle = atomic_load_explicit(&bitmap->idle, memory_order_relaxed);
    for (;;) {
        uint64_t lowest = idle & -idle;
        if (idle == 0) {
            sched_yield();
            idle = atomic_load_explicit(&bitmap->idle, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(&bitmap->idle, &idle, idle & ~lowest,
                                                         memory_order_acquire,
                                                         memory_order_relaxed)) {
            return (unsigned)__builtin_ctzll(lowest);
        }
    }
}

__attribute__((__noinline__)) static void bitmap_put(struct bitmap *bitmap, unsigned taken) {
    atomic_fetch_or_explicit(&bitmap->idle, UINT64_C(1) << taken, memory_order_release);
}

BORROW(bitmap_borrow, unsigned, bitmap_take, bitmap_put)

const struct pool_contender pool_two_atomics = {
    .name = "limit: two atomics",
    .open = bitmap_open,
    .borrow = bitmap_borrow,
    .close = free,
};

static void *nothing_open(unsigned models) {
    (void)models;
    return malloc(1);
}

static int nothing_take(void *pool) {
    (void)pool;
    return 0;
}

static void nothing_put(void *pool, int taken) {
    (void)pool;
    (void)taken;
}

BORROW(nothing_borrow, int, nothing_take, nothing_put)

const struct pool_contender pool_none = {
    .name = "limit: the work alone",
    .open = nothing_open,
    .borrow = nothing_borrow,
    .close = free,
};

/* On the stack of the thread that waits. */
struct place {
    struct place *next;
    sem_t granted;
    unsigned model;
};

struct line {
    pthread_mutex_t mutex;
    struct place *first, **end; /* of who waits; the link of the last */
    unsigned idle_count;
    unsigned idle[];
};

static void *line_open(unsigned models) {
    struct line *line = malloc(sizeof *line + models * sizeof *line->idle);
    if (line == NULL)
        return NULL;
    pthread_mutex_init(&line->mutex, NULL);
    line->first = NULL;
    line->end = &line->first;
    for (line->idle_count = 0; line->idle_count < models; line->idle_count++)
        line->idle[line->idle_count] = line->idle_count;
    return line;
}

static void line_close(void *opened) {
    struct line *line = opened;
    pthread_mutex_destroy(&line->mutex);
    free(line);
}

/* Under the mutex, which is left. */
static unsigned line_wait(struct line *line) {
    struct place self = {0};
    sem_init(&self.granted, /* pshared= */ 0, 0);
    *line->end = &self;
    line->end = &self.next;
    pthread_mutex_unlock(&line->mutex);
    while (sem_wait(&self.granted) != 0 && errno == EINTR)
        ;
    sem_destroy(&self.granted);
    return self.model;
}

/* While somebody waits, no model is idle. */
__attribute__((__noinline__)) static unsigned line_take(struct line *line) {
    pthread_mutex_lock(&line->mutex);
    if (line->idle_count == 0)
        return line_wait(line);
    unsigned model = line->idle[--line->idle_count];
    pthread_mutex_unlock(&line->mutex);
    return model;
}

__attribute__((__noinline__)) static void line_put(struct line *line, unsigned model) {
    pthread_mutex_lock(&line->mutex);
    struct place *first = line->first;
    if (first == NULL) {
        line->idle[line->idle_count++] = model;
    } else {
        line->first = first->next;
        if (line->first == NULL)
            line->end = &line->first;
        first->model = model;
    }
    pthread_mutex_unlock(&line->mutex);
    if (first != NULL)
        sem_post(&first->granted);
}

BORROW(line_borrow, unsigned, line_take, line_put)

const struct pool_contender pool_line = {
    .name = "bare strict order",
    .open = line_open,
    .borrow = line_borrow,
    .close = line_close,
};
