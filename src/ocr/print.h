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

/* Up to 255 bytes, without real numbers: their decimal point would be the locale's. */
void lend__put_format(struct output *output, const char *format, ...) LEND_PRINTF(2, 3);

/* As %.*f and %.*g do in the C locale; but infinity and what is no number are printed as 0. */
void lend__put_fixed(struct output *output, double number, int decimals);
void lend__put_general(struct output *output, double number, int digits);

/* A string inside of quotes or tags. `escape` says what stands there in place of a character, which
 * it may write into the buffer; NULL: the character itself. What is not UTF-8 comes out as U+FFFD.
 */
enum { ESCAPE_SIZE = 8 };
typedef const char *escape_of(const char *character, size_t length, char buffer[ESCAPE_SIZE]);
void lend__put_escaped(struct output *output, const char *string, escape_of *escape);

/* The pages of a result, one after the other; printer->pages counts up in between. */
typedef void print_page(struct output *output, const char *file, const struct lend_ocr_page *page);

print_page lend__print_text;
print_page lend__print_tsv;
print_page lend__print_hocr;
print_page lend__print_json;

void lend__print_tsv_head(struct output *output);
void lend__print_hocr_head(struct output *output);
void lend__print_hocr_foot(struct output *output);
void lend__print_json_failure(struct output *output, const char *file, const char *words);

#endif
