/* SPDX-License-Identifier: MIT
 *
 * Waiting for the first of several futures: a waiter in each one's line, and a thread that sleeps
 * for all of them. */
#ifndef LEND_SRC_EXEC_SEVERAL_H
#define LEND_SRC_EXEC_SEVERAL_H

#include "exec/state.h"
#include "pool/watch.h"

struct member {
    struct waiter waiter; /* in its future's line; under its executor's lock */
    struct several *several;
    struct task *task;
    size_t index; /* of its future among the caller's, some of which are NULL */
};

struct several {
    struct parker parker;
    struct lock lock;
    uint32_t told;  /* under lock: wakes that have come, of those that were owed */
    uint32_t count; /* of members, at least one */
    struct member members[];
};

/* To the watch: as one wait, which any of the members could end. To be hidden like a wait for the
 * first one's task (exec/deadlock.h). */
void lend__several_show(struct several *several, lend_deadline deadline, struct wait *wait);

#endif
