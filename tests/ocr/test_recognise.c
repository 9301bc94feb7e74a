/* SPDX-License-Identifier: MIT
 *
 * Reading: what is drawn comes back as text and structure, from every format; what cannot be read
 * is an error that says why, and the next page is read. */
#include "reader.h"

#include <math.h>

static lend_pool *reader;

static int open_reader(void **state) {
    (void)state;
    reader = reader_open(NULL);
    return 0;
}

static int close_reader(void **state) {
    (void)state;
    reader_close(reader);
    return 0;
}

/* Reading the file fails like this, in these words, and the next page is read. Frees the file. */
static void check_fails(struct file file, int error, const char *words) {
    struct lend_ocr_result *result = NULL;
    struct lend_reason reason = {0};
    assert_int_equal(read_request(reader,
                                  &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size),
                                  &result, &reason),
                     error);
    assert_null(result);
    assert_int_equal(reason.error, error);
    if (strstr(reason.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", reason.text, words);
    file_free(&file);
    check_reads(reader);
}

static void check_text(struct file file, enum lend_ocr_format format, const char *text) {
    struct lend_ocr_result *result = read_file(reader, &file);
    assert_int_equal(result->format, format);
    assert_string_equal(result->pages[0].text, text);
    lend_ocr_result_free(result);
    file_free(&file);
}

static void every_format_is_read(void **state) {
    (void)state;
    struct canvas canvas = page_canvas();
    check_text(file_png(&canvas, PAGE_SCALE), LEND_OCR_PNG, PAGE_TEXT);
    check_text(file_jpeg(&canvas), LEND_OCR_JPEG, PAGE_TEXT);
    check_text(file_tiff(&canvas, PAGE_SCALE), LEND_OCR_TIFF, PAGE_TEXT);
    check_text(file_pnm(&canvas, PAGE_SCALE), LEND_OCR_PNM, PAGE_TEXT);
    check_text(file_webp(&canvas, PAGE_SCALE), LEND_OCR_WEBP, PAGE_TEXT);
    canvas_free(&canvas);
}

static void every_kind_of_png_is_read_the_same(void **state) {
    (void)state;
    static const struct {
        enum png_kind kind;
        int depth;
        bool transparent;
    } kinds[] = {
        {PNG_GREY, 8, false},         {PNG_GREY, 1, false},          {PNG_GREY, 2, false},
        {PNG_GREY, 4, false},         {PNG_GREY, 16, false},         {PNG_COLOURS, 8, false},
        {PNG_COLOURS, 16, false},     {PNG_PALETTE, 1, false},       {PNG_PALETTE, 2, false},
        {PNG_PALETTE, 4, false},      {PNG_PALETTE, 8, false},       {PNG_PALETTE, 1, true},
        {PNG_PALETTE, 2, true},       {PNG_PALETTE, 4, true},        {PNG_PALETTE, 8, true},
        {PNG_GREY_ALPHA, 8, false},   {PNG_GREY_ALPHA, 8, true},     {PNG_GREY_ALPHA, 16, true},
        {PNG_COLOURS_ALPHA, 8, true}, {PNG_COLOURS_ALPHA, 16, true},
    };
    double confidence = 0; /* of the first: the others' pixels are the same to the last one */
    struct canvas canvas = page_canvas();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct file file =
            file_png_as(&canvas, PAGE_SCALE, kinds[i].kind, kinds[i].depth, kinds[i].transparent);
        struct lend_ocr_result *result = read_file(reader, &file);
        assert_string_equal(result->pages[0].text, PAGE_TEXT);
        if (i == 0)
            confidence = (double)result->pages[0].confidence;
        assert_true(fabs((double)result->pages[0].confidence - confidence) < 0.01);
        lend_ocr_result_free(result);
        file_free(&file);
    }
    canvas_free(&canvas);
}

static void pages_come_in_their_order(void **state) {
    (void)state;
    struct canvas canvases[] = {canvas_of("THE MODEL"), canvas_blank(40, 40),
                                canvas_of("TOTAL 1247")};
    static const char *const texts[] = {"THE MODEL\n", "", "TOTAL 1247\n"};
    struct tiff tiff = tiff_begin(/* big_endian= */ true);
    for (int i = 0; i < 3; i++)
        tiff_add(&tiff, &canvases[i], PAGE_SCALE);
    struct lend_ocr_result *result = read_file(reader, &tiff.file);
    assert_int_equal(result->page_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(result->pages[i].number, i + 1);
        assert_int_equal(result->pages[i].width, canvases[i].width * PAGE_SCALE);
        assert_int_equal(result->pages[i].height, canvases[i].height * PAGE_SCALE);
        assert_string_equal(result->pages[i].text, texts[i]);
        canvas_free(&canvases[i]);
    }
    lend_ocr_result_free(result);
    file_free(&tiff.file);
}

