/* SPDX-License-Identifier: MIT
 *
 * A picture is as large as it was admitted: what the decoder makes is measured once more, should it
 * understand a header in some way that nobody thought of. Here Leptonica's function for WebP and
 * PNM is replaced by one that makes a picture of the size that it is told. */
#define _GNU_SOURCE
#include "reader.h"

#include <allheaders.h>
#include <dlfcn.h>

enum { WIDTH = 40, HEIGHT = 30 };

static int made_width, made_height; /* 0: whatever is in the file */

/* Found before Leptonica's own. */
PIX *pixReadMem(const l_uint8 *data, size_t size) {
    union {
        void *symbol;
        PIX *(*read)(const l_uint8 *data, size_t size);
    } own = {.symbol = dlsym(RTLD_NEXT, "pixReadMem")};
    return made_width != 0 ? pixCreate(made_width, made_height, 8) : own.read(data, size);
}

/* Read a PNM of WIDTH x HEIGHT while the decoder makes this of it. */
static int read_made(lend_pool *reader, int width, int height, struct lend_reason *reason) {
    struct canvas canvas = canvas_blank(WIDTH, HEIGHT);
    struct file file = file_pnm(&canvas, 1);
    struct lend_ocr_result *result = NULL;
    made_width = width;
    made_height = height;
    int error = read_request(reader, &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size),
                             &result, reason);
    made_width = made_height = 0;
    lend_ocr_result_free(result);
    file_free(&file);
    canvas_free(&canvas);
    return error;
}

static void a_picture_of_another_size_than_was_admitted_is_refused(void **state) {
    (void)state;
    static const struct {
        int width, height;
    } others[] = {{WIDTH, HEIGHT + 1}, {WIDTH - 1, HEIGHT}, {3000, 3000}, {HEIGHT, WIDTH}};
    lend_pool *reader = reader_open(NULL);
    struct lend_reason reason = {0};
    assert_int_equal(read_made(reader, WIDTH, HEIGHT, &reason), 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(read_made(reader, others[i].width, others[i].height, &reason), EBADMSG);
        assert_non_null(strstr(reason.text, "header says, 40 x 30"));
    }
    check_reads(reader);
    reader_close(reader);
}

/* The one format that says which side of a page is up. */
static void a_tiff_may_be_read_on_its_side(void **state) {
    (void)state;
    lend_pool *reader = reader_open(NULL);
    struct tiff tiff = tiff_begin(/* big_endian= */ false);
    static const uint8_t grey[WIDTH * HEIGHT] = {0};
    const struct tiff_field fields[] = {
        {256, WIDTH}, {257, HEIGHT}, {258, 8},      {259, 1},           {262, 1},
        {273, 8},     {274, 6},      {278, HEIGHT}, {279, sizeof grey},
    };
    put_bytes(&tiff.file, grey, sizeof grey);
    tiff_add_fields(&tiff, fields, sizeof fields / sizeof fields[0]);
    struct lend_ocr_result *result = read_file(reader, &tiff.file);
    assert_int_equal(result->pages[0].width, HEIGHT);
    assert_int_equal(result->pages[0].height, WIDTH);
    lend_ocr_result_free(result);
    file_free(&tiff.file);
    reader_close(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_of_another_size_than_was_admitted_is_refused),
        cmocka_unit_test(a_tiff_may_be_read_on_its_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
