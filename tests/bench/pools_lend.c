/* SPDX-License-Identifier: MIT
 *
 * lend, twice in one process: as it is, and built without checks and accounts. The one is called as
 * by any program that is linked with it, the other one through pointers. */
#include "pools.h"

#include "empty_model.h"

#include <dlfcn.h>
#include <lend/lend.h>
#include <stdio.h>
#include <string.h>

/* The functions of the other build. */
struct build {
    __typeof__(lend_pool_open) *open;
    __typeof__(lend_pool_close) *close;
    __typeof__(lend_acquire_at) *acquire;
    __typeof__(lend_release) *release;
};

static struct build unaccounted;

static void *open_with(__typeof__(lend_pool_open) *open, unsigned models) {
    lend_pool *pool = NULL;
    int error = open(&pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops, .models = models));
    return error == 0 ? pool : NULL;
}

static void close_with(__typeof__(lend_pool_close) *close, void *pool) {
    if (close(pool, LEND_FOREVER, NULL) != 0)
        fprintf(stderr, "lend-bench: a pool does not close\n");
}

#define ACCOUNTED_ACQUIRE(pool) lend_acquire((pool), LEND_FOREVER)
#define ACCOUNTED_RELEASE(pool, lease) lend_release(&(lease))
#define UNACCOUNTED_ACQUIRE(pool) unaccounted.acquire((pool), LEND_FOREVER, LEND_HERE)
#define UNACCOUNTED_RELEASE(pool, lease) unaccounted.release(&(lease))

BORROW(accounted_borrow, struct lend_lease, ACCOUNTED_ACQUIRE, ACCOUNTED_RELEASE)
BORROW(unaccounted_borrow, struct lend_lease, UNACCOUNTED_ACQUIRE, UNACCOUNTED_RELEASE)

static void *accounted_open(unsigned models) {
    return open_with(lend_pool_open, models);
}

static void accounted_close(void *pool) {
    close_with(lend_pool_close, pool);
}

/* POSIX has dlsym's pointers hold functions; C has no cast for that. */
static bool find(void *library, const char *name, void *function, size_t size) {
    void *found = dlsym(library, name);
    if (found != NULL)
        memcpy(function, &found, size);
    return found != NULL;
}

/* Loaded once and kept. RTLD_LOCAL and -Bsymbolic keep the two builds apart. */
static bool load_unaccounted(void) {
    static void *library;
    if (library != NULL)
        return true;
    void *opened = dlopen(BENCH_UNACCOUNTED, RTLD_NOW | RTLD_LOCAL);
    if (opened == NULL ||
        !find(opened, "lend_pool_open", &unaccounted.open, sizeof unaccounted.open) ||
        !find(opened, "lend_pool_close", &unaccounted.close, sizeof unaccounted.close) ||
        !find(opened, "lend_acquire_at", &unaccounted.acquire, sizeof unaccounted.acquire) ||
        !find(opened, "lend_release", &unaccounted.release, sizeof unaccounted.release)) {
        fprintf(stderr, "lend-bench: %s\n", dlerror());
        return false;
    }
    library = opened;
    return true;
}

static void *unaccounted_open(unsigned models) {
    return load_unaccounted() ? open_with(unaccounted.open, models) : NULL;
}

static void unaccounted_close(void *pool) {
    close_with(unaccounted.close, pool);
}

const struct pool_contender pool_lend = {
    .name = "lend",
    .open = accounted_open,
    .borrow = accounted_borrow,
    .close = accounted_close,
};

const struct pool_contender pool_lend_unaccounted = {
    .name = "lend, unaccounted",
    .open = unaccounted_open,
    .borrow = unaccounted_borrow,
    .close = unaccounted_close,
};
