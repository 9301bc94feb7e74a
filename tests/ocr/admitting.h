/* SPDX-License-Identifier: MIT
 *
 * Asking for admission, and what is to be answered. On the test's own thread only. */
#ifndef LEND_TESTS_OCR_ADMITTING_H
#define LEND_TESTS_OCR_ADMITTING_H

#include "files.h"

#include <lend/ocr.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* In a block of exactly its size, so that a sanitizer sees the first byte too far. */
static inline int admit(const struct file *file, size_t size, const struct lend_ocr_limits *limits,
                        struct lend_ocr_info *ret_info, struct lend_reason *reason) {
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL)
        abort();
    memcpy(bytes, file->bytes, size);
    *reason = (struct lend_reason){0};
    int error = lend_ocr_admit(bytes, size, limits, ret_info, reason);
    free(bytes);
    return error;
}

static inline void check_words(const struct lend_reason *reason, int error, const char *words) {
    assert_int_equal(reason->error, error);
    if (strstr(reason->text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", reason->text, words);
}

/* Refused like this, and the words say that. Frees the file. */
static inline void check_refused_under(struct file file, const struct lend_ocr_limits *limits,
                                       int error, const char *words) {
    struct lend_reason reason;
    struct lend_ocr_info info = {.width = 77};
    assert_int_equal(admit(&file, file.size, limits, &info, &reason), error);
    check_words(&reason, error, words);
    assert_int_equal(info.width, 77);
    file_free(&file);
}

static inline void check_refused(struct file file, int error, const char *words) {
    check_refused_under(file, /* limits= */ NULL, error, words);
}

static inline void check_admitted(struct file file, enum lend_ocr_format format, uint32_t width,
                                  uint32_t height) {
    struct lend_reason reason;
    struct lend_ocr_info info;
    assert_int_equal(admit(&file, file.size, /* limits= */ NULL, &info, &reason), 0);
    assert_int_equal(info.format, format);
    assert_int_equal(info.pages, 1);
    assert_int_equal(info.width, width);
    assert_int_equal(info.height, height);
    file_free(&file);
}

static inline struct canvas small_canvas(void) {
    return canvas_of("ON");
}

static inline struct file file_of(const void *bytes, size_t size) {
    struct file file = {0};
    put_bytes(&file, bytes, size);
    return file;
}

static inline struct file file_of_string(const char *string) {
    return file_of(string, strlen(string));
}

/* A literal with NULs in it, without the last. */
#define FILE_OF(literal) file_of((literal), sizeof(literal) - 1)

#endif
