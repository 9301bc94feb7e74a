/* SPDX-License-Identifier: MIT
 *
 * The production lock: a plain mutex. Its results are asserted: they are never unexpected but for a
 * broken invariant (unlocked by another thread, destroyed while held).
 *
 * Who finds it taken looks again for a moment before he sleeps. The regions are so short that it is
 * free again as soon as its holder has had a core; and sleepers make a convoy: while the one who
 * was woken comes to, the next ones find the lock taken and sleep too, for as long as anybody comes
 * (Blasgen, Gray, Mitoma, Price, The Convoy Phenomenon, 1979). The pool's queue has a convoy of its
 * own, since a model is handed to who sleeps; it forms less often behind a lock that has none
 * (tests/bench/README.md). */
#include "sync/lock.h"

#include "base/assert.h"
#include "sync/thread.h"

#include <errno.h>

int lend__lock_init(struct lock *lock) {
    return pthread_mutex_init(&lock->mutex, NULL) == 0 ? 0 : ENOMEM;
}

void lend__lock_deinit(struct lock *lock) {
    int error = pthread_mutex_destroy(&lock->mutex);
    LEND_ASSERT(error == 0, "destroyed a lock that somebody holds");
}

void lend__lock_acquire(struct lock *lock) {
    uint32_t times = 0;
    int error;
    while ((error = pthread_mutex_trylock(&lock->mutex)) == EBUSY && lend__thread_lingers(&times))
        ;
    if (error == EBUSY)
        error = pthread_mutex_lock(&lock->mutex);
    LEND_ASSERT(error == 0, "could not take a lock");
}

void lend__lock_release(struct lock *lock) {
    int error = pthread_mutex_unlock(&lock->mutex);
    LEND_ASSERT(error == 0, "could not leave a lock");
}
