/* SPDX-License-Identifier: MIT
 *
 * The production lock: a plain mutex. Its results are asserted: they are never non-zero but for a
 * broken invariant (unlocked by another thread, destroyed while held). */
#include "sync/lock.h"

#include "base/assert.h"

#include <errno.h>

int lend__lock_init(struct lock *lock) {
    return pthread_mutex_init(&lock->mutex, NULL) == 0 ? 0 : ENOMEM;
}

void lend__lock_deinit(struct lock *lock) {
    int error = pthread_mutex_destroy(&lock->mutex);
    LEND_ASSERT(error == 0, "destroyed a lock that somebody holds");
}

void lend__lock_acquire(struct lock *lock) {
    int error = pthread_mutex_lock(&lock->mutex);
    LEND_ASSERT(error == 0, "could not take a lock");
}

void lend__lock_release(struct lock *lock) {
    int error = pthread_mutex_unlock(&lock->mutex);
    LEND_ASSERT(error == 0, "could not leave a lock");
}
