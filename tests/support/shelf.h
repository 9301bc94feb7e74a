/* SPDX-License-Identifier: MIT
 *
 * A pool of fake models that is to misbehave: with a record of its events, and a gate to hold an
 * operation at. */
#ifndef LEND_TESTS_SUPPORT_SHELF_H
#define LEND_TESTS_SUPPORT_SHELF_H

#include "support/events.h"
#include "support/fake_model.h"

struct shelf {
    struct fakes fakes;
    struct events events;
    struct gate gate; /* shut, and nobody waits at it, until a test says so */
    lend_pool *pool;
};

/* On the test's own thread only. Closing fails the test as fakes_close does. */
void shelf_open(struct shelf *shelf, uint32_t models);
void shelf_close(struct shelf *shelf);

#endif
