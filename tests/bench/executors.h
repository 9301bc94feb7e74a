/* SPDX-License-Identifier: MIT
 *
 * The contenders of `lend-bench executor`: each one runs jobs on two threads. All jobs are the
 * same: they count themselves, and the last one says that it was the last. */
#ifndef LEND_BENCH_EXECUTORS_H
#define LEND_BENCH_EXECUTORS_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>

#define EXECUTOR_WORKERS 2
#define EXECUTOR_QUEUE 1024 /* jobs, where the contender has a bound */

/* What the jobs of one bulk count in. */
struct tally {
    _Alignas(64) _Atomic(size_t) left;
    sem_t all_done;
};

void tally_begin(struct tally *tally, size_t jobs);
void tally_await(struct tally *tally);

/* The job. */
static inline void tally_count(struct tally *tally) {
    if (atomic_fetch_sub_explicit(&tally->left, 1, memory_order_acq_rel) == 1)
        sem_post(&tally->all_done);
}

struct executor_contender {
    const char *name;
    const char *absent;  /* what it would need, if it is not built in; else NULL */
    void *(*open)(void); /* NULL: it cannot */
    void (*bulk)(void *executor, size_t jobs); /* hand over so many, wait until all are done */
    void (*trip)(void *executor);              /* hand one over, wait until it is done */
    void (*close)(void *executor);
};

/* The limit of a trip: two threads and two semaphores. It has no bulk. */
extern const struct executor_contender executor_ping_pong;

extern const struct executor_contender executor_lend;

/* What a program writes itself, and what libraries have. */
extern const struct executor_contender executor_deque;
extern const struct executor_contender executor_glib;
extern const struct executor_contender executor_apr;
extern const struct executor_contender executor_uv;

#endif