static void a_blank_page_is_a_page(void **state) {
    (void)state;
    struct canvas canvas = canvas_blank(100, 100);
    struct file file = file_png(&canvas, 1);
    struct lend_ocr_result *result = read_file(reader, &file);
    assert_int_equal(result->page_count, 1);
    assert_string_equal(result->pages[0].text, "");
    assert_int_equal(result->pages[0].word_count, 0);
    assert_int_equal(result->pages[0].line_count, 0);
    assert_true(result->pages[0].confidence == 0);
    lend_ocr_result_free(result);
    file_free(&file);
    canvas_free(&canvas);
}

static void the_smallest_and_the_thinnest_pages_are_read(void **state) {
    (void)state;
    static const struct {
        uint32_t width, height;
    } sizes[] = {{1, 1}, {2, 2}, {3, 3}, {1, 500}, {500, 1}, {1, 32767}, {32767, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct canvas canvas = canvas_blank(sizes[i].width, sizes[i].height);
        memset(canvas.dots, 1, (size_t)canvas.width * canvas.height / 2);
        struct file file = file_png(&canvas, 1);
        struct lend_ocr_result *result = read_file(reader, &file);
        assert_int_equal(result->pages[0].width, sizes[i].width);
        lend_ocr_result_free(result);
        file_free(&file);
        canvas_free(&canvas);
    }
    check_reads(reader);
}

static void check_inside(const struct lend_ocr_box *box, const struct lend_ocr_page *page) {
    assert_in_range(box->x, 0, page->width);
    assert_in_range(box->y, 0, page->height);
    assert_in_range(box->x + box->width, 1, page->width);
    assert_in_range(box->y + box->height, 1, page->height);
}

static void check_line(const struct lend_ocr_line *line, const struct lend_ocr_page *page) {
    check_inside(&line->box, page);
    assert_null(strchr(line->text, '\n'));
    assert_non_null(strstr(page->text, line->text));
    assert_int_equal(line->angle, 0);
    assert_true(line->has_baseline);
    assert_true(line->size > 0);
    assert_true(line->word_count > 0);
    for (size_t i = 0; i < line->word_count; i++) {
        const struct lend_ocr_word *word = &line->words[i];
        check_inside(&word->box, page);
        assert_non_null(strstr(line->text, word->text));
        assert_string_equal(word->language, "eng");
        assert_true(word->confidence > 0 && word->confidence <= 100);
    }
}

static void the_structure_leads_to_each_line_and_word_once(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_result *result = read_file(reader, &file);
    const struct lend_ocr_page *page = &result->pages[0];
    const struct lend_ocr_line *line = page->lines;
    const struct lend_ocr_word *word = page->words;
    for (size_t b = 0; b < page->block_count; b++) {
        const struct lend_ocr_block *block = &page->blocks[b];
        check_inside(&block->box, page);
        for (size_t p = 0; p < block->paragraph_count; p++) {
            const struct lend_ocr_paragraph *paragraph = &block->paragraphs[p];
            assert_string_equal(paragraph->language, "eng");
            assert_false(paragraph->right_to_left);
            for (size_t i = 0; i < paragraph->line_count; i++, line++) {
                assert_ptr_equal(&paragraph->lines[i], line);
                assert_ptr_equal(line->words, word);
                check_line(line, page);
                word += line->word_count;
            }
        }
    }
    assert_ptr_equal(line, page->lines + page->line_count);
    assert_ptr_equal(word, page->words + page->word_count);
    lend_ocr_result_free(result);
    file_free(&file);
}

static void words_lie_where_they_were_drawn(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_result *result = read_file(reader, &file);
    const struct lend_ocr_page *page = &result->pages[0];
    static const char *const texts[] = {"THE", "MODEL", "TOTAL", "1247"};
    static const int columns[] = {0, 4, 0, 6}, lines[] = {0, 0, 1, 1};
    assert_int_equal(page->word_count, 4);
    assert_int_equal(page->line_count, 2);
    assert_string_equal(page->lines[0].text, "THE MODEL");
    for (int i = 0; i < 4; i++) {
        const struct lend_ocr_word *word = &page->words[i];
        int left = (CANVAS_MARGIN + columns[i] * GLYPH_ADVANCE) * PAGE_SCALE;
        int top = (CANVAS_MARGIN + lines[i] * LINE_ADVANCE) * PAGE_SCALE;
        assert_string_equal(word->text, texts[i]);
        assert_in_range(word->box.x, left - 6, left + 6);
        assert_in_range(word->box.y, top - 6, top + 6);
        assert_in_range(word->box.height, GLYPH_HEIGHT * PAGE_SCALE - 6,
                        GLYPH_HEIGHT * PAGE_SCALE + 6);
        assert_int_equal(word->direction, i == 3 ? LEND_OCR_NEUTRAL : LEND_OCR_LEFT_TO_RIGHT);
    }
    lend_ocr_result_free(result);
    file_free(&file);
}

/* Two lines of text, and below them noise, which the layout takes for a picture. */
static struct canvas canvas_with_picture(void) {
    struct canvas canvas = canvas_blank(240, 250), text = page_canvas();
    uint32_t random = 7;
    for (uint32_t y = 0; y < text.height; y++)
        memcpy(canvas.dots + (size_t)y * canvas.width, text.dots + (size_t)y * text.width,
               text.width);
    for (uint32_t y = 60; y < 230; y++)
        for (uint32_t x = 20; x < 220; x++) {
            random ^= random << 13; /* Marsaglia's xorshift */
            random ^= random >> 17;
            random ^= random << 5;
            canvas.dots[(size_t)y * canvas.width + x] = random & 1;
        }
    canvas_free(&text);
    return canvas;
}

static void pictures_are_found_and_left_out_of_the_text(void **state) {
    (void)state;
    struct canvas canvas = canvas_with_picture();
    struct file file = file_png(&canvas, 2);
    struct lend_ocr_result *result = read_file(reader, &file);
    const struct lend_ocr_page *page = &result->pages[0];
    assert_int_equal(page->block_count, 2);
    assert_int_equal(page->blocks[0].kind, LEND_OCR_TEXT);
    assert_int_equal(page->blocks[1].kind, LEND_OCR_IMAGE);
    assert_in_range(page->blocks[1].box.y, 100, 130);
    assert_in_range(page->blocks[1].box.height, 320, 380);
    assert_int_equal(page->word_count, 5); /* the engine has one word in the picture, of space */
    assert_string_equal(page->words[4].text, " ");
    assert_string_equal(page->text, PAGE_TEXT "\n");
    double mean = 0;
    for (int i = 0; i < 4; i++)
        mean += (double)page->words[i].confidence / 4;
    assert_true(fabs((double)page->confidence - mean) < 0.01);
    lend_ocr_result_free(result);
    file_free(&file);
    canvas_free(&canvas);
}

static void the_resolution_is_the_requests_then_the_models(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_options options = LEND_OCR_OPTIONS(.dpi = 150);
    lend_pool *pool = reader_open(&options);
    const struct {
        lend_pool *pool;
        int dpi;
        uint32_t expected;
    } cases[] = {{reader, 0, 70}, {reader, 300, 300}, {pool, 0, 150}, {pool, 2400, 2400}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lend_ocr_result *result = NULL;
        int error = read_request(
            cases[i].pool,
            &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .dpi = cases[i].dpi),
            &result, NULL);
        assert_int_equal(error, 0);
        assert_int_equal(result->pages[0].dpi, cases[i].expected);
        lend_ocr_result_free(result);
    }
    reader_close(pool);
    file_free(&file);
}

