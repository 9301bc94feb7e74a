/* SPDX-License-Identifier: MIT
 *
 * The model operations: what loads, and what is said when something does not. */
#include "reader.h"

#include <sys/stat.h>
#include <unistd.h>

/* Load with these options, by the operations as a pool calls them. */
static int load(struct lend_ocr_options *options, struct lend_reason *reason) {
    void *model = NULL;
    *reason = (struct lend_reason){0};
    int error = lend_ocr_model_ops.load(&model, options, reason);
    if (error == 0) {
        error = lend_ocr_model_ops.check(model, options, reason);
        lend_ocr_model_ops.unload(model, options);
    } else {
        assert_null(model);
        assert_int_equal(reason->error, error);
    }
    return error;
}

static void check_load_fails(struct lend_ocr_options options, int error, const char *words) {
    struct lend_reason reason;
    assert_int_equal(load(&options, &reason), error);
    if (strstr(reason.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", reason.text, words);
}

static void no_options_are_the_defaults(void **state) {
    (void)state;
    lend_pool *pool = reader_open(NULL);
    check_reads(pool);
    reader_close(pool);
}

static void zeroed_options_are_the_defaults(void **state) {
    (void)state;
    struct lend_ocr_options options = LEND_OCR_OPTIONS(.psm = 0);
    lend_pool *pool = reader_open(&options);
    check_reads(pool);
    reader_close(pool);
}

static void several_languages_are_loaded(void **state) {
    (void)state;
    struct lend_ocr_options options = LEND_OCR_OPTIONS(.languages = "chi_sim+eng");
    struct lend_reason reason;
    assert_int_equal(load(&options, &reason), 0);
}

static void a_missing_language_is_named_with_its_file(void **state) {
    (void)state;
    check_load_fails(LEND_OCR_OPTIONS(.languages = "xyz"), EIO, "language xyz: cannot open /");
    check_load_fails(LEND_OCR_OPTIONS(.languages = "eng+xyz"), EIO, "/xyz.traineddata");
    check_load_fails(LEND_OCR_OPTIONS(.languages = "xyz+eng"), EIO, "/xyz.traineddata");
    check_load_fails(LEND_OCR_OPTIONS(.datapath = "/nowhere"), EIO, "/nowhere/eng.traineddata");
}

static void a_list_with_an_empty_name_is_refused(void **state) {
    (void)state;
    check_load_fails(LEND_OCR_OPTIONS(.languages = ""), EINVAL, "languages");
    check_load_fails(LEND_OCR_OPTIONS(.languages = "eng+"), EINVAL, "languages");
    check_load_fails(LEND_OCR_OPTIONS(.languages = "+eng"), EINVAL, "languages");
    check_load_fails(LEND_OCR_OPTIONS(.languages = "eng++chi_sim"), EINVAL, "languages");
    check_load_fails(LEND_OCR_OPTIONS(.languages = "~eng"), EINVAL, "languages");
}

static void a_number_out_of_range_is_named(void **state) {
    (void)state;
    check_load_fails(LEND_OCR_OPTIONS(.psm = 2), EINVAL, "psm is 2");
    check_load_fails(LEND_OCR_OPTIONS(.psm = 14), EINVAL, "psm is 14");
    check_load_fails(LEND_OCR_OPTIONS(.dpi = 69), EINVAL, "dpi is 69");
    check_load_fails(LEND_OCR_OPTIONS(.dpi = 2401), EINVAL, "dpi is 2401");
    check_load_fails(LEND_OCR_OPTIONS(.limits = {.side_max = 32768}), EINVAL, "side_max");
    check_load_fails(LEND_OCR_OPTIONS(.limits = {.pages_max = 65536}), EINVAL, "pages_max");
    check_load_fails((struct lend_ocr_options){.psm = 3}, EINVAL, "size");
}

static void options_of_a_newer_caller_are_read_if_they_set_nothing_new(void **state) {
    (void)state;
    struct {
        struct lend_ocr_options known;
        uint64_t unknown;
    } newer = {.known = LEND_OCR_OPTIONS(.psm = 6)};
    struct lend_reason reason;
    newer.known.size = sizeof newer;
    assert_int_equal(load(&newer.known, &reason), 0);
    newer.unknown = 1;
    assert_int_equal(load(&newer.known, &reason), E2BIG);
}

/* The sample that a model is checked with is read whatever the limits are. */
static void a_model_with_small_limits_passes_its_check(void **state) {
    (void)state;
    struct lend_ocr_options options =
        LEND_OCR_OPTIONS(.limits = {.bytes_max = 1, .pixels_max = 1, .side_max = 1});
    struct lend_reason reason;
    assert_int_equal(load(&options, &reason), 0);
}

/* A new folder, here, with a language file of these bytes. */
static void with_language_file(const void *bytes, size_t size, char folder[32]) {
    char path[64];
    snprintf(folder, 32, "lend-ocr-%ld", (long)getpid());
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/odd.traineddata", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void remove_language_file(const char *folder) {
    char path[64];
    snprintf(path, sizeof path, "%s/odd.traineddata", folder);
    unlink(path);
    rmdir(folder);
}

static void a_damaged_language_is_named_with_its_file(void **state) {
    (void)state;
    static const struct {
        size_t size;
        const char *bytes;
    } files[] = {
        {0, ""},
        {5, "hello"},
        {12, "\x18\0\0\0\xff\xff\xff\x7f\0\0\0\0"},
        {20, "\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff 1234567"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char folder[32];
        struct lend_reason reason;
        with_language_file(files[i].bytes, files[i].size, folder);
        struct lend_ocr_options options = LEND_OCR_OPTIONS(.languages = "odd", .datapath = folder);
        int error = load(&options, &reason);
        remove_language_file(folder);
        assert_int_equal(error, EIO);
        assert_non_null(strstr(reason.text, "language odd: lend-ocr-"));
        assert_non_null(strstr(reason.text, "damaged"));
    }
}

static void a_pool_tells_why_its_models_do_not_load(void **state) {
    (void)state;
    struct lend_ocr_options options = LEND_OCR_OPTIONS(.languages = "xyz");
    struct lend_reason reason = {0};
    lend_pool *pool = NULL;
    int error = lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &lend_ocr_model_ops,
                                                         .ops_context = &options, .models = 2,
                                                         .reason = &reason));
    assert_int_equal(error, EIO);
    assert_null(pool);
    assert_non_null(strstr(reason.text, "language xyz"));
}

static void models_load_at_the_same_time(void **state) {
    (void)state;
    lend_pool *pool = NULL;
    int error = lend_pool_open(
        &pool, &LEND_POOL_OPTIONS(.ops = &lend_ocr_model_ops, .models = 6, .loaders = 6));
    assert_int_equal(error, 0);
    check_reads(pool);
    reader_close(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_options_are_the_defaults),
        cmocka_unit_test(zeroed_options_are_the_defaults),
        cmocka_unit_test(several_languages_are_loaded),
        cmocka_unit_test(a_missing_language_is_named_with_its_file),
        cmocka_unit_test(a_list_with_an_empty_name_is_refused),
        cmocka_unit_test(a_number_out_of_range_is_named),
        cmocka_unit_test(options_of_a_newer_caller_are_read_if_they_set_nothing_new),
        cmocka_unit_test(a_model_with_small_limits_passes_its_check),
        cmocka_unit_test(a_damaged_language_is_named_with_its_file),
        cmocka_unit_test(a_pool_tells_why_its_models_do_not_load),
        cmocka_unit_test(models_load_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
