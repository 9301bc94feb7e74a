/* SPDX-License-Identifier: MIT
 *
 * The parker: one thread sleeps on it, any other wakes it. The only wait in the library.
 *
 * A wake leaves a permit; a sleep takes it and returns at once if it is there already. So a wake is
 * never lost, whichever comes first; several wakes before a sleep are one. Nobody shares a parker's
 * condition, which keeps clear of the wake-ups that glibc 2.36 loses on shared ones (BZ 25847). */
#ifndef LEND_SRC_SYNC_PARKER_H
#define LEND_SRC_SYNC_PARKER_H

#include <lend/deadline.h>
#include <pthread.h>

struct parker {
    pthread_mutex_t mutex; /* last in the lock order: nothing else is taken under it */
    pthread_cond_t wake;   /* on CLOCK_MONOTONIC */
    bool permit;           /* under mutex */
};

/* 0 or ENOMEM. */
int lend__parker_init(struct parker *parker);
void lend__parker_deinit(struct parker *parker);

/* Sleep until woken: true. False if the deadline passed first; LEND_NOW only looks. A zeroed
 * deadline is not allowed. Not a cancellation point. */
bool lend__parker_sleep(struct parker *parker, lend_deadline deadline);

/* The parker may be freed by its sleeper as soon as this has returned, or, if the sleeper knows
 * from elsewhere that the wake is over, before. */
void lend__parker_wake(struct parker *parker);

#endif
