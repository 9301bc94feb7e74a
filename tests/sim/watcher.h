/* SPDX-License-Identifier: MIT
 *
 * The watcher: looks into the pools and executors of a run, and fails it when an invariant of
 * pool/state.h or exec/state.h does not hold where it should. The seam calls it: after each region
 * under a lock, after each change of a word, and whenever a thread falls asleep. It looks at words
 * as they are, which is not a point. */
#ifndef LEND_TESTS_SIM_WATCHER_H
#define LEND_TESTS_SIM_WATCHER_H

#include "exec/state.h"
#include "pool/state.h"

enum { WATCHED_POOLS = 3, WATCHED_SLOTS = 8, WATCHED_EXECUTORS = 2, WATCHED_WAITS = 16 };

/* A wait as it was when the lock was left last. */
struct watched_wait {
    struct waiter *waiter;
    struct sim_thread *thread; /* on whose stack the waiter is */
    struct task *task;         /* of an executor: whose future is waited for */
    bool joins;                /* for its being over */
};

struct watched_pool {
    lend_pool *pool;
    struct watched_wait waits[WATCHED_WAITS];
    uint32_t wait_count;
    uint64_t lives[WATCHED_SLOTS];
};

struct watched_executor {
    lend_executor *executor;
    struct watched_wait waits[WATCHED_WAITS];
    uint32_t wait_count;
};

extern struct watcher {
    struct watched_pool pools[WATCHED_POOLS];
    struct watched_executor executors[WATCHED_EXECUTORS];
    uint64_t oracle_asked, oracle_refused, oracle_unsure; /* in this process */
} watcher;

void watcher_begin_run(void);
void watcher_add_pool(lend_pool *pool);
void watcher_add_executor(lend_executor *executor);

/* By the seam. */
void watcher_freed(const void *memory);
void watcher_lock_left(const struct lock *lock);
void watcher_word_written(const struct word *word);
void watcher_falls_asleep(void);
void watcher_time_passes(void);

/* Its parts. */
void check_pool_lock_left(struct watched_pool *watched);
void check_pool_word_written(struct watched_pool *watched, const struct word *word);
void check_executor_lock_left(struct watched_executor *watched);

/* All tasks of an executor that are not over, those in its inbox too. Returns how many. */
enum { WATCHED_TASKS = 64 };
uint32_t watcher_tasks(const lend_executor *executor, struct task *tasks[WATCHED_TASKS]);

/* SOUND: this wait was refused this moment; it must have been hopeless. */
void check_refusal(const struct watched_wait *refused, const lend_pool *pool);

/* NOHOPE: nobody waits who cannot go on. */
void check_hope(void);

#endif
