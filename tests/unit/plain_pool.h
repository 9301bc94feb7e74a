/* SPDX-License-Identifier: MIT
 *
 * A pool of models with nothing in them, for tests that look inside pools. Include <cmocka.h>
 * before. */
#ifndef LEND_TESTS_UNIT_PLAIN_POOL_H
#define LEND_TESTS_UNIT_PLAIN_POOL_H

#include <lend/pool.h>

static int plain_load(void **ret_model, void *context, struct lend_reason *reason) {
    static char model;
    (void)context, (void)reason;
    *ret_model = &model;
    return 0;
}

static void plain_unload(void *model, void *context) {
    (void)model, (void)context;
}

static inline lend_pool *plain_pool_open(uint32_t models, uint32_t spares) {
    static const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = plain_load, .unload = plain_unload);
    lend_pool *pool = NULL;
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = models, .spares = spares)),
        0);
    return pool;
}

static inline void plain_pool_close(lend_pool *pool) {
    assert_int_equal(lend_pool_close(pool, LEND_FOREVER, NULL), 0);
}

#endif
