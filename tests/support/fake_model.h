/* SPDX-License-Identifier: MIT
 *
 * Models with nothing in them, that watch how they are treated and misbehave on request.
 *
 *     struct fakes fakes = {0};
 *     lend_pool *pool = fakes_pool(&fakes, .models = 2);
 *     fakes_fail_next(&fakes.reset, 1, EIO, "it is stuck");
 *     ...
 *     fakes_close(&fakes, pool);       // and nothing was left or done wrong
 *
 * What a fake must never see is counted in `wrongs`: two threads with one model, a model used or
 * unloaded twice or after its end, a borrower before the reset after the last one. */
#ifndef LEND_TESTS_SUPPORT_FAKE_MODEL_H
#define LEND_TESTS_SUPPORT_FAKE_MODEL_H

#include "support/gate.h"

#include <lend/pool.h>
#include <stdatomic.h>

/* One of the four operations. Zeroed, it does what it should. */
struct fake_operation {
    atomic_uint calls;                    /* so far, those that have not returned included */
    atomic_uint under_way, under_way_max; /* at once, and the most there were */
    _Atomic(struct gate *) gate;          /* each call waits until it is open; NULL: no wait */
    atomic_uint fail_from, fail_to;       /* these calls fail, counted from 1, */
    atomic_int error;                     /* with this error */
    _Atomic(const char *) words;          /* and these words; NULL: without any */
    atomic_uintptr_t thread;              /* thread_id of the last call */
};

/* The context of the operations: all models of one pool. */
struct fakes {
    struct fake_operation load, unload, reset, check;
    atomic_uint alive;  /* models that are loaded and not unloaded */
    atomic_uint wrongs; /* see above */
    bool have_reset;    /* set by fakes_pool_open: each model must be reset between two uses */
};

struct fake_model {
    struct fakes *fakes;
    unsigned number; /* of its load, from 1 */
    atomic_bool in_use;

    /* Plain on purpose: if two threads had the model at once, a sanitizer would say so. */
    bool soiled; /* used since the last reset */
    unsigned uses;
};

/* All four operations; and only those that are required. */
extern const struct lend_model_ops fake_ops, fake_plain_ops;

/* Let the next `count` calls fail; UINT_MAX for all from now on, 0 for none any more. */
void fakes_fail_next(struct fake_operation *operation, unsigned count, int error,
                     const char *words);

/* The same for a call that is not the next one: the n-th of all, counted from 1. */
void fakes_fail_nth(struct fake_operation *operation, unsigned n, int error, const char *words);

/* Let the calls wait until `gate` is open. Returns the number of the first that surely will: it is
 * there once `calls` is that high. */
unsigned fakes_hold(struct fake_operation *operation, struct gate *gate);

/* From the one to the other a borrower uses the model. May be called on any thread. */
void fake_begin(void *model);
void fake_end(void *model);

/* Both at once. */
void fake_use(void *model);

/* A pool of fakes with all four operations, unless the options name others. Fails the test if it
 * cannot be opened. */
#define fakes_pool(fakes, ...) fakes_pool_open((fakes), &LEND_POOL_OPTIONS(__VA_ARGS__))
lend_pool *fakes_pool_open(struct fakes *fakes, const struct lend_pool_options *options);

/* Close it, with little patience. Fails the test if a model was not given back, is still
 * loaded, or saw what it must not. */
void fakes_close(struct fakes *fakes, lend_pool *pool);

#endif
