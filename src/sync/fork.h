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

/* Have handlers run around each fork from now on, on the thread that forks: `prepare` before,
 * `parent` and `child` after it. The era has begun when `child` runs. Once for each `handled`,
 * which is zeroed before: it is FORKS_HANDLED when this has returned 0, to another thread too,
 * which waits while one is about it. `child` makes it that again, since the fork may have come in
 * between. `prepare` runs in the reverse order of the calls, so locks are taken from the upper
 * floors down. No lock is held that a handler takes. 0, or ENOMEM: they are not there. */
#define FORKS_HANDLED UINT64_C(1)
int lend__fork_handle(struct word *handled, void (*prepare)(void), void (*parent)(void),
                      void (*child)(void));

#endif
