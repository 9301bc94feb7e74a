/* SPDX-License-Identifier: MIT
 *
 * lend, twice in one process: as it is, and built without checks and accounts. Both are called
 * through pointers, as a shared library's functions are anyway. */
#include "pools.h"

#include "empty_model.h"

#include <dlfcn.h>
#include <lend/lend.h>
#include <stdio.h>
#include <string.h>

/* The functions of one build. */
struct build {
    __typeof__(lend_pool_open) *open;
    __typeof__(lend_pool_close) *close;
    __typeof__(lend_acquire_at) *acquire;
    __typeof__(lend_release) *release;
};

static struct build accounted = {
    .open = lend_pool_open,
    .close = lend_pool_close,
    .acquire = lend_acquire_at,
    .release = lend_release,
};
static struct build unaccounted;

static void *open_with(const struct build *build, unsigned models) {
    lend_pool *pool = NULL;
    int error = build->open(&pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops, .models = models));
    return error == 0 ? pool : NULL;
}

static void close_with(const struct build *build, void *pool) {
    if (build->close(pool, LEND_FOREVER, NULL) != 0)
        fprintf(stderr, "lend-bench: a pool does not close\n");
}

#define ACCOUNTED_ACQUIRE(pool) accounted.acquire((pool), LEND_FOREVER, LEND_HERE)
#define ACCOUNTED_RELEASE(pool, lease) accounted.release(&(lease))
#define UNACCOUNTED_ACQUIRE(pool) unaccounted.acquire((pool), LEND_FOREVER, LEND_HERE)
#define UNACCOUNTED_RELEASE(pool, lease) unaccounted.release(&(lease))

BORROW(accounted_borrow, struct lend_lease, ACCOUNTED_ACQUIRE, ACCOUNTED_RELEASE)
BORROW(unaccounted_borrow, struct lend_lease, UNACCOUNTED_ACQUIRE, UNACCOUNTED_RELEASE)

static void *accounted_open(unsigned models) {
    return open_with(&accounted, models);
}

static void accounted_close(void *pool) {
    close_with(&accounted, pool);
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
    return load_unaccounted() ? open_with(&unaccounted, models) : NULL;
}

static void unaccounted_close(void *pool) {
    close_with(&unaccounted, pool);
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
