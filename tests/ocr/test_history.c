/* SPDX-License-Identifier: MIT
 *
 * What a model read before changes nothing: each page is read on a model of its own, and then all
 * of them, over and over, on others. Whatever is printed has to be the same to the last byte. */
#include "data.h"
#include "reader.h"

enum { PAGES_MAX = 32 };

struct library {
    struct file files[PAGES_MAX];
    char *fresh[PAGES_MAX]; /* as printed from a model that had read nothing else */
    size_t count;
};

static int append(const void *data, size_t size, void *file) {
    put_bytes(file, data, size);
    return 0;
}

/* Everything there is to say of a page, but for the time it took. */
static char *print_page(lend_pool *pool, const struct file *file) {
    static const enum lend_ocr_print_as ways[] = {LEND_OCR_AS_TEXT, LEND_OCR_AS_TSV,
                                                  LEND_OCR_AS_HOCR};
    struct lend_ocr_result *result = read_file(pool, file);
    struct file printed = {0};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct lend_ocr_printer printer = {
            .as = ways[i], .write = append, .write_context = &printed};
        assert_int_equal(lend_ocr_print_begin(&printer), 0);
        assert_int_equal(lend_ocr_print(&printer, "page", result), 0);
        assert_int_equal(lend_ocr_print_end(&printer), 0);
    }
    put_byte(&printed, 0);
    lend_ocr_result_free(result);
    return (char *)printed.bytes;
}

static struct lend_ocr_options options_for(const char *languages, bool engine_threads) {
    return LEND_OCR_OPTIONS(.languages = languages, .engine_threads = engine_threads);
}

static void read_each_on_a_fresh_model(struct library *library, const char *languages) {
    for (size_t i = 0; i < library->count; i++) {
        struct lend_ocr_options options = options_for(languages, false);
        lend_pool *pool = reader_open(&options);
        library->fresh[i] = print_page(pool, &library->files[i]);
        reader_close(pool);
    }
}

static void check_page(lend_pool *pool, const struct library *library, size_t page) {
    char *printed = print_page(pool, &library->files[page]);
    assert_string_equal(printed, library->fresh[page]);
    free(printed);
}

/* Fisher and Yates, with Marsaglia's xorshift. */
static void shuffle(size_t *order, size_t count, uint32_t *random) {
    for (size_t i = count; i > 1; i--) {
        *random ^= *random << 13;
        *random ^= *random >> 17;
        *random ^= *random << 5;
        size_t other = *random % i, page = order[i - 1];
        order[i - 1] = order[other];
        order[other] = page;
    }
}

static void check_in_shuffled_orders(const struct library *library, const char *languages,
                                     int rounds) {
    size_t order[PAGES_MAX];
    uint32_t random = 4711;
    struct lend_ocr_options options = options_for(languages, false);
    lend_pool *pool = reader_open(&options);
    for (size_t i = 0; i < library->count; i++)
        order[i] = i;
    for (int round = 0; round < rounds; round++) {
        shuffle(order, library->count, &random);
        for (size_t i = 0; i < library->count; i++)
            check_page(pool, library, order[i]);
    }
    reader_close(pool);
}

static void library_free(struct library *library) {
    for (size_t i = 0; i < library->count; i++) {
        file_free(&library->files[i]);
        free(library->fresh[i]);
    }
}

static void add_drawn(struct library *library, const char *text) {
    struct canvas canvas = canvas_of(text);
    library->files[library->count++] = file_png(&canvas, 3);
    library->files[library->count++] = file_jpeg(&canvas);
    canvas_free(&canvas);
}

static struct library drawn_pages(void) {
    struct library library = {0};
    add_drawn(&library, "THE MODEL\nTOTAL 1247");
    add_drawn(&library, "TO ONE READER");
    add_drawn(&library, "");
    add_drawn(&library, "SENT HOME IN MUD\nAND RAIN\n14 21 72");
    return library;
}

/* Up to so many of the pages that match; none if there are none. */
static struct library scanned_pages(const char *pattern, size_t most) {
    struct library library = {0};
    glob_t found = data_find(pattern);
    for (size_t i = 0; i < found.gl_pathc && library.count < most; i++)
        library.files[library.count++] = data_load(found.gl_pathv[i]);
    if (library.count == 0) {
        print_message("skipped: LEND_TEST_DATA has no %s\n", pattern);
        skip();
    }
    globfree(&found);
    return library;
}

static void drawn_pages_are_read_the_same_in_any_order(void **state) {
    (void)state;
    struct library library = drawn_pages();
    read_each_on_a_fresh_model(&library, NULL);
    check_in_shuffled_orders(&library, NULL, /* rounds= */ 5);
    library_free(&library);
}

static void drawn_pages_are_read_the_same_in_two_languages(void **state) {
    (void)state;
    struct library library = drawn_pages();
    read_each_on_a_fresh_model(&library, "eng+chi_sim");
    check_in_shuffled_orders(&library, "eng+chi_sim", /* rounds= */ 2);
    library_free(&library);
}

static void scanned_pages_are_read_the_same_in_any_order(void **state) {
    (void)state;
    size_t most = getenv("LEND_TEST_LONG") != NULL ? PAGES_MAX : 6;
    struct library library = scanned_pages("receipts/*.jpg", most);
    read_each_on_a_fresh_model(&library, NULL);
    check_in_shuffled_orders(&library, NULL, /* rounds= */ 1);
    library_free(&library);
}

static void the_engines_threads_do_not_change_what_is_read(void **state) {
    (void)state;
    struct library library = scanned_pages("pages/*.tif", 1);
    struct lend_ocr_options options = options_for(NULL, true);
    read_each_on_a_fresh_model(&library, NULL);
    lend_pool *pool = reader_open(&options);
    for (size_t i = 0; i < library.count; i++)
        check_page(pool, &library, i);
    reader_close(pool);
    library_free(&library);
}

/* Ends a reading after its first line. */
static bool stop_soon(void *asked) {
    return ++*(int *)asked > 2;
}

static void a_reading_that_was_stopped_leaves_nothing_behind(void **state) {
    (void)state;
    struct library library = drawn_pages();
    struct lend_ocr_options options = options_for(NULL, false);
    read_each_on_a_fresh_model(&library, NULL);
    lend_pool *pool = reader_open(&options);
    for (size_t i = 0; i < library.count; i++) {
        const struct file *stopped = &library.files[library.count - 1];
        struct lend_ocr_result *result = NULL;
        int asked = 0;
        int error =
            read_request(pool,
                         &LEND_OCR_REQUEST(.data = stopped->bytes, .data_size = stopped->size,
                                           .must_stop = stop_soon, .must_stop_context = &asked),
                         &result, NULL);
        assert_int_equal(error, ECANCELED);
        check_page(pool, &library, i);
    }
    reader_close(pool);
    library_free(&library);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_pages_are_read_the_same_in_any_order),
        cmocka_unit_test(drawn_pages_are_read_the_same_in_two_languages),
        cmocka_unit_test(scanned_pages_are_read_the_same_in_any_order),
        cmocka_unit_test(the_engines_threads_do_not_change_what_is_read),
        cmocka_unit_test(a_reading_that_was_stopped_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
