/* SPDX-License-Identifier: MIT */
#include "support/latch.h"

#include <errno.h>
#include <time.h>

void latch_count(struct latch *latch) {
    pthread_mutex_lock(&latch->mutex);
    latch->count++;
    pthread_cond_broadcast(&latch->changed);
    pthread_mutex_unlock(&latch->mutex);
}

unsigned latch_get(struct latch *latch) {
    pthread_mutex_lock(&latch->mutex);
    unsigned count = latch->count;
    pthread_mutex_unlock(&latch->mutex);
    return count;
}

static struct timespec in_ms(long ms) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool latch_wait(struct latch *latch, unsigned count) {
    struct timespec limit = in_ms(20000);
    pthread_mutex_lock(&latch->mutex);
    while (latch->count < count &&
           pthread_cond_timedwait(&latch->changed, &latch->mutex, &limit) != ETIMEDOUT)
        ;
    bool reached = latch->count >= count;
    pthread_mutex_unlock(&latch->mutex);
    return reached;
}

void latch_wait_or(struct latch *latch, unsigned count, bool (*over)(const void *),
                   const void *of) {
    pthread_mutex_lock(&latch->mutex);
    while (latch->count < count && !over(of)) {
        struct timespec next = in_ms(1);
        pthread_cond_timedwait(&latch->changed, &latch->mutex, &next);
    }
    pthread_mutex_unlock(&latch->mutex);
}
