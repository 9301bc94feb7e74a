/* SPDX-License-Identifier: MIT
 *
 * Tallies on one mutex and condition, always broadcast; a gate is open once its tally is not 0. */
#include "support/gate.h"

#include <errno.h>
#include <lend/deadline.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

/* A test program without a mutex or a condition cannot say anything about lend. */
static void require(int error) {
    if (error != 0)
        abort();
}

void tally_init(struct tally *tally) {
    pthread_condattr_t attributes;
    require(pthread_condattr_init(&attributes));
    require(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    require(pthread_cond_init(&tally->grew, &attributes));
    pthread_condattr_destroy(&attributes);
    require(pthread_mutex_init(&tally->mutex, NULL));
    tally->count = 0;
}

void tally_deinit(struct tally *tally) {
    pthread_mutex_destroy(&tally->mutex);
    pthread_cond_destroy(&tally->grew);
}

uint32_t tally_add(struct tally *tally) {
    pthread_mutex_lock(&tally->mutex);
    uint32_t count = ++tally->count;
    pthread_cond_broadcast(&tally->grew);
    pthread_mutex_unlock(&tally->mutex);
    return count;
}

uint32_t tally_count(struct tally *tally) {
    pthread_mutex_lock(&tally->mutex);
    uint32_t count = tally->count;
    pthread_mutex_unlock(&tally->mutex);
    return count;
}

/* Not a cancellation point: a thread cancelled in here would keep the mutex. */
bool tally_wait(struct tally *tally, uint32_t count) {
    int64_t by_ns = lend_within_ms(PATIENCE_MS).at_ns;
    const struct timespec by = {.tv_sec = (time_t)(by_ns / NS_PER_S),
                                .tv_nsec = (long)(by_ns % NS_PER_S)};
    int cancel_state, error = 0;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&tally->mutex);
    while (tally->count < count && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&tally->grew, &tally->mutex, &by);
    bool enough = tally->count >= count;
    pthread_mutex_unlock(&tally->mutex);
    pthread_setcancelstate(cancel_state, NULL);
    return enough;
}

void gate_init(struct gate *gate) {
    tally_init(&gate->opened);
}

void gate_deinit(struct gate *gate) {
    tally_deinit(&gate->opened);
}

void gate_open(struct gate *gate) {
    tally_add(&gate->opened);
}

bool gate_is_open(struct gate *gate) {
    return tally_count(&gate->opened) > 0;
}

bool gate_wait(struct gate *gate) {
    return tally_wait(&gate->opened, 1);
}
