/* SPDX-License-Identifier: MIT
 *
 * The contenders of `lend-bench pools`: each one lends models to threads, one at a time each.
 *
 * They differ in what they hand out and how they are called, so each runs the loop that is measured
 * itself: BORROW defines it, with calls to its acquire and release that are as direct as a program
 * that uses it would have them. What a program would write itself is kept from being inlined, as
 * a library's functions are. */
#ifndef LEND_BENCH_POOLS_H
#define LEND_BENCH_POOLS_H

#include "measure.h"

#include <stdbool.h>

/* One thread's part in a turn. */
struct turn {
    void *pool;
    uint64_t hold_steps; /* work done with each model; 0: it is given back at once */
    double until_s;      /* stop after that */
    uint64_t pairs;      /* filled: how often it has borrowed */
    double worst_wait_s; /* filled if there is work: the longest acquire */
};

struct pool_contender {
    const char *name;
    const char *absent;             /* what it would need, if it is not built in; else NULL */
    void *(*open)(unsigned models); /* NULL: it cannot */
    void (*borrow)(struct turn *turn);
    void (*close)(void *pool);
};

/* Pairs between two looks at the clock while nothing is done with the models. */
#define TURN_PAIRS 256

/* Define `function` as what a contender does in its turn: type held = acquire(pool), and
 * release(pool, held). */
#define BORROW(function, type, acquire, release)                                                   \
    static void function(struct turn *turn) {                                                      \
        void *pool = turn->pool;                                                                   \
        while (turn->hold_steps == 0 && now_s() < turn->until_s) {                                 \
            for (int i = 0; i < TURN_PAIRS; i++) {                                                 \
                type held = acquire(pool);                                                         \
                release(pool, held);                                                               \
            }                                                                                      \
            turn->pairs += TURN_PAIRS;                                                             \
        }                                                                                          \
        for (double asked_s = now_s(); asked_s < turn->until_s; asked_s = now_s()) {               \
            type held = acquire(pool);                                                             \
            turn_use(turn, now_s() - asked_s);                                                     \
            release(pool, held);                                                                   \
        }                                                                                          \
    }

/* What is done with a model that had to be waited for so long. */
static inline void turn_use(struct turn *turn, double waited_s) {
    if (waited_s > turn->worst_wait_s)
        turn->worst_wait_s = waited_s;
    work(turn->hold_steps);
    turn->pairs++;
}

/* The limits, and the bare order beside them. */
extern const struct pool_contender pool_two_atomics; /* spins, and knows nothing of anybody */
extern const struct pool_contender pool_none;        /* lends nothing: the work alone */
extern const struct pool_contender pool_line;        /* in order of arrival, and nothing else */

/* lend, and lend without its checks and accounts. */
extern const struct pool_contender pool_lend;
extern const struct pool_contender pool_lend_unaccounted;

/* What a program writes itself, and what libraries have. */
extern const struct pool_contender pool_mutex;
extern const struct pool_contender pool_semaphore;
extern const struct pool_contender pool_pipe;
extern const struct pool_contender pool_apr;
extern const struct pool_contender pool_glib;

#endif
