/* SPDX-License-Identifier: MIT
 *
 * The parker: one thread sleeps on it, any other wakes it. The only wait in the library.
 *
 * A wake leaves a permit; a sleep takes it and returns at once if it is there already. So a wake is
 * never lost, whichever comes first; several wakes before a sleep are one. Nobody shares a parker's
 * condition, which keeps clear of the wake-ups that glibc 2.36 loses on shared ones (BZ 25847).
 *
 * The condition is signalled after the mutex is left: signalled under it, the sleeper, if he comes
 * to run on the waker's core, wakes up only to wait for the mutex, and two switches become four
 * (measured: a round trip of 10 us instead of 4.9). So a waker may still be busy with a parker
 * whose sleeper is up, and the end of a parker waits for that. */
#ifndef LEND_SRC_SYNC_PARKER_H
#define LEND_SRC_SYNC_PARKER_H

#include "sync/word.h"

#include <lend/deadline.h>
#include <pthread.h>

struct parker {
    pthread_mutex_t mutex;   /* last in the lock order: nothing else is taken under it */
    pthread_cond_t wake;     /* on CLOCK_MONOTONIC */
    bool permit;             /* under mutex */
    uint64_t wakes;          /* begun; under mutex */
    struct word wakes_ended; /* the last that a waker touches */
};

/* 0 or ENOMEM. */
int lend__parker_init(struct parker *parker);

/* Nobody sleeps on it, and no wake begins any more; one that is still about to end is waited for,
 * with the core given away. Rather keep a parker than make one for each sleep. */
void lend__parker_deinit(struct parker *parker);

/* Sleep until woken: true. False if the deadline passed first; LEND_NOW only looks. A zeroed
 * deadline is not allowed. Not a cancellation point. */
bool lend__parker_sleep(struct parker *parker, lend_deadline deadline);

/* The parker may be deinitialised by its sleeper as soon as he is awake. */
void lend__parker_wake(struct parker *parker);

#endif
