/* SPDX-License-Identifier: MIT
 *
 * Files that mean harm: each is answered soon, with little memory and without a word on stderr, and
 * the model reads the next page. */
#include "data.h"
#include "reader.h"

#include <sys/resource.h>
#include <unistd.h>

enum {
    ANSWER_MS_MAX = 10000, /* a second is meant */
    MEMORY_KIB_MAX = 300 * 1024,
};

#if defined(__SANITIZE_ADDRESS__)
enum { MEMORY_IS_OURS = false }; /* the sanitizer takes several times as much */
#else
enum { MEMORY_IS_OURS = true };
#endif

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

static long memory_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static bool is_a_refusal(int error) {
    return error == ENODATA || error == ENOTSUP || error == EBADMSG || error == EFBIG;
}

/* 0 if it was read. Frees the file. */
static int answer(struct file file, const char *name) {
    struct lend_ocr_result *result = NULL;
    struct lend_reason reason = {0};
    lend_deadline by = lend_within_ms(ANSWER_MS_MAX);
    int error = read_request(reader, &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size),
                             &result, &reason);
    int64_t left_ms = lend_deadline_left_ms(by);
    lend_ocr_result_free(result);
    file_free(&file);
    if (error != 0 && !is_a_refusal(error))
        fail_msg("%s: %s: %s", name, lend_errname(error), reason.text);
    if (left_ms == 0)
        fail_msg("%s: it took longer than %d ms", name, ANSWER_MS_MAX);
    if (MEMORY_IS_OURS && memory_kib() > MEMORY_KIB_MAX)
        fail_msg("%s: it took %ld KiB", name, memory_kib());
    return error;
}

/* Refused, and the next page is read. */
static void check_refused(struct file file, const char *name) {
    int error = answer(file, name);
    if (error == 0)
        fail_msg("%s: it was read", name);
    check_reads(reader);
}

static struct file file_of(const void *bytes, size_t size) {
    struct file file = {0};
    put_bytes(&file, bytes, size);
    return file;
}

static void files_that_are_known_to_harm_are_answered(void **state) {
    (void)state;
    glob_t found = data_find("hostile/*");
    if (found.gl_pathc == 0) {
        print_message("skipped: LEND_TEST_DATA has no hostile/*\n");
        skip();
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        answer(data_load(found.gl_pathv[i]), found.gl_pathv[i]);
        check_reads(reader);
    }
    globfree(&found);
}

static void headers_that_promise_too_much_are_refused(void **state) {
    (void)state;
    struct canvas canvas = canvas_of("ON");
    struct tiff_field deflated[] = {{256, 9999}, {257, 9999}, {258, 8}, {259, 8},
                                    {262, 2},    {273, 8},    {277, 3}, {279, 100}};
    struct tiff tiff = tiff_begin(/* big_endian= */ false);
    tiff_add_fields(&tiff, deflated, sizeof deflated / sizeof deflated[0]);
    check_refused(tiff.file, "TIFF of 100 bytes with 9999 x 9999 pixels");
    check_refused(file_png_claiming(&canvas, 1, 9999, 9999), "PNG of 9999 x 9999 without pixels");
    check_refused(file_png_claiming(&canvas, 1, 20000, 20000), "PNG of 20000 x 20000");
    check_refused(file_png_claiming(&canvas, 1, 1, 32768), "PNG of 1 x 32768");
    check_refused(file_jpeg_claiming(&canvas, 9999, 9999), "JPEG of 9999 x 9999 without pixels");
    check_refused(file_jpeg_claiming(&canvas, 65535, 65535), "JPEG of 65535 x 65535");
    check_refused(file_of("P5 9999 9999 255\n", 17), "PNM of 9999 x 9999 without pixels");
    check_refused(file_of("P3 9999 9999 255\n1 2 3 ", 23), "PNM of 9999 x 9999 without pixels");
    canvas_free(&canvas);
}

