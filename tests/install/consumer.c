/* SPDX-License-Identifier: MIT
 *
 * A program that uses an installed lend: opens a pool, borrows, closes. */
#include <lend/lend.h>
#include <string.h>

#ifndef __EXCEPTIONS
#error "-fexceptions did not come with lend: guards would not run when a thread is cancelled"
#endif

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)reason;
    *ret_model = context;
    return 0;
}

static void unload(void *model, void *context) {
    (void)model, (void)context;
}

int main(void) {
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);
    lend_pool *pool;
    int model = 0, error;
    if (lend_pool_open(&pool,
                       &LEND_POOL_OPTIONS(.ops = &ops, .ops_context = &model, .models = 1)) != 0)
        return 1;
    lend_with (lease, pool, lend_within_ms(500)) {
        error = lease.model == &model ? 0 : EINVAL;
    } lend_else {
        error = lend_lease_error(&lease);
    } lend_end
    if (lend_pool_close(pool, lend_within_ms(5000), NULL) != 0)
        return 2;
    return error != 0 || strcmp(lend_version(), LEND_VERSION) != 0 ? 3 : 0;
}
