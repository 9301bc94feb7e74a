/* SPDX-License-Identifier: MIT
 *
 * Errors have names, sentences and words, and leave errno alone. */
#include <lend/error.h>
#include <lend/future.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct {
    int code;
    const char *name, *sentence;
} errors[] = {
#define ROW(code, sentence) {code, #code, sentence},
    LEND_ERRORS(ROW)
#undef ROW
};

static void each_error_has_its_name_and_sentence(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        assert_string_equal(lend_errname(errors[i].code), errors[i].name);
        assert_string_equal(lend_strerror(errors[i].code), errors[i].sentence);
    }
    assert_string_equal(lend_errname(ETIMEDOUT), "ETIMEDOUT");
    assert_string_equal(lend_strerror(ETIMEDOUT), "the deadline passed first");
}

static void no_two_errors_share_a_number_or_a_sentence(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(errors); i++)
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(errors[i].code, errors[j].code);
            assert_string_not_equal(errors[i].sentence, errors[j].sentence);
        }
}

static void a_sentence_ends_without_a_full_stop(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        size_t length = strlen(errors[i].sentence);
        assert_true(length > 0);
        assert_int_not_equal(errors[i].sentence[length - 1], '.');
    }
}

static void zero_is_success(void **state) {
    (void)state;
    assert_string_equal(lend_errname(0), "0");
    assert_string_equal(lend_strerror(0), "success");
}

static void a_number_of_the_c_library_is_called_as_there(void **state) {
    (void)state;
#ifdef __GLIBC__
    assert_string_equal(lend_errname(ENOENT), "ENOENT");
    assert_string_equal(lend_strerror(ENOENT), "No such file or directory");
#else
    assert_string_equal(lend_errname(ENOENT), "unknown");
#endif
}

static void a_number_that_nobody_knows_is_the_callers_own(void **state) {
    (void)state;
    const int foreign[] = {-1, -EIO, 4711, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        assert_string_equal(lend_errname(foreign[i]), "unknown");
        assert_string_equal(lend_strerror(foreign[i]), "an error of the caller's own");
    }
}

static void a_sentence_is_the_same_string_each_time(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        assert_ptr_equal(lend_strerror(errors[i].code), lend_strerror(errors[i].code));
        assert_ptr_equal(lend_errname(errors[i].code), lend_errname(errors[i].code));
    }
}

static void what_has_no_room_in_a_queue_is_told_so(void **state) {
    (void)state;
    assert_string_equal(lend_strerror(EAGAIN), "the queue is full, or this thread must not wait");
}

static void a_reason_takes_the_error_and_the_words(void **state) {
    (void)state;
    struct lend_reason reason = {0};
    assert_int_equal(lend_reason_set(&reason, EIO, "no such language: %s", "xyz"), EIO);
    assert_int_equal(reason.error, EIO);
    assert_string_equal(reason.text, "no such language: xyz");
    assert_int_equal(lend_reason_set(&reason, 4711, "%d of %d", 1, 2), 4711);
    assert_int_equal(reason.error, 4711);
    assert_string_equal(reason.text, "1 of 2");
    assert_int_equal(lend_reason_set(&reason, EIO, "%.1f of %d GiB", 0.5, 2), EIO);
    assert_string_equal(reason.text, "0.5 of 2 GiB");
}

static void a_zeroed_reason_says_no_error(void **state) {
    (void)state;
    const struct lend_reason reason = {0};
    assert_int_equal(reason.error, 0);
    assert_string_equal(reason.text, "");
    assert_string_equal(lend_strerror(reason.error), "success");
}

static void without_a_reason_only_the_number_travels(void **state) {
    (void)state;
    assert_int_equal(lend_reason_set(NULL, EIO, "%s", "words for nobody"), EIO);
    assert_int_equal(lend_reason_set(NULL, 0, "%s", ""), 0);
}

/* `length` letters into a reason: all of them, or cut with dots. */
static void set_letters(struct lend_reason *reason, size_t length) {
    char letters[512];
    assert_true(length < sizeof letters);
    memset(letters, 'x', length);
    letters[length] = '\0';
    lend_reason_set(reason, EIO, "%s", letters);
}

static void words_that_do_not_fit_end_with_dots(void **state) {
    (void)state;
    struct lend_reason reason;
    size_t most = sizeof reason.text - 1;
    set_letters(&reason, most);
    assert_int_equal(strlen(reason.text), most);
    assert_string_equal(reason.text + most - 3, "xxx");
    set_letters(&reason, most + 1);
    assert_int_equal(strlen(reason.text), most);
    assert_string_equal(reason.text + most - 4, "x...");
    set_letters(&reason, 500);
    assert_int_equal(strlen(reason.text), most);
    assert_string_equal(reason.text + most - 4, "x...");
}

static void errno_is_left_alone(void **state) {
    (void)state;
    struct lend_reason reason;
    errno = 4711;
    (void)lend_strerror(EIO);
    (void)lend_errname(-1);
    lend_reason_set(&reason, EIO, "%s %.3f", "words", 0.5);
    assert_int_equal(errno, 4711);
}

static void the_version_is_that_of_the_headers(void **state) {
    (void)state;
    assert_string_equal(lend_version(), LEND_VERSION);
}

static void each_outcome_has_its_words_and_others_are_unknown(void **state) {
    (void)state;
#define CHECK(name, words) assert_string_equal(lend_outcome_words(name), words);
    LEND_OUTCOMES(CHECK)
#undef CHECK
    assert_string_equal(lend_outcome_words((enum lend_outcome)4711), "unknown outcome");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_name_and_sentence),
        cmocka_unit_test(no_two_errors_share_a_number_or_a_sentence),
        cmocka_unit_test(a_sentence_ends_without_a_full_stop),
        cmocka_unit_test(zero_is_success),
        cmocka_unit_test(a_number_of_the_c_library_is_called_as_there),
        cmocka_unit_test(a_number_that_nobody_knows_is_the_callers_own),
        cmocka_unit_test(a_sentence_is_the_same_string_each_time),
        cmocka_unit_test(what_has_no_room_in_a_queue_is_told_so),
        cmocka_unit_test(a_reason_takes_the_error_and_the_words),
        cmocka_unit_test(a_zeroed_reason_says_no_error),
        cmocka_unit_test(without_a_reason_only_the_number_travels),
        cmocka_unit_test(words_that_do_not_fit_end_with_dots),
        cmocka_unit_test(errno_is_left_alone),
        cmocka_unit_test(the_version_is_that_of_the_headers),
        cmocka_unit_test(each_outcome_has_its_words_and_others_are_unknown),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
