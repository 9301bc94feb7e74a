/* SPDX-License-Identifier: MIT
 *
 * Showing a borrower's wait to the watch. */
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

#endif
