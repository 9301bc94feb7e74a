/* SPDX-License-Identifier: MIT
 *
 * Gates: how the threads of a test wait for one another. A gate opens once and stays open; a tally
 * counts arrivals. Both give up after PATIENCE_MS, so that a test that would hang fails instead. */
#ifndef LEND_TESTS_SUPPORT_GATE_H
#define LEND_TESTS_SUPPORT_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* How long a test waits for what is to happen soon: far more than the slowest machine needs. */
#define PATIENCE_MS 30000

/* A number that only grows, and those who wait until it is large enough. */
struct tally {
    pthread_mutex_t mutex;
    pthread_cond_t grew; /* on CLOCK_MONOTONIC */
    uint32_t count;      /* under mutex */
};

void tally_init(struct tally *tally);
void tally_deinit(struct tally *tally);

/* One more has arrived. Returns how many that makes. */
uint32_t tally_add(struct tally *tally);
uint32_t tally_count(struct tally *tally);

/* Wait until `count` have arrived. False if they did not in time. */
bool tally_wait(struct tally *tally, uint32_t count);

struct gate {
    struct tally opened;
};

void gate_init(struct gate *gate);
void gate_deinit(struct gate *gate);

/* For good. Opening an open gate does nothing. */
void gate_open(struct gate *gate);
bool gate_is_open(struct gate *gate);

/* False if it was not opened in time. */
bool gate_wait(struct gate *gate);

#endif
