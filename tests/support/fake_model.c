/* SPDX-License-Identifier: MIT
 *
 * The operations of a fake model. Each looks at its orders (wait, fail) and then at the model. */
#include "support/fake_model.h"

#include "support/thread.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define CLOSE_MS 5000 /* the keeper may be loading still */

static void wrong(struct fakes *fakes) {
    atomic_fetch_add(&fakes->wrongs, 1);
}

static void raise_to(atomic_uint *most, unsigned value) {
    unsigned seen = atomic_load(most);
    while (seen < value && !atomic_compare_exchange_weak(most, &seen, value))
        ;
}

/* Returns the number of the call. */
static unsigned begin_call(struct fake_operation *operation) {
    raise_to(&operation->under_way_max, atomic_fetch_add(&operation->under_way, 1) + 1);
    atomic_store(&operation->thread, thread_id());
    unsigned number = atomic_fetch_add(&operation->calls, 1) + 1;
    struct gate *gate = atomic_load(&operation->gate);
    if (gate != NULL)
        gate_wait(gate);
    return number;
}

/* What the call returns. */
static int end_call(struct fake_operation *operation, unsigned number, struct lend_reason *reason) {
    atomic_fetch_sub(&operation->under_way, 1);
    if (number < atomic_load(&operation->fail_from) || number > atomic_load(&operation->fail_to))
        return 0;
    const char *words = atomic_load(&operation->words);
    int error = atomic_load(&operation->error);
    return words != NULL ? lend_reason_set(reason, error, "%s", words) : error;
}

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    struct fakes *fakes = context;
    unsigned number = begin_call(&fakes->load);
    int error = end_call(&fakes->load, number, reason);
    if (error != 0)
        return error;
    struct fake_model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return lend_reason_set(reason, ENOMEM, "no memory for a fake");
    model->fakes = fakes;
    model->number = number;
    atomic_fetch_add(&fakes->alive, 1);
    *ret_model = model;
    return 0;
}

static void take(struct fake_model *model) {
    if (atomic_exchange(&model->in_use, true))
        wrong(model->fakes);
}

static void give(struct fake_model *model) {
    if (!atomic_exchange(&model->in_use, false))
        wrong(model->fakes);
}

/* The memory goes back to the heap, so that a sanitizer sees whoever still uses the model. */
static void unload(void *model, void *context) {
    struct fakes *fakes = context;
    struct fake_model *fake = model;
    take(fake);
    unsigned number = begin_call(&fakes->unload);
    end_call(&fakes->unload, number, /* reason= */ NULL);
    atomic_fetch_sub(&fakes->alive, 1);
    free(fake);
}

static int reset(void *model, void *context, struct lend_reason *reason) {
    struct fakes *fakes = context;
    struct fake_model *fake = model;
    take(fake);
    unsigned number = begin_call(&fakes->reset);
    fake->soiled = false;
    int error = end_call(&fakes->reset, number, reason);
    give(fake);
    return error;
}

static int check(void *model, void *context, struct lend_reason *reason) {
    struct fakes *fakes = context;
    struct fake_model *fake = model;
    take(fake);
    unsigned number = begin_call(&fakes->check);
    int error = end_call(&fakes->check, number, reason);
    give(fake);
    return error;
}

const struct lend_model_ops fake_ops =
    LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset, .check = check);
const struct lend_model_ops fake_plain_ops = LEND_MODEL_OPS(.load = load, .unload = unload);

static void order(struct fake_operation *operation, unsigned from, unsigned to, int error,
                  const char *words) {
    atomic_store(&operation->fail_to, 0);
    atomic_store(&operation->error, error);
    atomic_store(&operation->words, words);
    atomic_store(&operation->fail_from, from);
    atomic_store(&operation->fail_to, to);
}

void fakes_fail_next(struct fake_operation *operation, unsigned count, int error,
                     const char *words) {
    unsigned calls = atomic_load(&operation->calls);
    unsigned to = count < UINT_MAX - calls ? calls + count : UINT_MAX;
    order(operation, calls + 1, to, error, words);
}

void fakes_fail_nth(struct fake_operation *operation, unsigned n, int error, const char *words) {
    order(operation, n, n, error, words);
}

/* A call counts itself before it looks for a gate. */
unsigned fakes_hold(struct fake_operation *operation, struct gate *gate) {
    atomic_store(&operation->gate, gate);
    return atomic_load(&operation->calls) + 1;
}

void fake_begin(void *model) {
    struct fake_model *fake = model;
    take(fake);
    if (fake->fakes->have_reset && fake->soiled)
        wrong(fake->fakes);
    fake->soiled = true;
    fake->uses++;
}

void fake_end(void *model) {
    give(model);
}

void fake_use(void *model) {
    fake_begin(model);
    fake_end(model);
}

lend_pool *fakes_pool_open(struct fakes *fakes, const struct lend_pool_options *options) {
    struct lend_pool_options own = *options;
    lend_pool *pool = NULL;
    own.ops = options->ops != NULL ? options->ops : &fake_ops;
    own.ops_context = fakes;
    if (own.model_threads == 0 && own.models != LEND_MODELS_AUTO)
        own.model_threads = LEND_NO_CORES; /* whatever machine this is */
    fakes->have_reset = own.ops->reset != NULL;
    int error = lend_pool_open(&pool, &own);
    if (error != 0)
        fail_msg("cannot open a pool of fakes: %s", lend_strerror(error));
    return pool;
}

void fakes_close(struct fakes *fakes, lend_pool *pool) {
    struct lend_report *report = NULL;
    int error = lend_pool_close(pool, lend_within_ms(CLOSE_MS), &report);
    if (error != 0) {
        char text[1024];
        lend_report_print(report, text, sizeof text);
        lend_report_free(report);
        fail_msg("cannot close a pool of fakes: %s: %s", lend_errname(error), text);
    }
    assert_int_equal(atomic_load(&fakes->alive), 0);
    assert_int_equal(atomic_load(&fakes->wrongs), 0);
}
