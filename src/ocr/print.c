/* SPDX-License-Identifier: MIT
 *
 * The printer: which way, and how often. */
#include "ocr/print.h"

#include <stdio.h>

static bool is_known(enum lend_ocr_print_as as) {
    return as == LEND_OCR_AS_TEXT || as == LEND_OCR_AS_TSV || as == LEND_OCR_AS_HOCR ||
           as == LEND_OCR_AS_JSON;
}

static bool is_ready(const struct lend_ocr_printer *printer) {
    return printer != NULL && printer->write != NULL && is_known(printer->as);
}

int lend_ocr_print_begin(struct lend_ocr_printer *printer) {
    struct output output = {.printer = printer};
    if (!is_ready(printer))
        return EINVAL;
    printer->pages = 0;
    if (printer->as == LEND_OCR_AS_TSV)
        lend__print_tsv_head(&output);
    if (printer->as == LEND_OCR_AS_HOCR)
        lend__print_hocr_head(&output);
    return output.error;
}

int lend_ocr_print(struct lend_ocr_printer *printer, const char *file,
                   const struct lend_ocr_result *result) {
    static print_page *const ways[] = {
        [LEND_OCR_AS_TEXT] = lend__print_text,
        [LEND_OCR_AS_TSV] = lend__print_tsv,
        [LEND_OCR_AS_HOCR] = lend__print_hocr,
        [LEND_OCR_AS_JSON] = lend__print_json,
    };
    struct output output = {.printer = printer};
    if (!is_ready(printer) || file == NULL || result == NULL)
        return EINVAL;
    for (size_t i = 0; output.error == 0 && i < result->page_count; i++) {
        ways[printer->as](&output, file, &result->pages[i]);
        printer->pages += output.error == 0;
    }
    return output.error;
}

int lend_ocr_print_failure(struct lend_ocr_printer *printer, const char *file, const char *words) {
    struct output output = {.printer = printer};
    if (!is_ready(printer) || file == NULL || words == NULL)
        return EINVAL;
    if (printer->as == LEND_OCR_AS_JSON)
        lend__print_json_failure(&output, file, words);
    return output.error;
}

int lend_ocr_print_end(struct lend_ocr_printer *printer) {
    struct output output = {.printer = printer};
    if (!is_ready(printer))
        return EINVAL;
    if (printer->as == LEND_OCR_AS_HOCR)
        lend__print_hocr_foot(&output);
    return output.error;
}

int lend_ocr_write_file(const void *data, size_t size, void *file) {
    return fwrite(data, 1, size, file) == size ? 0 : EIO;
}
