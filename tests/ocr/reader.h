/* SPDX-License-Identifier: MIT
 *
 * One OCR model in a pool, and what it reads.
 *
 *     lend_pool *pool = reader_open(&LEND_OCR_OPTIONS(.languages = "eng"));
 *     struct lend_ocr_result *result = read_file(pool, &file);
 *     lend_ocr_result_free(result);
 *     reader_close(pool);
 *
 * On the test's own thread only: they fail the test if they cannot. */
#ifndef LEND_TESTS_OCR_READER_H
#define LEND_TESTS_OCR_READER_H

#include "files.h"

#include <lend/lend.h>
#include <lend/ocr.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What is drawn on a page, and what the engine makes of it. */
#define PAGE_TEXT "THE MODEL\nTOTAL 1247\n"
enum { PAGE_SCALE = 3 };

static inline struct canvas page_canvas(void) {
    return canvas_of("THE MODEL\nTOTAL 1247");
}

static inline struct file page_file(void) {
    struct canvas canvas = page_canvas();
    struct file file = file_pnm(&canvas, PAGE_SCALE);
    canvas_free(&canvas);
    return file;
}

/* The options stay where they are until the pool is closed. */
static inline lend_pool *reader_open(struct lend_ocr_options *options) {
    lend_pool *pool = NULL;
    struct lend_reason reason = {0};
    int error = lend_pool_open(
        &pool, &LEND_POOL_OPTIONS(.name = "reader", .ops = &lend_ocr_model_ops,
                                  .ops_context = options, .models = 1, .reason = &reason));
    if (error != 0)
        fail_msg("no reader: %s", reason.text);
    return pool;
}

static inline void reader_close(lend_pool *pool) {
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
}

/* Read on a borrowed model; nothing is asserted before it is back. */
static inline int read_request(lend_pool *pool, const struct lend_ocr_request *request,
                               struct lend_ocr_result **ret_result, struct lend_reason *reason) {
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    int error = lend_ocr_recognise(lease.model, request, ret_result, reason);
    lend_release(&lease);
    return error;
}

static inline struct lend_ocr_result *read_file(lend_pool *pool, const struct file *file) {
    struct lend_ocr_result *result = NULL;
    struct lend_reason reason = {0};
    int error = read_request(
        pool,
        &LEND_OCR_REQUEST(.data = file->bytes, .data_size = file->size, .deadline = LEND_FOREVER),
        &result, &reason);
    if (error != 0)
        fail_msg("not read: %s", reason.text);
    return result;
}

/* The reader still reads. */
static inline void check_reads(lend_pool *pool) {
    struct file file = page_file();
    struct lend_ocr_result *result = read_file(pool, &file);
    assert_int_equal(result->page_count, 1);
    assert_string_equal(result->pages[0].text, PAGE_TEXT);
    lend_ocr_result_free(result);
    file_free(&file);
}

#endif
