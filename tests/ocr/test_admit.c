/* SPDX-License-Identifier: MIT
 *
 * Admission: each format is recognised and measured, nothing that is cut or too large is let in,
 * and no bytes whatever make it fall. All files are made here. */
#include "admitting.h"

enum { SCALE = 2 };

/* One small file of each format. */
enum { FORMATS = 5 };

static void make_each(struct file files[FORMATS]) {
    struct canvas canvas = small_canvas();
    files[LEND_OCR_PNG] = file_png(&canvas, SCALE);
    files[LEND_OCR_JPEG] = file_jpeg(&canvas);
    files[LEND_OCR_TIFF] = file_tiff(&canvas, SCALE);
    files[LEND_OCR_PNM] = file_pnm(&canvas, SCALE);
    files[LEND_OCR_WEBP] = file_webp(&canvas, SCALE);
    canvas_free(&canvas);
}

static void free_each(struct file files[FORMATS]) {
    for (int i = 0; i < FORMATS; i++)
        file_free(&files[i]);
}

static void each_format_is_recognised_and_measured(void **state) {
    (void)state;
    struct file files[FORMATS];
    struct canvas canvas = small_canvas();
    make_each(files);
    for (int i = 0; i < FORMATS; i++) {
        uint32_t scale = i == LEND_OCR_JPEG ? 8 : SCALE;
        check_admitted(files[i], (enum lend_ocr_format)i, canvas.width * scale,
                       canvas.height * scale);
    }
    canvas_free(&canvas);
}

static void formats_have_names(void **state) {
    (void)state;
    assert_string_equal(lend_ocr_format_name(LEND_OCR_PNG), "PNG");
    assert_string_equal(lend_ocr_format_name(LEND_OCR_WEBP), "WebP");
    assert_string_equal(lend_ocr_format_name((enum lend_ocr_format)99), "unknown");
}

static void info_and_reason_may_be_left_out(void **state) {
    (void)state;
    struct file files[FORMATS];
    make_each(files);
    for (int i = 0; i < FORMATS; i++)
        assert_int_equal(lend_ocr_admit(files[i].bytes, files[i].size, NULL, NULL, NULL), 0);
    assert_int_equal(lend_ocr_admit("x", 1, NULL, NULL, NULL), ENOTSUP);
    free_each(files);
}

static void no_data_is_told_from_missing_data(void **state) {
    (void)state;
    struct lend_reason reason = {0};
    assert_int_equal(lend_ocr_admit(NULL, 0, NULL, NULL, &reason), ENODATA);
    assert_int_equal(lend_ocr_admit("", 0, NULL, NULL, &reason), ENODATA);
    assert_int_equal(lend_ocr_admit(NULL, 1, NULL, NULL, &reason), EINVAL);
    check_words(&reason, EINVAL, "data");
}

static void no_part_of_a_file_is_let_in(void **state) {
    (void)state;
    struct file files[FORMATS];
    make_each(files);
    for (int i = 0; i < FORMATS; i++)
        for (size_t size = 0; size < files[i].size; size++) {
            struct lend_reason reason;
            int error = admit(&files[i], size, NULL, NULL, &reason);
            if (size == 0)
                assert_int_equal(error, ENODATA);
            else if (size < 12)
                assert_true(error == EBADMSG || error == ENOTSUP);
            else
                assert_int_equal(error, EBADMSG);
        }
    free_each(files);
}

static void bytes_after_the_end_do_no_harm(void **state) {
    (void)state;
    struct file files[FORMATS];
    make_each(files);
    for (int i = 0; i < FORMATS; i++) {
        put_string(&files[i], "what some camera had to say");
        assert_int_equal(lend_ocr_admit(files[i].bytes, files[i].size, NULL, NULL, NULL), 0);
    }
    free_each(files);
}

static void each_limit_lets_in_what_just_fits(void **state) {
    (void)state;
    struct canvas canvas = canvas_blank(40, 30);
    struct file file = file_pnm(&canvas, 1);
    struct lend_ocr_limits limits = {
        .bytes_max = file.size, .pixels_max = 1200, .side_max = 40, .pages_max = 1};
    assert_int_equal(lend_ocr_admit(file.bytes, file.size, &limits, NULL, NULL), 0);
    canvas_free(&canvas);
    file_free(&file);
}

