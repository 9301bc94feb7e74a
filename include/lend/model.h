/* SPDX-License-Identifier: MIT
 *
 * Models: what a pool lends, and the four operations by which it keeps them.
 *
 *     static int load(void **ret_model, void *context, struct lend_reason *reason) {
 *         struct engine *engine = engine_new(context);
 *         if (engine == NULL)
 *             return lend_reason_set(reason, EIO, "cannot read %s", (const char *)context);
 *         *ret_model = engine;
 *         return 0;
 *     }
 *     static void unload(void *model, void *context) { (void)context, engine_free(model); }
 *
 *     static const struct lend_model_ops engine_ops = LEND_MODEL_OPS(.load = load,
 *                                                                    .unload = unload);
 *
 * A model is any pointer but NULL. lend never looks inside it, and never lets two threads have it
 * at once: an operation on a model runs while nobody else has that model. */
#ifndef LEND_MODEL_H
#define LEND_MODEL_H

#include <lend/base.h>
#include <lend/error.h>

LEND_BEGIN_DECLS

/* The operations run outside every lock of lend and may take as long as they need; one in the
 * background that takes longer than options.load_alarm_ms is reported and not counted on. They may
 * be called for different models at the same time from different threads; the first load of a pool
 * runs alone, since engines tend to set up their globals then, and options.loaders = 1 keeps
 * all loads of an open one after another. They return 0 or a positive error, and fill `reason`
 * (never NULL) with words: whoever has to be told gets those words. They must not use the pool. */
struct lend_model_ops {
    size_t size; /* of this struct, as the caller knows it; LEND_MODEL_OPS sets it */

    /* Required. Make one model ready for use. On the thread that opens the pool, on a loading
     * thread, or, to replace a model, on a background thread of the pool. */
    int (*load)(void **ret_model, void *context, struct lend_reason *reason);

    /* Required. Free a model that is not lent. On a background thread, on the one that closes, or
     * where opening failed. */
    void (*unload)(void *model, void *context);

    /* Optional. Make it as if it had never been used. After every lease, on the thread that gives
     * the model back, before the next borrower can see it. A failure has the model replaced. */
    int (*reset)(void *model, void *context, struct lend_reason *reason);

    /* Optional. Is it fit to be lent? After every load, before the first lease: a failure counts as
     * a failed load. Of a model that was taken back from a thread or job that ended with it, on
     * that thread, after its reset; and of an idle one now and then (options.check_every_ms), on a
     * background thread: a failure has the model replaced. */
    int (*check)(void *model, void *context, struct lend_reason *reason);
};

#ifndef __cplusplus
/* An initialiser for it. */
#define LEND_MODEL_OPS(...)                                                                        \
    { .size = sizeof(struct lend_model_ops), __VA_ARGS__ }
#endif

LEND_END_DECLS

#endif
