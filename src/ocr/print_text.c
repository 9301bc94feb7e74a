/* SPDX-License-Identifier: MIT
 *
 * Plain text, and TSV: a row for each page, block, paragraph, line and word. */
#include "ocr/print.h"

void lend__print_text(struct output *output, const char *file, const struct lend_ocr_page *page) {
    (void)file;
    if (output->printer->pages > 0)
        lend__put(output, "\f");
    lend__put(output, page->text);
}
