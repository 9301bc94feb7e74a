/* SPDX-License-Identifier: MIT
 *
 * Sizing: how many models the machine has room for, and whether a number that was asked for is
 * more. What one model takes is known only when there is one, so it is settled between the first
 * load and the others. */
#ifndef LEND_SRC_POOL_SIZING_H
#define LEND_SRC_POOL_SIZING_H

#include <lend/pool.h>

/* What was there before the first load. */
struct sizing {
    uint64_t left;  /* for models, as far as is known; else UINT64_MAX */
    uint64_t taken; /* by this process */
};

/* The most that LEND_MODELS_AUTO may come to. */
uint32_t lend__sizing_bound(const struct lend_pool_options *options);

/* Before and after the first load, on the thread that opens: settles options.models and
 * options.model_bytes, and what depends on them. Tells the sink if it is more than there is. */
struct sizing lend__sizing_begin(const struct lend_pool_options *options);
void lend__sizing_end(lend_pool *pool, const struct sizing *before);

#endif
