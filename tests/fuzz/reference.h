/* SPDX-License-Identifier: MIT
 *
 * The reference: what the documentation says of a pool that is used by one caller at a time, in
 * plain counts. Nothing here waits, and nothing is shared. */
#ifndef LEND_TESTS_FUZZ_REFERENCE_H
#define LEND_TESTS_FUZZ_REFERENCE_H

#include <lend/pool.h>

enum { VARIABLES = 8, LEASES_MAX = 1024, CALLERS = 2 };

/* One lease that was ever granted. */
struct granted {
    bool live, detached;
    int owner;     /* a caller; while it is not detached */
    unsigned turn; /* the how many-th of its model */
};

/* What a variable of type struct lend_lease holds. */
struct variable {
    int lease; /* index into `granted`, or -1 */
    int error; /* if not: of a failed acquire; 0: it is empty */
};

struct reference {
    uint32_t models_max, target, recycle_lends;
    uint32_t free, lent, lost;
    uint32_t retiring; /* once it is closing: left for the close to unload */
    bool suspended, closing, loads_fail;
    uint64_t grants, refusals, broken, recycled, bad_releases;
    struct granted granted[LEASES_MAX];
    int granted_count;
    struct variable variables[VARIABLES];
};

static inline uint32_t reference_models(const struct reference *pool) {
    return pool->free + pool->lent + pool->lost + pool->retiring;
}

/* The keeper's work: one too many goes, one too few comes. */
static inline void reference_settle(struct reference *pool) {
    if (pool->closing)
        return;
    while (reference_models(pool) > pool->target && pool->lost + pool->free > 0) {
        if (pool->lost > 0)
            pool->lost--;
        else
            pool->free--;
    }
    while (reference_models(pool) < pool->target) {
        if (pool->loads_fail)
            pool->lost++;
        else
            pool->free++;
    }
}

/* What acquiring without waiting says. */
static inline int reference_acquire(struct reference *pool) {
    int error = 0;
    if (pool->closing)
        error = ESHUTDOWN;
    else if (pool->free == 0 || pool->suspended)
        error = pool->free + pool->lent == 0 ? EIO : EBUSY;
    if (error != 0) {
        pool->refusals++;
        return error;
    }
    pool->free--;
    pool->lent++;
    pool->grants++;
    return 0;
}

/* A model that is not to be lent again, in whose place another one is loaded. */
static inline void reference_replace(struct reference *pool) {
    pool->lent--;
    if (pool->closing)
        pool->retiring++;
    else if (reference_models(pool) >= pool->target)
        return;
    else if (pool->loads_fail)
        pool->lost++;
    else
        pool->free++;
}

/* The end of a lease: `unfit` if it was given back as broken or its reset failed. */
static inline void reference_give_back(struct reference *pool, const struct granted *lease,
                                       bool unfit) {
    if (unfit) {
        pool->broken++;
        reference_replace(pool);
    } else if (pool->recycle_lends != 0 && lease->turn >= pool->recycle_lends) {
        pool->recycled++;
        reference_replace(pool);
    } else if (pool->closing && pool->free + pool->lent > pool->target) {
        pool->lent--;
        pool->retiring++;
    } else {
        pool->lent--;
        pool->free++;
    }
    reference_settle(pool);
}

#endif
