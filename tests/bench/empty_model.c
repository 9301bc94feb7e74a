/* SPDX-License-Identifier: MIT */
#include "empty_model.h"

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

const struct lend_model_ops empty_model_ops = LEND_MODEL_OPS(.load = load, .unload = unload);

int empty_job(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    (void)job;
    return 0;
}
