/* SPDX-License-Identifier: MIT
 *
 * The keeper: the pool's thread that is always there. It runs no operation of a model, so that
 * nothing which hangs in one keeps it from the rest: the menders do (mender.h). */
#ifndef LEND_SRC_POOL_KEEPER_H
#define LEND_SRC_POOL_KEEPER_H

#include "base/list.h"

#include <lend/pool.h>

/* The keeper's thread, until the pool closes. */
void lend__pool_keep(void *pool);

/* Under the lock: bring the number of slots to what is wanted, give a free mender what is to be
 * done next, and survey and settle. True if a slot is gone for good: lend__watch_review then, after
 * the lock. *ret_until: when there is something to do next, as far as time decides. */
bool lend__pool_tend(lend_pool *pool, struct list *woken, lend_deadline *ret_until);

/* How long to rest after `failures` in a row: from 100 ms doubling to 30 s, give or take a quarter,
 * so that many pools do not try in step. */
int64_t lend__pause_ns(uint32_t failures, int64_t now_ns);

#endif
