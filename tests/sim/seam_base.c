/* SPDX-License-Identifier: MIT
 *
 * src/base once more, where it is about the world outside: memory, time, cores, the end. */
#include "fail.h"
#include "memory.h"
#include "threads.h"
#include "watcher.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/cores.h"
#include "base/memory.h"
#include "base/room.h"

#include <stdlib.h>
#include <string.h>

/* memory */

#define ARENA_SIZE ((size_t)8 << 20)
#define FREED 0xdb

struct block {
    _Alignas(CACHE_LINE) size_t size;
    bool freed;
    struct block *previous;
    _Alignas(CACHE_LINE) unsigned char bytes[];
};

struct balance balance;

static struct {
    unsigned char *bytes;
    size_t used;
    struct block *last;
} arena;

void *lend__memory_new(size_t size) {
    size_t whole = sizeof(struct block) + (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    SIM_CHECK("ROOM", arena.used + whole <= ARENA_SIZE, "the run needs too much memory");
    struct block *block = (struct block *)(void *)(arena.bytes + arena.used);
    arena.used += whole;
    block->size = size;
    block->freed = false;
    block->previous = arena.last;
    arena.last = block;
    balance.blocks++;
    memset(block->bytes, 0, size);
    return block->bytes;
}

void *lend__memory_new_aligned(size_t alignment, size_t size) {
    SIM_CHECK("ROOM", alignment <= CACHE_LINE, "more aligned than expected");
    return lend__memory_new(size);
}

void lend__memory_free(void *memory) {
    if (memory == NULL)
        return;
    struct block *block =
        (struct block *)(void *)((unsigned char *)memory - offsetof(struct block, bytes));
    SIM_CHECK("HEAP", !block->freed, "%s frees what was freed", machine.running->name);
    block->freed = true;
    watcher_freed(memory);
    memset(block->bytes, FREED, block->size);
    balance.blocks--;
}

void memory_begin_run(void) {
    if (arena.bytes == NULL)
        arena.bytes = aligned_alloc(4096, ARENA_SIZE);
    if (arena.bytes == NULL)
        abort();
    arena.used = 0;
    arena.last = NULL;
    balance = (struct balance){0};
}

void memory_end_run(void) {
    for (const struct block *block = arena.last; block != NULL; block = block->previous)
        for (size_t i = 0; block->freed && i < block->size; i++)
            SIM_CHECK("HEAP", block->bytes[i] == FREED,
                      "somebody wrote to byte %zu of %zu that were freed", i, block->size);
    SIM_CHECK("RET0",
              balance.blocks == 0 && balance.locks == 0 && balance.parkers == 0 &&
                  balance.bells == 0,
              "left at the end: %d blocks of memory, %d locks, %d parkers, %d bells",
              (int)balance.blocks, (int)balance.locks, (int)balance.parkers, (int)balance.bells);
}

bool memory_is_live(const void *address) {
    const unsigned char *at = address;
    for (const struct block *block = arena.last; block != NULL; block = block->previous)
        if (at >= block->bytes && at < block->bytes + block->size)
            return !block->freed;
    return false;
}

/* time: the fine clock is a point, as it is a call; the coarse one ticks every 4 ms */

#define TICK_NS (4 * NS_PER_MS)

int64_t lend__clock_now_ns(void) {
    sim_point("reads the clock", NULL);
    sim_learned((uint64_t)machine.now_ns);
    return machine.now_ns;
}

int64_t lend__clock_coarse_ns(void) {
    return machine.now_ns - machine.now_ns % TICK_NS;
}

uint32_t lend__cores_usable(void) {
    return 2;
}

uint64_t lend__room_left(const char *root) {
    (void)root;
    return UINT64_MAX;
}

uint64_t lend__room_taken(const char *root) {
    (void)root;
    return 0;
}

_Noreturn void lend__broken(const char *sentence, const char *file, int line) {
    sim_fail("ASSERT", "%s (%s:%d)", sentence, file, line);
}