static void each_limit_refuses_by_name_what_is_over_it(void **state) {
    (void)state;
    struct canvas canvas = canvas_blank(40, 30);
    struct file whole = file_pnm(&canvas, 1);
    struct lend_ocr_limits bytes = {.bytes_max = whole.size - 1};
    struct lend_ocr_limits pixels = {.pixels_max = 1199}, side = {.side_max = 39};
    struct lend_ocr_limits pages = {.pages_max = 2};
    struct tiff tiff = tiff_begin(/* big_endian= */ false);
    for (int i = 0; i < 3; i++)
        tiff_add(&tiff, &canvas, 1);
    check_refused_under(file_pnm(&canvas, 1), &bytes, EFBIG, "bytes_max");
    check_refused_under(file_pnm(&canvas, 1), &pixels, EFBIG, "pixels_max, 1199");
    check_refused_under(file_pnm(&canvas, 1), &side, EFBIG, "side_max, 39");
    check_refused_under(file_tiff(&canvas, 1), &side, EFBIG, "side_max, 39");
    check_refused_under(tiff.file, &pages, EFBIG, "pages_max, 2");
    file_free(&whole);
    canvas_free(&canvas);
}

static void a_limit_cannot_be_set_higher_than_the_engine_goes(void **state) {
    (void)state;
    struct lend_ocr_limits side = {.side_max = 32768}, pages = {.pages_max = 65536};
    struct lend_ocr_limits most = {
        .side_max = 32767, .pages_max = 65535, .bytes_max = UINT64_MAX, .pixels_max = UINT64_MAX};
    struct canvas canvas = small_canvas();
    check_refused_under(file_pnm(&canvas, 1), &side, EINVAL, "side_max");
    check_refused_under(file_pnm(&canvas, 1), &pages, EINVAL, "pages_max");
    struct file file = file_pnm(&canvas, 1);
    assert_int_equal(lend_ocr_admit(file.bytes, file.size, &most, NULL, NULL), 0);
    file_free(&file);
    canvas_free(&canvas);
}

