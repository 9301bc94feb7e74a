/* SPDX-License-Identifier: MIT
 *
 * What the four ways of printing share. Pieces go straight to the caller's `write`; its first error
 * ends the printing, and everything after it does nothing. */
#ifndef LEND_SRC_OCR_PRINT_H
#define LEND_SRC_OCR_PRINT_H

#include <lend/ocr.h>

/* One call of lend_ocr_print... in progress. */
struct output {
    struct lend_ocr_printer *printer;
    int error; /* the first one */
};

void lend__put_bytes(struct output *output, const void *bytes, size_t size);
void lend__put(struct output *output, const char *string);

/* Numbers are printed as in the C locale, whatever locale the program is in. */
void lend__put_format(struct output *output, const char *format, ...) LEND_PRINTF(2, 3);

/* Text inside of quotes or tags. Bytes that are not UTF-8 come out as U+FFFD, as do characters
 * that XML has no way to say. */
void lend__put_json(struct output *output, const char *string);
void lend__put_xml(struct output *output, const char *string);

/* The pages of a result, one after the other; printer->pages counts up in between. */
typedef void print_page(struct output *output, const char *file, const struct lend_ocr_page *page);

print_page lend__print_text;
print_page lend__print_tsv;
print_page lend__print_hocr;
print_page lend__print_json;

void lend__print_tsv_begin(struct output *output);
void lend__print_hocr_begin(struct output *output);
void lend__print_hocr_end(struct output *output);
void lend__print_json_failure(struct output *output, const char *file, const char *words);

#endif