/* A PNG of 20000 x 20000 grey pixels in a megabyte would be one of many zeros; the pixels need not
 * be there for its header to be refused. */
static void a_bomb_of_a_megabyte_is_refused(void **state) {
    (void)state;
    struct canvas canvas = canvas_blank(1000, 1000);
    check_refused(file_png_claiming(&canvas, 1, 20000, 20000), "PNG of a megabyte");
    canvas_free(&canvas);
}

static void pages_without_end_are_refused(void **state) {
    (void)state;
    struct canvas canvas = canvas_of("ON");
    struct tiff ring = tiff_begin(/* big_endian= */ true);
    struct tiff many = tiff_begin(/* big_endian= */ false);
    for (int i = 0; i < 3; i++)
        tiff_add(&ring, &canvas, 1);
    tiff_close_ring(&ring, 0);
    check_refused(ring.file, "TIFF whose three pages form a ring");
    for (int i = 0; i < 1001; i++)
        tiff_add(&many, &canvas, 1);
    check_refused(many.file, "TIFF of 1001 pages");
    canvas_free(&canvas);
}

static void other_formats_are_not_touched(void **state) {
    (void)state;
    static const char gif[] = "GIF89a\xff\xff\xff\xff\xf7\0\0,\0\0\0\0\xff\xff\xff\xff\0";
    static const char bmp[] = "BM\xff\xff\xff\x7f\0\0\0\0\x36\0\0\0\x28\0\0\0\x60\xea\0\0\x60\xea\0"
                              "\0\1\0\x18\0";
    static const char list[] = "/etc/passwd\n/dev/zero\n";
    static const char url[] = "http://127.0.0.1:9/page.png";
    check_refused(file_of(gif, sizeof gif - 1), "GIF of 65535 x 65535");
    check_refused(file_of(bmp, sizeof bmp - 1), "BMP of 60000 x 60000");
    check_refused(file_of(list, sizeof list - 1), "list of paths");
    check_refused(file_of(url, sizeof url - 1), "URL");
}

static struct file drawn(int format, const struct canvas *canvas) {
    switch (format) {
    case LEND_OCR_PNG:
        return file_png(canvas, 2);
    case LEND_OCR_JPEG:
        return file_jpeg(canvas);
    case LEND_OCR_TIFF:
        return file_tiff(canvas, 2);
    case LEND_OCR_PNM:
        return file_pnm(canvas, 2);
    default:
        return file_webp(canvas, 2);
    }
}

/* Bytes overwritten anywhere: refused or read, and nothing else. */
static void damage_is_answered_wherever_it_is(void **state) {
    (void)state;
    uint32_t random = 8128;
    struct canvas canvas = canvas_of("ON");
    for (int format = LEND_OCR_PNG; format <= LEND_OCR_WEBP; format++)
        for (int round = 0; round < 60; round++) {
            struct file file = drawn(format, &canvas);
            for (int i = 0; i < 1 + round % 5; i++) {
                random = random * 1664525 + 1013904223; /* Numerical Recipes */
                file.bytes[random % file.size] = (uint8_t)(random >> 24);
            }
            answer(file, "damaged file");
        }
    check_reads(reader);
    canvas_free(&canvas);
}

