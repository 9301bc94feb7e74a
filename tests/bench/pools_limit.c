/* SPDX-License-Identifier: MIT
 *
 * Limits: what no pool can beat. Two atomic operations for a pair, which is the least that keeps
 * two threads from having the same model; and no pool at all, whose threads do the work without
 * asking, so that what they get done is what the cores can do. */
#include "pools.h"

#include <sched.h>
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
