/* SPDX-License-Identifier: MIT
 *
 * Opening a pool: the first model is loaded alone, because engines set up their globals then, and
 * because how much memory it takes may decide how many there are to be; the rest by as many threads
 * as options.loaders allows. The opening thread does not load meanwhile: it waits, so that progress
 * is told in order and from one thread. */
#include "pool/loader.h"

#include "base/clock.h"
#include "base/memory.h"
#include "pool/sizing.h"
#include "pool/state.h"

int lend__model_load(const lend_pool *pool, void **ret_model, struct lend_reason *reason) {
    void *context = pool->options.ops_context;
    void *model = NULL;
    *reason = (struct lend_reason){0};
    int error = pool->ops.load(&model, context, reason);
    const char *step = "load";
    if (error == 0 && model == NULL)
        return lend_reason_set(reason, EIO, "load returned 0 and no model");
    if (error == 0 && pool->ops.check != NULL) {
        step = "check";
        error = pool->ops.check(model, context, reason);
        if (error != 0)
            pool->ops.unload(model, context);
    }
    if (error == 0) {
        *ret_model = model;
        return 0;
    }
    reason->error = error;
    if (reason->text[0] == '\0')
        lend_reason_set(reason, error, "%s failed: %s (%d)", step, lend_errname(error), error);
    return error;
}

void lend__slot_stamp(struct slot *slot, uint64_t edition) {
    slot->first_generation = life_generation(word_peek(&slot->life)) + 1;
    slot->loaded_ns = lend__clock_coarse_ns();
    slot->checked_ns = lend__clock_now_ns();
    slot->edition = edition;
    slot->failures = 0;
}

/* What the opening thread and the loading ones share. */
struct loading {
    lend_pool *pool;
    struct parker opener; /* woken after each model and by each thread that ends */
    struct lock lock;
    struct {             /* under lock */
        uint32_t next;   /* the slot to load next */
        uint32_t loaded; /* models that are ready */
        uint32_t ended;  /* threads that are done */
        int error;       /* of the first failure: no more are begun after it */
        struct lend_reason reason;
    } locked;
};

/* Load slots until there are no more, or one failed. */
static void load_some(void *argument) {
    struct loading *loading = argument;
    lend_pool *pool = loading->pool;
    for (;;) {
        lend__lock_acquire(&loading->lock);
        bool more = loading->locked.error == 0 && loading->locked.next < pool->options.models;
        uint32_t index = more ? loading->locked.next++ : 0;
        loading->locked.ended += !more;
        if (!more)
            lend__parker_wake(&loading->opener);
        lend__lock_release(&loading->lock);
        if (!more)
            return;

        struct lend_reason reason;
        int error = lend__model_load(pool, &pool->slots[index].model, &reason);
        lend__lock_acquire(&loading->lock);
        loading->locked.loaded += error == 0;
        if (error != 0 && loading->locked.error == 0) {
            loading->locked.error = EIO;
            loading->locked.reason = reason;
        }
        lend__parker_wake(&loading->opener);
        lend__lock_release(&loading->lock);
    }
}

/* Tell of each model once, in order, until `threads` have ended. */
static void follow(struct loading *loading, uint32_t threads, uint32_t told) {
    const struct lend_pool_options *options = &loading->pool->options;
    for (;;) {
        lend__lock_acquire(&loading->lock);
        uint32_t loaded = loading->locked.loaded;
        bool over = loading->locked.ended == threads;
        lend__lock_release(&loading->lock);
        while (told < loaded) {
            told++;
            if (options->progress != NULL)
                options->progress(told, options->models, options->progress_context);
        }
        if (over)
            return;
        lend__parker_sleep(&loading->opener, LEND_FOREVER);
    }
}

static void load_rest(struct loading *loading) {
    const struct lend_pool_options *options = &loading->pool->options;
    uint32_t rest = options->models - 1;
    uint32_t wanted = options->loaders < rest ? options->loaders : rest;
    if (wanted == 0)
        return;
    struct thread *threads = lend__memory_new(wanted * sizeof *threads);
    uint32_t started = 0;
    while (threads != NULL && started < wanted &&
           lend__thread_start(&threads[started], "lend-loader", load_some, loading) == 0)
        started++;
    if (started > 0) {
        follow(loading, started, /* told= */ 1);
        for (uint32_t i = 0; i < started; i++)
            lend__thread_join(&threads[i]);
    } else {
        loading->locked.error = ENOMEM;
        lend_reason_set(&loading->locked.reason, ENOMEM, "no thread to load models on");
    }
    lend__memory_free(threads);
}

static int load_with(struct loading *loading, struct lend_reason *reason) {
    lend_pool *pool = loading->pool;
    struct sizing before = lend__sizing_begin(&pool->options);
    int error = lend__model_load(pool, &pool->slots[0].model, &loading->locked.reason);
    if (error != 0) {
        *reason = loading->locked.reason;
        return EIO;
    }
    lend__sizing_end(pool, &before);
    loading->locked.loaded = loading->locked.next = 1;
    if (pool->options.progress != NULL)
        pool->options.progress(1, pool->options.models, pool->options.progress_context);
    load_rest(loading);
    if (loading->locked.error != 0) {
        *reason = loading->locked.reason;
        return loading->locked.error;
    }
    for (uint32_t i = 0; i < pool->options.models; i++) {
        lend__slot_stamp(&pool->slots[i], /* edition= */ 0);
        lend__pool_move(pool, &pool->slots[i], SLOT_FREE);
    }
    lend__pool_settle(pool, /* woken= */ &(struct list){0});
    pool->locked.loads = pool->options.models;
    return 0;
}

int lend__pool_load_all(lend_pool *pool, struct lend_reason *reason) {
    struct loading loading = {.pool = pool};
    if (lend__lock_init(&loading.lock) != 0)
        return lend_reason_set(reason, ENOMEM, "no memory");
    parker_init(&loading.opener);
    int error = load_with(&loading, reason);
    parker_deinit(&loading.opener);
    lend__lock_deinit(&loading.lock);
    return error;
}