static void what_is_refused_is_called_by_its_name(void **state) {
    (void)state;
    check_refused(FILE_OF("GIF89a\xff\xff\xff\xff\xf7\0\0"), ENOTSUP, "GIF");
    check_refused(FILE_OF("BM\x64\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x60\xea\0\0\x60\xea\0\0"),
                  ENOTSUP, "BMP");
    check_refused(FILE_OF("%PDF-1.7\n"), ENOTSUP, "PDF");
    check_refused(FILE_OF("\0\0\0\x0cjP  \r\n\x87\n"), ENOTSUP, "JPEG 2000");
    check_refused(FILE_OF("\0\0\0\x1c"
                          "ftypavif"),
                  ENOTSUP, "AVIF");
    check_refused(FILE_OF("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), ENOTSUP, "SVG");
    check_refused(FILE_OF("PK\x03\x04"), ENOTSUP, "ZIP");
    check_refused(FILE_OF("P7\nWIDTH 1\n"), ENOTSUP, "PAM");
    check_refused(FILE_OF("spix\1\0\0\0"), ENOTSUP, "Leptonica");
    check_refused(FILE_OF("RIFF\x24\0\0\0WAVEfmt "), ENOTSUP, "RIFF");
    check_refused(FILE_OF("http://127.0.0.1/page.png\n"), ENOTSUP, "URL");
    check_refused(FILE_OF("/etc/passwd\n/tmp/page.png\n"), ENOTSUP, "text");
    check_refused(FILE_OF("BMW builds cars\n"), ENOTSUP, "text");
    check_refused(FILE_OF("II is a number too\n"), ENOTSUP, "begins like a TIFF");
    check_refused(FILE_OF("\x01\x02\x03\x04"), ENOTSUP, "nothing known");
    check_refused(FILE_OF("II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"), ENOTSUP, "BigTIFF");
}

static void pages_of_a_tiff_are_counted_and_the_largest_measured(void **state) {
    (void)state;
    struct canvas small = canvas_blank(10, 10), wide = canvas_blank(50, 3),
                  large = canvas_blank(20, 30);
    for (int order = 0; order < 2; order++) {
        struct lend_ocr_info info;
        struct tiff tiff = tiff_begin(/* big_endian= */ order == 1);
        tiff_add(&tiff, &small, 1);
        tiff_add(&tiff, &large, 1);
        tiff_add(&tiff, &wide, 1);
        assert_int_equal(lend_ocr_admit(tiff.file.bytes, tiff.file.size, NULL, &info, NULL), 0);
        assert_int_equal(info.pages, 3);
        assert_int_equal(info.width, 20);
        assert_int_equal(info.height, 30);
        file_free(&tiff.file);
    }
    canvas_free(&small);
    canvas_free(&wide);
    canvas_free(&large);
}

static void pages_that_form_a_ring_are_refused(void **state) {
    (void)state;
    struct canvas canvas = canvas_blank(4, 4);
    for (uint32_t pages = 1; pages <= 40; pages++)
        for (uint32_t back_to = 0; back_to < pages && back_to < 16; back_to++) {
            struct tiff tiff = tiff_begin(/* big_endian= */ false);
            for (uint32_t i = 0; i < pages; i++)
                tiff_add(&tiff, &canvas, 1);
            tiff_close_ring(&tiff, back_to);
            check_refused(tiff.file, EBADMSG, "ring");
        }
    canvas_free(&canvas);
}

static void a_ring_of_many_pages_is_found_before_the_limit_is(void **state) {
    (void)state;
    struct canvas canvas = canvas_blank(1, 1);
    struct tiff tiff = tiff_begin(/* big_endian= */ false);
    for (int i = 0; i < 5000; i++)
        tiff_add(&tiff, &canvas, 1);
    tiff_close_ring(&tiff, 3);
    check_refused(tiff.file, EBADMSG, "ring");
    canvas_free(&canvas);
}

static void every_kind_of_pnm_is_let_in(void **state) {
    (void)state;
    check_admitted(file_of_string("P1 3 2\n0 1 0 1 0 1"), LEND_OCR_PNM, 3, 2);
    check_admitted(file_of_string("P2\n# a comment\n# another\n2 2 15\n0 1 2 15\n"), LEND_OCR_PNM,
                   2, 2);
    check_admitted(file_of_string("P3 1 2 255\n0 1 2 255 254 253"), LEND_OCR_PNM, 1, 2);
    check_admitted(file_of_string("P4\t9 2\nxxxx"), LEND_OCR_PNM, 9, 2);
    check_admitted(file_of_string("P5\r\n2 2\r\n255\nxxxx"), LEND_OCR_PNM, 2, 2);
    check_admitted(file_of_string("P6 1 2 65535\nxxxxxxxxxxxx"), LEND_OCR_PNM, 1, 2);
}

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13; /* Marsaglia's xorshift */
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Overwrite, cut, or repeat a part. */
static void mutate(struct file *file, uint32_t *random) {
    static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xd8, 0xd9, 0xda, 0xc0};
    uint32_t changes = 1 + next_random(random) % 4;
    for (uint32_t i = 0; i < changes && file->size > 0; i++) {
        /* Mostly near the beginning or the end, where the structure is. */
        size_t reach = next_random(random) % 4 == 0 || file->size < 128 ? file->size : 64;
        size_t at = next_random(random) % reach;
        if (next_random(random) % 4 == 0)
            at = file->size - 1 - at;
        switch (next_random(random) % 8) {
        case 0:
            file->size = at;
            break;
        case 1:
            put_bytes(file, "0123456789abcdef", 16);
            memmove(file->bytes + at + 1, file->bytes + at, file->size - at - 1);
            break;
        case 2:
        case 3:
            file->bytes[at] = telling[next_random(random) % sizeof telling];
            break;
        default:
            file->bytes[at] = (uint8_t)next_random(random);
            break;
        }
    }
}

static bool is_an_answer(int error) {
    return error == 0 || error == ENOTSUP || error == EBADMSG || error == EFBIG || error == ENODATA;
}

static void no_damage_leads_to_anything_but_an_answer(void **state) {
    (void)state;
    struct file files[FORMATS];
    uint32_t random = 20240613;
    make_each(files);
    for (int i = 0; i < FORMATS; i++)
        for (int round = 0; round < 20000; round++) {
            struct lend_ocr_info info;
            struct lend_reason reason;
            struct file file = file_of(files[i].bytes, files[i].size);
            mutate(&file, &random);
            int error = admit(&file, file.size, NULL, &info, &reason);
            assert_true(is_an_answer(error));
            if (error == 0) {
                assert_in_range(info.width, 1, 32767);
                assert_in_range(info.height, 1, 32767);
                assert_in_range(info.pages, 1, 1000);
            } else {
                assert_int_equal(reason.error, error);
                assert_true(reason.text[0] != '\0');
            }
            file_free(&file);
        }
    free_each(files);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_recognised_and_measured),
        cmocka_unit_test(formats_have_names),
        cmocka_unit_test(info_and_reason_may_be_left_out),
        cmocka_unit_test(no_data_is_told_from_missing_data),
        cmocka_unit_test(no_part_of_a_file_is_let_in),
        cmocka_unit_test(bytes_after_the_end_do_no_harm),
        cmocka_unit_test(each_limit_lets_in_what_just_fits),
        cmocka_unit_test(each_limit_refuses_by_name_what_is_over_it),
        cmocka_unit_test(a_limit_cannot_be_set_higher_than_the_engine_goes),
        cmocka_unit_test(what_is_refused_is_called_by_its_name),
        cmocka_unit_test(pages_of_a_tiff_are_counted_and_the_largest_measured),
        cmocka_unit_test(pages_that_form_a_ring_are_refused),
        cmocka_unit_test(a_ring_of_many_pages_is_found_before_the_limit_is),
        cmocka_unit_test(every_kind_of_pnm_is_let_in),
        cmocka_unit_test(no_damage_leads_to_anything_but_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
