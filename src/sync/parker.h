/* SPDX-License-Identifier: MIT
 *
 * The parker: one thread sleeps on it, any other wakes it. All waits for something to come to pass
 * are on one, but for the join of a thread and the dump's alert, which a signal handler gives.
 *
 * A wake leaves a permit; a sleep takes it and returns at once if it is there already. So a wake is
 * never lost, whichever comes first; several wakes before a sleep are one. Three states:
 *
 *     EMPTY  -> ASLEEP    the sleeper, who then waits in the kernel for as long as it is
 *     EMPTY  -> PERMIT    a waker
 *     ASLEEP -> PERMIT    a waker, who owes the kernel one call
 *     any    -> EMPTY     the sleeper leaves, with the permit if it is there
 *
 * It is a word that the kernel waits on (futex(2)), and not a mutex with a condition: glibc's
 * pthread_cond_wait comes back with the mutex marked as contended, so that each sleep ends in a
 * system call which wakes nobody (strace: 6 of them in a round trip of a job instead of 4). It
 * needs no memory that could be missing, and no end: the word is the last that a waker touches,
 * after it he has but the address, with which the kernel finds nobody, or somebody who looks and
 * sleeps on. What a waker did before is seen by the sleeper through the word itself, which is what
 * ThreadSanitizer goes by. */
#ifndef LEND_SRC_SYNC_PARKER_H
#define LEND_SRC_SYNC_PARKER_H

#include "base/assert.h"

#include <lend/deadline.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum parker_state { PARKER_EMPTY, PARKER_PERMIT, PARKER_ASLEEP };

struct parker {
    _Atomic(uint32_t) state; /* enum parker_state; 32 bits are what the kernel compares */
};

static inline void parker_init(struct parker *parker) {
    atomic_init(&parker->state, PARKER_EMPTY);
}

/* Nobody sleeps on it, and no wake begins any more. */
static inline void parker_deinit(struct parker *parker) {
    LEND_ASSERT(atomic_load_explicit(&parker->state, memory_order_relaxed) != PARKER_ASLEEP,
                "a parker ended under its sleeper");
}

/* Sleep until woken: true. False if the deadline passed first; LEND_NOW only looks. A zeroed
 * deadline is not allowed. Not a cancellation point. */
bool lend__parker_sleep(struct parker *parker, lend_deadline deadline);

/* The parker may be gone as soon as its sleeper is awake. */
void lend__parker_wake(struct parker *parker);

#endif