static void the_mode_of_one_request_does_not_stick(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_result *result = NULL;
    int error = read_request(
        reader,
        &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .psm = 8 /* one word */),
        &result, NULL);
    assert_int_equal(error, 0);
    assert_int_equal(result->pages[0].line_count, 1);
    lend_ocr_result_free(result);
    file_free(&file);
    check_reads(reader);
}

static void limits_of_a_request_hold_instead_of_the_models(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_options options = LEND_OCR_OPTIONS(.limits = {.pixels_max = 100});
    struct lend_ocr_limits none = {0};
    struct lend_ocr_result *result = NULL;
    struct lend_reason reason = {0};
    lend_pool *pool = reader_open(&options);
    struct lend_ocr_request request = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size);
    assert_int_equal(read_request(pool, &request, &result, &reason), EFBIG);
    assert_non_null(strstr(reason.text, "pixels_max, 100"));
    request.limits = &none;
    assert_int_equal(read_request(pool, &request, &result, &reason), 0);
    lend_ocr_result_free(result);
    reader_close(pool);
    file_free(&file);
}

static void what_is_not_let_in_is_not_read(void **state) {
    (void)state;
    struct file text = {0};
    struct canvas canvas = page_canvas();
    put_string(&text, "/etc/passwd\n");
    check_fails(text, ENOTSUP, "text");
    check_fails((struct file){0}, ENODATA, "empty");
    struct file cut = file_png(&canvas, 1);
    cut.size /= 2;
    check_fails(cut, EBADMSG, "cut short");
    check_fails(file_png_claiming(&canvas, 1, 20000, 20000), EFBIG, "pixels_max");
    canvas_free(&canvas);
}

