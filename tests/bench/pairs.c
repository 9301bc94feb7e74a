/* SPDX-License-Identifier: MIT
 *
 * lend-pairs N: borrow and give back N times with nobody else there. For counting instructions
 * (tests/checks/check_pair_instructions.sh): what two counts differ by is the pairs. */
#include <lend/lend.h>
#include <stdio.h>
#include <stdlib.h>

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    static char model;
    (void)context;
    (void)reason;
    *ret_model = &model;
    return 0;
}

static void unload(void *model, void *context) {
    (void)model;
    (void)context;
}

static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);

int main(int argc, char **argv) {
    long pairs = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    lend_pool *pool;
    if (pairs < 1) {
        fprintf(stderr, "usage: lend-pairs N\n");
        return 2;
    }
    if (lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = 4)) != 0)
        return 1;
    for (long i = 0; i < pairs; i++) {
        struct lend_lease lease = lend_acquire(pool, LEND_NOW);
        if (!lend_lease_ok(&lease))
            return 1;
        lend_release(&lease);
    }
    return lend_pool_close(pool, LEND_FOREVER, NULL) == 0 ? 0 : 1;
}
