/* SPDX-License-Identifier: MIT
 *
 * Loading models: all of them when a pool opens, one when a broken one is replaced. */
#ifndef LEND_SRC_POOL_LOADER_H
#define LEND_SRC_POOL_LOADER_H

#include <lend/pool.h>

/* Load one model and check it, into *ret_model. 0, or the loader's own error, with words in *reason
 * whether it gave any or not. No lock is held. */
int lend__model_load(const lend_pool *pool, void **ret_model, struct lend_reason *reason);

struct slot;

/* Note that the model in this slot is new, its load begun in this edition of the pool. Under
 * pool->lock, or before anybody knows the pool. */
void lend__slot_stamp(struct slot *slot, uint64_t edition);

/* Settle options.models and fill as many slots; nobody else knows the pool so far. On failure the
 * models that were loaded are in their slots still, for lend__pool_destroy. 0, EIO (*reason has the
 * loader's words) or ENOMEM. */
int lend__pool_load_all(lend_pool *pool, struct lend_reason *reason);

#endif
