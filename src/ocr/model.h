/* SPDX-License-Identifier: MIT
 *
 * What a pool with lend_ocr_model_ops lends. */
#ifndef LEND_SRC_OCR_MODEL_H
#define LEND_SRC_OCR_MODEL_H

#include "ocr/engine.h"

struct model {
    struct engine *engine;
    /* constant after load: what each request gets unless it says otherwise */
    struct lend_ocr_limits limits;
    int psm, dpi;
    bool engine_threads;
    /* The engine failed, and so does the reset: the model is replaced, whatever the borrower does.
     */
    bool failed;
};

/* EINVAL, naming the number, unless the engine knows it and it was not left at 0. */
int lend__psm_check(int psm, struct lend_reason *reason);
int lend__dpi_check(int dpi, struct lend_reason *reason);

/* Is it fit to be lent? Reads a sample, so that nobody's first page pays for warming up. */
int lend__model_check(struct model *model, struct lend_reason *reason);

#endif
