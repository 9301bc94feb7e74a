/* SPDX-License-Identifier: MIT
 *
 * Latches: how tests order threads without sleeping. A latch counts up; whoever waits for a count
 * goes on once it is reached. */
#ifndef LEND_TESTS_SUPPORT_LATCH_H
#define LEND_TESTS_SUPPORT_LATCH_H

#include <pthread.h>
#include <stdbool.h>

struct latch {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned count;
};

#define LATCH_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

void latch_count(struct latch *latch);
unsigned latch_get(struct latch *latch);

/* False if it took more than 20 s: the test has failed, and should say so on its own thread. */
bool latch_wait(struct latch *latch, unsigned count);

/* The same, but also back when `over` says so. It is asked once a millisecond. */
void latch_wait_or(struct latch *latch, unsigned count, bool (*over)(const void *), const void *of);

#endif
