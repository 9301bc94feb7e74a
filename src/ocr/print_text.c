/* SPDX-License-Identifier: MIT
 *
 * Plain text, as the command prints it. */
#include "ocr/print.h"

void lend__print_text(struct output *output, const char *file, const struct lend_ocr_page *page) {
    (void)file;
    if (output->printer->pages > 0)
        lend__put(output, "\f");
    lend__put(output, page->text);
}
