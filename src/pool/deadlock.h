/* SPDX-License-Identifier: MIT
 *
 * Waits that cannot end: showing a borrower's wait to the watch; and, for what waits for models to
 * come back without being shown to it, whether the thread waits for itself. */
#ifndef LEND_SRC_POOL_DEADLOCK_H
#define LEND_SRC_POOL_DEADLOCK_H

#include "pool/watch.h"

#include <lend/pool.h>

struct borrower;

/* Its wait, not shown so far. */
struct wait lend__borrower_wait(lend_pool *pool, struct borrower *borrower, lend_deadline deadline);

/* Of a borrower that was queued; it may be decided by the time this returns. To be hidden
 * (lend__watch_hide) once it has a verdict. */
void lend__borrower_show(lend_pool *pool, struct borrower *borrower, lend_deadline deadline,
                         struct wait *wait);

/* How many of its models the calling thread holds, as itself, as a job or as tasks: nobody else may
 * give these back, so while it waits they do not come. */
uint32_t lend__pool_held_here(const lend_pool *pool);

#endif