static size_t address_space(void) {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%lu", &pages) != 1)
        abort();
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void an_idle_model_keeps_no_picture(void **state) {
    (void)state;
    if (!MEMORY_IS_OURS) {
        print_message("skipped: a sanitizer keeps freed memory for a while\n");
        skip();
    }
    enum { SIDE = 6000 };
    size_t before = address_space();
    struct canvas canvas = canvas_blank(SIDE, SIDE);
    assert_int_equal(answer(file_pnm(&canvas, 1), "large page"), 0);
    canvas_free(&canvas);
    assert_true(address_space() < before + SIDE * SIDE / 2);
}

/* The engine takes a page that it found no memory for to be blank. */
static void a_page_that_there_is_no_memory_for_is_not_taken_for_blank(void **state) {
    (void)state;
    if (!MEMORY_IS_OURS) {
        print_message("skipped: a sanitizer needs more address space than that\n");
        skip();
    }
    enum { SIDE = 6000, STEPS = 6 };
    struct canvas canvas = canvas_blank(SIDE, SIDE);
    struct file file = file_pnm(&canvas, 1);
    canvas_free(&canvas);
    int errors[STEPS];
    for (size_t step = 0; step < STEPS; step++) {
        struct lend_ocr_result *result = NULL;
        struct rlimit before, scarce;
        getrlimit(RLIMIT_AS, &before);
        scarce = before;
        scarce.rlim_cur = address_space() + (step * SIDE * SIDE / 2);
        setrlimit(RLIMIT_AS, &scarce);
        errors[step] = read_request(
            reader, &LEND_OCR_REQUEST(.data = file.bytes, .data_size = file.size), &result, NULL);
        setrlimit(RLIMIT_AS, &before);
        lend_ocr_result_free(result);
    }
    file_free(&file);
    for (size_t step = 0; step < STEPS; step++)
        assert_int_equal(errors[step], ENOMEM);
    check_reads(reader);
}

/* Whatever the engine, Leptonica, libpng, libjpeg and libtiff have to say of bad files, tiny pages,
 * missing languages and pages without a resolution, nobody's terminal is the place for it. */
static void nothing_is_written_to_stderr(void **state) {
    (void)state;
    FILE *heard = tmpfile();
    char words[200] = "";
    struct canvas canvas = canvas_of("ON"), dot = canvas_blank(1, 1);
    struct lend_ocr_options missing = LEND_OCR_OPTIONS(.languages = "eng+xyz");
    struct lend_reason reason;
    void *model = NULL;
    assert_non_null(heard);
    int stderr_before = dup(STDERR_FILENO);
    assert_int_equal(dup2(fileno(heard), STDERR_FILENO), STDERR_FILENO);

    int load_error = lend_ocr_model_ops.load(&model, &missing, &reason);
    struct file jpeg = file_jpeg(&canvas), png = file_png(&canvas, 2), tiff = file_tiff(&canvas, 2);
    memset(jpeg.bytes + jpeg.size - 100, 0x55, 90);
    png.bytes[png.size - 60] ^= 0xff;
    tiff.bytes[tiff.size - 4 - 6 * 12 + 8] = 8; /* Deflate, it says */
    struct file files[] = {jpeg,
                           png,
                           tiff,
                           file_png(&dot, 1),
                           file_png_claiming(&canvas, 1, 5000, 5000),
                           file_pnm(&dot, 40)};
    int errors[sizeof files / sizeof files[0]];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        errors[i] = answer(files[i], "noisy file");

    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    rewind(heard);
    size_t length = fread(words, 1, sizeof words - 1, heard);
    fclose(heard);
    canvas_free(&canvas);
    canvas_free(&dot);
    assert_int_equal(load_error, EIO);
    assert_int_equal(errors[0], EBADMSG);
    assert_int_equal(errors[1], EBADMSG);
    assert_int_equal(errors[3], 0);
    assert_int_equal(errors[4], EBADMSG);
    if (length > 0)
        fail_msg("written to stderr: %s", words);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_known_to_harm_are_answered),
        cmocka_unit_test(headers_that_promise_too_much_are_refused),
        cmocka_unit_test(a_bomb_of_a_megabyte_is_refused),
        cmocka_unit_test(pages_without_end_are_refused),
        cmocka_unit_test(other_formats_are_not_touched),
        cmocka_unit_test(damage_is_answered_wherever_it_is),
        cmocka_unit_test(an_idle_model_keeps_no_picture),
        cmocka_unit_test(a_page_that_there_is_no_memory_for_is_not_taken_for_blank),
        cmocka_unit_test(nothing_is_written_to_stderr),
    };
    return cmocka_run_group_tests(tests, open_reader, close_reader);
}
