/* SPDX-License-Identifier: MIT
 *
 * The registry: every open pool of the process, for questions that are asked of all of them: what
 * did this thread or job leave behind? */
#ifndef LEND_SRC_POOL_REGISTRY_H
#define LEND_SRC_POOL_REGISTRY_H

#include "sync/thread.h"

#include <lend/pool.h>

/* Before a pool is opened: have the ends of threads and the forks of this process handled. 0 or
 * ENOMEM. */
int lend__registry_prepare(void);

/* From before the first lease to after the last. */
void lend__registry_add(lend_pool *pool);
void lend__registry_remove(lend_pool *pool);

/* Call `visit` for each of them, with the registry's lock held: it may take the pool's. */
void lend__registry_each(void (*visit)(lend_pool *, void *), void *argument);

/* Around a fork; and, in the child, with the lock held: all pools are the parent's. */
void lend__registry_lock(void);
void lend__registry_unlock(void);
void lend__registry_clear(void (*disown)(lend_pool *));

/* Have forks handled, with no lock held. 0 or ENOMEM. */
int lend__fork_prepare(void);

/* Take back what the calling thread holds as this job, which it ran and which has returned. Each
 * lease is told to its pool's sink, with the site of the borrow. Runs resets. What it holds when it
 * ends is taken back in the same way. */
void lend__reclaim_from_job(owner_word job);

#endif
