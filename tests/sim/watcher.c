/* SPDX-License-Identifier: MIT
 *
 * What is watched, and when it is looked at. */
#include "watcher.h"

#include "fail.h"
#include "threads.h"

#include <string.h>

struct watcher watcher;

void watcher_begin_run(void) {
    memset(watcher.pools, 0, sizeof watcher.pools);
    memset(watcher.executors, 0, sizeof watcher.executors);
}

void watcher_add_pool(lend_pool *pool) {
    uint32_t i = 0;
    while (watcher.pools[i].pool != NULL)
        SIM_CHECK("ROOM", ++i < WATCHED_POOLS, "the scenario has too many pools");
    watcher.pools[i] = (struct watched_pool){.pool = pool};
    SIM_CHECK("ROOM", pool->slot_count <= WATCHED_SLOTS, "the pool has too many slots");
    for (uint32_t slot = 0; slot < pool->slot_count; slot++)
        watcher.pools[i].lives[slot] = pool->slots[slot].life.value;
}

void watcher_add_executor(lend_executor *executor) {
    uint32_t i = 0;
    while (watcher.executors[i].executor != NULL)
        SIM_CHECK("ROOM", ++i < WATCHED_EXECUTORS, "the scenario has too many executors");
    watcher.executors[i] = (struct watched_executor){.executor = executor};
}

void watcher_freed(const void *memory) {
    for (uint32_t i = 0; i < WATCHED_POOLS; i++)
        if (watcher.pools[i].pool == memory)
            watcher.pools[i].pool = NULL;
    for (uint32_t i = 0; i < WATCHED_EXECUTORS; i++)
        if (watcher.executors[i].executor == memory)
            watcher.executors[i].executor = NULL;
}

void watcher_lock_left(const struct lock *lock) {
    for (uint32_t i = 0; i < WATCHED_POOLS; i++)
        if (watcher.pools[i].pool != NULL && lock == &watcher.pools[i].pool->lock)
            check_pool_lock_left(&watcher.pools[i]);
    for (uint32_t i = 0; i < WATCHED_EXECUTORS; i++)
        if (watcher.executors[i].executor != NULL && lock == &watcher.executors[i].executor->lock)
            check_executor_lock_left(&watcher.executors[i]);
}

void watcher_word_written(const struct word *word) {
    for (uint32_t i = 0; i < WATCHED_POOLS; i++)
        if (watcher.pools[i].pool != NULL)
            check_pool_word_written(&watcher.pools[i], word);
}

/* A check may be under way as long as anybody holds a lock, and a library thread may be about to
 * begin one as long as it is awake. */
static bool checks_are_over(void) {
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        const struct sim_thread *thread = &machine.threads[i];
        if (thread->locks > 0)
            return false;
        if (thread->state == SIM_READY && thread != machine.running &&
            strncmp(thread->name, "lend-", 5) == 0)
            return false;
    }
    return true;
}

void watcher_falls_asleep(void) {
    if (checks_are_over())
        check_hope();
}

void watcher_time_passes(void) {
    check_hope();
}
