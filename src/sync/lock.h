/* SPDX-License-Identifier: MIT
 *
 * The lock: short regions, no caller's code inside; taken and left in the same function, but where
 * a comment says that it is left in between. */
#ifndef LEND_SRC_SYNC_LOCK_H
#define LEND_SRC_SYNC_LOCK_H

#include <pthread.h>

struct lock {
    pthread_mutex_t mutex;
};

/* For one that lives as long as the process. */
#define LOCK_INIT                                                                                  \
    { PTHREAD_MUTEX_INITIALIZER }

/* 0 or ENOMEM. */
int lend__lock_init(struct lock *lock);

/* Nobody may hold it. A zeroed lock that was never initialised is not allowed. */
void lend__lock_deinit(struct lock *lock);

void lend__lock_acquire(struct lock *lock);
void lend__lock_release(struct lock *lock);

#endif
