/* SPDX-License-Identifier: MIT
 *
 * Pieces of output: strings, numbers that no locale changes, and strings that are escaped. */
#include "ocr/print.h"
#include "ocr/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void lend__put_bytes(struct output *output, const void *bytes, size_t size) {
    const struct lend_ocr_printer *printer = output->printer;
    if (output->error == 0 && size > 0)
        output->error = printer->write(bytes, size, printer->write_context);
}

void lend__put(struct output *output, const char *string) {
    lend__put_bytes(output, string, strlen(string));
}

void lend__put_format(struct output *output, const char *format, ...) {
    char buffer[256];
    va_list list;
    va_start(list, format);
    vsnprintf(buffer, sizeof buffer, format, list);
    va_end(list);
    lend__put(output, buffer);
}

/* What printf put where the point belongs is whatever is no part of a number otherwise; it may be
 * several bytes long. */
static void put_with_point(struct output *output, const char *number) {
    static const char parts[] = "+-0123456789e";
    size_t whole = strspn(number, parts), point = strcspn(number + whole, parts);
    lend__put_bytes(output, number, whole);
    if (point > 0)
        lend__put(output, ".");
    lend__put(output, number + whole + point);
}

/* No format here has words for infinity and the like. 0 says least: of a confidence that there is
 * none, of a height or slope that nothing was measured. */
static double or_0(double number) {
    return isfinite(number) ? number : 0;
}

void lend__put_fixed(struct output *output, double number, int decimals) {
    char buffer[400]; /* the largest double has 309 digits */
    snprintf(buffer, sizeof buffer, "%.*f", decimals, or_0(number));
    put_with_point(output, buffer);
}

void lend__put_general(struct output *output, double number, int digits) {
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%.*g", digits, or_0(number));
    put_with_point(output, buffer);
}

void lend__put_escaped(struct output *output, const char *string, escape_of *escape) {
    const char *plain = string; /* from here on nothing was put yet */
    while (*string != '\0') {
        bool valid;
        char buffer[ESCAPE_SIZE];
        size_t length = lend__utf8_length(string, &valid);
        const char *instead = valid ? escape(string, length, buffer) : UTF8_REPLACEMENT;
        if (instead != NULL) {
            lend__put_bytes(output, plain, (size_t)(string - plain));
            lend__put(output, instead);
            plain = string + length;
        }
        string += length;
    }
    lend__put(output, plain);
}
