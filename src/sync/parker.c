/* SPDX-License-Identifier: MIT
 *
 * A private mutex and condition per parker. */
#include "sync/parker.h"

#include "base/assert.h"
#include "base/clock.h"

#include <errno.h>
#include <sched.h>

int lend__parker_init(struct parker *parker) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return ENOMEM;
    int error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(&parker->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (error != 0)
        return ENOMEM;
    if (pthread_mutex_init(&parker->mutex, NULL) != 0) {
        pthread_cond_destroy(&parker->wake);
        return ENOMEM;
    }
    parker->permit = false;
    parker->wakes = 0;
    word_init(&parker->wakes_ended, 0);
    return 0;
}

void lend__parker_deinit(struct parker *parker) {
    pthread_mutex_lock(&parker->mutex);
    uint64_t wakes = parker->wakes;
    pthread_mutex_unlock(&parker->mutex);
    while (word_read(&parker->wakes_ended) != wakes)
        sched_yield();
    pthread_mutex_destroy(&parker->mutex);
    pthread_cond_destroy(&parker->wake);
}

/* One wait on the condition. False when the deadline has passed. */
static bool wait_once(struct parker *parker, lend_deadline deadline) {
    if (deadline_is_now(deadline))
        return false;
    if (deadline_is_forever(deadline)) {
        pthread_cond_wait(&parker->wake, &parker->mutex);
        return true;
    }
    struct timespec until = {.tv_sec = (time_t)(deadline.at_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline.at_ns % NS_PER_S)};
    return pthread_cond_timedwait(&parker->wake, &parker->mutex, &until) != ETIMEDOUT;
}

bool lend__parker_sleep(struct parker *parker, lend_deadline deadline) {
    LEND_ASSERT(deadline.at_ns != 0, "slept without a deadline");
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&parker->mutex);
    while (!parker->permit && wait_once(parker, deadline))
        ;
    bool woken = parker->permit;
    parker->permit = false;
    pthread_mutex_unlock(&parker->mutex);
    pthread_setcancelstate(cancel_state, NULL);
    return woken;
}

/* The end is counted with release, so that what deinit destroys is no longer in use. */
void lend__parker_wake(struct parker *parker) {
    pthread_mutex_lock(&parker->mutex);
    parker->permit = true;
    parker->wakes++;
    pthread_mutex_unlock(&parker->mutex);
    pthread_cond_signal(&parker->wake);
    word_tally(&parker->wakes_ended);
}
