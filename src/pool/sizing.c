/* SPDX-License-Identifier: MIT
 *
 * The arithmetic of sizes. Of main memory a quarter of what is left is not given to models: whoever
 * borrows them needs some, too. A budget of the caller's is used up to the last byte. */
#include "pool/sizing.h"

#include "base/cores.h"
#include "base/room.h"
#include "base/text.h"
#include "pool/state.h"

#define MODELS_WAITERS 8

static uint64_t memory_left(const struct lend_pool_options *options) {
    return options->memory_left != NULL ? options->memory_left(options->memory_context)
                                        : lend__room_left("");
}

uint32_t lend__sizing_bound(const struct lend_pool_options *options) {
    uint32_t bound = LEND_MODELS_MAX;
    if (options->model_threads != LEND_NO_CORES)
        bound = lend__cores_usable() / options->model_threads;
    if (options->models_max != 0 && options->models_max < bound)
        bound = options->models_max;
    if (bound == 0)
        return 1;
    return bound < LEND_MODELS_MAX ? bound : LEND_MODELS_MAX;
}

struct sizing lend__sizing_begin(const struct lend_pool_options *options) {
    return (struct sizing){.left = memory_left(options), .taken = lend__room_taken("")};
}

/* What the first model took: of the budget, or of main memory. 0 if that is not known. */
static uint64_t growth(const struct lend_pool_options *options, const struct sizing *before,
                       const struct sizing *after) {
    if (options->memory_left != NULL)
        return before->left > after->left ? before->left - after->left : 0;
    return after->taken > before->taken ? after->taken - before->taken : 0;
}

/* How many there is memory for, one of which is loaded. */
static uint32_t bound_by_memory(const struct lend_pool_options *options, uint64_t left) {
    if (options->model_bytes == 0 || left == UINT64_MAX)
        return LEND_MODELS_MAX;
    if (options->memory_left == NULL)
        left -= left / 4;
    uint64_t more = left / options->model_bytes;
    return more < LEND_MODELS_MAX - 1 ? (uint32_t)more + 1 : LEND_MODELS_MAX;
}

static void add_bytes(struct text *text, uint64_t bytes) {
    if (bytes >= UINT64_C(10) << 30)
        lend__text_add(text, "%llu GiB", (unsigned long long)(bytes >> 30));
    else if (bytes >= UINT64_C(10) << 20)
        lend__text_add(text, "%llu MiB", (unsigned long long)(bytes >> 20));
    else if (bytes >= UINT64_C(10) << 10)
        lend__text_add(text, "%llu KiB", (unsigned long long)(bytes >> 10));
    else
        lend__text_add(text, "%llu bytes", (unsigned long long)bytes);
}

static void tell(lend_pool *pool, const char *words) {
    lend__pool_event(pool, LEND_EVENT_OVERSUBSCRIBED, 0, /* slot= */ -1, /* site= */ NULL, words);
}

static void tell_of_cores(lend_pool *pool) {
    const struct lend_pool_options *options = &pool->options;
    char words[128];
    struct text text = text_into(words, sizeof words);
    uint32_t cores = lend__cores_usable();
    if (options->model_threads == LEND_NO_CORES ||
        (uint64_t)options->models * options->model_threads <= cores)
        return;
    lend__text_add(&text, "%u models x %u threads on %u cores", options->models,
                   options->model_threads, cores);
    tell(pool, words);
}

static void tell_of_memory(lend_pool *pool, uint64_t left) {
    const struct lend_pool_options *options = &pool->options;
    char words[128];
    struct text text = text_into(words, sizeof words);
    uint64_t more = options->models - 1;
    if (options->model_bytes == 0 || more == 0 || left / options->model_bytes >= more)
        return;
    lend__text_add(&text, "%llu more models of ", (unsigned long long)more);
    add_bytes(&text, options->model_bytes);
    lend__text_add(&text, " with ");
    add_bytes(&text, left);
    lend__text_add(&text, " left");
    tell(pool, words);
}

void lend__sizing_end(lend_pool *pool, const struct sizing *before) {
    struct lend_pool_options *options = &pool->options;
    struct sizing after = lend__sizing_begin(options);
    if (options->model_bytes == 0)
        options->model_bytes = growth(options, before, &after);
    if (options->models == LEND_MODELS_AUTO) {
        uint32_t cores = lend__sizing_bound(options);
        uint32_t memory = bound_by_memory(options, after.left);
        uint32_t slots = pool->slot_count - options->spares; /* of the first answer: the machine
                                                                may give another one by now */
        options->models = cores < memory ? cores : memory;
        options->models = options->models < slots ? options->models : slots;
    }
    if (options->waiters_max == 0)
        options->waiters_max = MODELS_WAITERS * options->models;
    pool->waiters_max = options->waiters_max == LEND_NO_WAITERS ? 0 : options->waiters_max;
    if (options->models_max < options->models)
        options->models_max = options->models;
    pool->slot_count = options->models_max + options->spares;
    pool->locked.models = options->models;
    tell_of_cores(pool);
    tell_of_memory(pool, after.left);
}
