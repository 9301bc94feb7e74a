/* SPDX-License-Identifier: MIT
 *
 * Forks: a child has the memory of its parent and none of its threads. What was made before is the
 * parent's, and the child can tell by its era. */
#ifndef LEND_SRC_SYNC_FORK_H
#define LEND_SRC_SYNC_FORK_H

#include "sync/word.h"

/* How many forks lie between this process and the first one that used lend. */
extern struct word lend__fork_era;

/* Kept by every object: the era in which it was made. */
static inline uint64_t fork_era(void) {
    return word_peek(&lend__fork_era);
}

/* Around each fork from now on, on the thread that forks: `prepare` before, `parent` and `child`
 * after it. The era has begun when `child` runs. Each call adds three more; `prepare` runs in the
 * reverse order, so locks are taken from the upper floors down. 0, or ENOMEM: none was added. */
int lend__fork_handle(void (*prepare)(void), void (*parent)(void), void (*child)(void));

#endif
