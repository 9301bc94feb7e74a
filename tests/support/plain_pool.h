/* SPDX-License-Identifier: MIT
 *
 * A pool of models with nothing in them: plain_pool(.models = 2). Include <cmocka.h> before. */
#ifndef LEND_TESTS_SUPPORT_PLAIN_POOL_H
#define LEND_TESTS_SUPPORT_PLAIN_POOL_H

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

static inline lend_pool *plain_pool_open(const struct lend_pool_options *options) {
    static const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = plain_load, .unload = plain_unload);
    struct lend_pool_options own = *options;
    lend_pool *pool = NULL;
    own.ops = &ops;
    assert_int_equal(lend_pool_open(&pool, &own), 0);
    return pool;
}

#define plain_pool(...) plain_pool_open(&LEND_POOL_OPTIONS(__VA_ARGS__))

static inline void plain_pool_close(lend_pool *pool) {
    assert_int_equal(lend_pool_close(pool, LEND_FOREVER, NULL), 0);
}

#endif