static void damaged_pixels_are_an_error_in_the_decoders_words(void **state) {
    (void)state;
    struct canvas canvas = page_canvas();
    check_fails(file_png_claiming(&canvas, 1, 9000, 9000), EBADMSG, "PNG: ");
    struct file png = file_png(&canvas, 1);
    png.bytes[png.size / 2] ^= 0xff;
    check_fails(png, EBADMSG, "PNG: ");
    check_fails(file_jpeg_claiming(&canvas, 9000, 9000), EBADMSG, "JPEG: ");
    struct file jpeg = file_jpeg(&canvas);
    memset(jpeg.bytes + jpeg.size - 300, 0x55, 100);
    check_fails(jpeg, EBADMSG, "JPEG: ");
    canvas_free(&canvas);
}

static void a_bad_request_is_told_what_is_wrong_with_it(void **state) {
    (void)state;
    struct file file = page_file();
    struct lend_ocr_limits wide = {.side_max = 40000};
    struct lend_ocr_result *result = NULL;
    const struct {
        struct lend_ocr_request request;
        const char *words;
    } cases[] = {
        {LEND_OCR_REQUEST(.data_size = 5), "data"},
        {{.data = file.bytes, .data_size = file.size}, "size"},
        {LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .psm = 2), "psm is 2"},
        {LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .psm = 14), "psm is 14"},
        {LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .psm = -1), "psm is -1"},
        {LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .dpi = 69), "dpi is 69"},
        {LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .dpi = 2401), "dpi is 2401"},
        {LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size, .limits = &wide), "side_max"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lend_reason reason = {0};
        assert_int_equal(read_request(reader, &cases[i].request, &result, &reason), EINVAL);
        if (strstr(reason.text, cases[i].words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", reason.text, cases[i].words);
    }
    struct lend_ocr_request request = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size);
    assert_int_equal(lend_ocr_recognise(NULL, &request, &result, NULL), EINVAL);
    assert_int_equal(read_request(reader, NULL, &result, NULL), EINVAL);
    assert_int_equal(read_request(reader, &request, NULL, NULL), EINVAL);
    assert_null(result);
    file_free(&file);
}

static void a_request_of_a_newer_caller_is_read_if_it_sets_nothing_new(void **state) {
    (void)state;
    struct file file = page_file();
    struct {
        struct lend_ocr_request known;
        uint64_t unknown;
    } newer = {.known = LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size)};
    struct lend_ocr_result *result = NULL;
    newer.known.size = sizeof newer;
    assert_int_equal(read_request(reader, &newer.known, &result, NULL), 0);
    lend_ocr_result_free(result);
    newer.unknown = 1;
    assert_int_equal(read_request(reader, &newer.known, &result, NULL), E2BIG);
    file_free(&file);
}

static void freeing_no_result_is_allowed(void **state) {
    (void)state;
    lend_ocr_result_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_read),
        cmocka_unit_test(every_kind_of_png_is_read_the_same),
        cmocka_unit_test(pages_come_in_their_order),
        cmocka_unit_test(a_blank_page_is_a_page),
        cmocka_unit_test(the_smallest_and_the_thinnest_pages_are_read),
        cmocka_unit_test(the_structure_leads_to_each_line_and_word_once),
        cmocka_unit_test(words_lie_where_they_were_drawn),
        cmocka_unit_test(pictures_are_found_and_left_out_of_the_text),
        cmocka_unit_test(the_resolution_is_the_requests_then_the_models),
        cmocka_unit_test(the_mode_of_one_request_does_not_stick),
        cmocka_unit_test(limits_of_a_request_hold_instead_of_the_models),
        cmocka_unit_test(what_is_not_let_in_is_not_read),
        cmocka_unit_test(damaged_pixels_are_an_error_in_the_decoders_words),
        cmocka_unit_test(a_bad_request_is_told_what_is_wrong_with_it),
        cmocka_unit_test(a_request_of_a_newer_caller_is_read_if_it_sets_nothing_new),
        cmocka_unit_test(freeing_no_result_is_allowed),
    };
    return cmocka_run_group_tests(tests, open_reader, close_reader);
}
