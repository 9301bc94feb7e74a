/* SPDX-License-Identifier: MIT
 *
 * Apache's reslist (libaprutil). */
#include "pools.h"

#define NAME "APR reslist"

#if BENCH_HAS_APR

#include <apr_general.h>
#include <apr_reslist.h>
#include <stdlib.h>

struct reslist_pool {
    apr_pool_t *memory;
    apr_reslist_t *list;
};

static apr_status_t construct(void **model, void *arguments, apr_pool_t *memory) {
    static char a_model;
    (void)arguments;
    (void)memory;
    *model = &a_model;
    return APR_SUCCESS;
}

static apr_status_t destruct(void *model, void *arguments, apr_pool_t *memory) {
    (void)model;
    (void)arguments;
    (void)memory;
    return APR_SUCCESS;
}

static void reslist_close(void *opened) {
    struct reslist_pool *pool = opened;
    apr_pool_destroy(pool->memory);
    free(pool);
    apr_terminate();
}

static void *reslist_open(unsigned models) {
    int count = (int)models;
    struct reslist_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL || apr_initialize() != APR_SUCCESS) {
        free(pool);
        return NULL;
    }
    apr_pool_create(&pool->memory, NULL);
    if (apr_reslist_create(&pool->list, count, count, count, /* ttl= */ 0, construct, destruct,
                           NULL, pool->memory) == APR_SUCCESS)
        return pool;
    reslist_close(pool);
    return NULL;
}

static inline void *reslist_take(const struct reslist_pool *pool) {
    void *model = NULL;
    apr_reslist_acquire(pool->list, &model);
    return model;
}

static inline void reslist_put(const struct reslist_pool *pool, void *model) {
    apr_reslist_release(pool->list, model);
}

BORROW(reslist_borrow, void *, reslist_take, reslist_put)

const struct pool_contender pool_apr = {
    .name = NAME,
    .open = reslist_open,
    .borrow = reslist_borrow,
    .close = reslist_close,
};

#else
const struct pool_contender pool_apr = {.name = NAME, .absent = NAME " (libaprutil1-dev)"};
#endif
