/* SPDX-License-Identifier: MIT
 *
 * A printer whose paper is memory.
 *
 *     struct paper paper;
 *     struct lend_ocr_printer printer = printer_as(LEND_OCR_AS_TSV, &paper);
 *     ... lend_ocr_print(&printer, "a.tif", &result) ...
 *     check_printed(&paper, "...");       // frees it
 */
#ifndef LEND_TESTS_OCR_PAPER_H
#define LEND_TESTS_OCR_PAPER_H

#include "files.h"

#include <lend/ocr.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Collects what is printed, and fails at the n-th call if it is told to. */
struct paper {
    struct file printed;
    int calls, fail_at;
};

static inline int write_paper(const void *data, size_t size, void *context) {
    struct paper *paper = context;
    if (++paper->calls == paper->fail_at)
        return ENOSPC;
    put_bytes(&paper->printed, data, size);
    return 0;
}

static inline struct lend_ocr_printer printer_as(enum lend_ocr_print_as as, struct paper *paper) {
    *paper = (struct paper){0};
    return (struct lend_ocr_printer){.as = as, .write = write_paper, .write_context = paper};
}

static inline void check_printed(struct paper *paper, const char *expected) {
    put_byte(&paper->printed, 0);
    assert_string_equal((const char *)paper->printed.bytes, expected);
    file_free(&paper->printed);
}

#endif
