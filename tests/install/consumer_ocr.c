/* SPDX-License-Identifier: MIT
 *
 * A program that uses an installed lend-ocr: the engine is there, and says what it lacks. */
#include <lend/lend.h>
#include <lend/ocr.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    struct lend_ocr_options ocr = LEND_OCR_OPTIONS(.languages = "none");
    struct lend_reason reason = {0};
    lend_pool *pool;
    int error =
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &lend_ocr_model_ops, .ops_context = &ocr,
                                                 .models = 1, .reason = &reason));
    printf("%s: %s\n", lend_errname(error), reason.text);
    return error == EIO && strstr(reason.text, "none") != NULL ? 0 : 1;
}
