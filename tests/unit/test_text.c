/* SPDX-License-Identifier: MIT
 *
 * The text builder never writes past its buffer, always ends it, and marks what it cut. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#define US INT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)
#define MIN (60 * S)
#define H (60 * MIN)

static void what_fits_is_added_whole(void **state) {
    (void)state;
    char buffer[16];
    struct text text = text_into(buffer, sizeof buffer);
    assert_string_equal(buffer, "");
    lend__text_add(&text, "%d of %d", 3, 4);
    lend__text_add(&text, "%s", "");
    lend__text_add(&text, ", %s", "lent");
    assert_string_equal(buffer, "3 of 4, lent");
    assert_int_equal(text.length, strlen(buffer));
    assert_false(text.cut);
}

static void a_number_may_have_a_fraction(void **state) {
    (void)state;
    char buffer[16];
    struct text text = text_into(buffer, sizeof buffer);
    lend__text_add(&text, "%.2f of %d", 2.75, 4);
    assert_string_equal(buffer, "2.75 of 4");
}

static void a_full_buffer_is_not_cut(void **state) {
    (void)state;
    char buffer[5];
    struct text text = text_into(buffer, sizeof buffer);
    lend__text_add(&text, "%s", "four");
    assert_string_equal(buffer, "four");
    assert_false(text.cut);
}

static void what_does_not_fit_ends_with_dots(void **state) {
    (void)state;
    const char *const expected[] = {"", ".", "..", "...", "1...", "12...", "123..."};
    for (size_t size = 1; size <= 7; size++) {
        char buffer[8];
        memset(buffer, '#', sizeof buffer);
        struct text text = text_into(buffer, size);
        lend__text_add(&text, "%s", "12345678");
        assert_string_equal(buffer, expected[size - 1]);
        assert_int_equal(text.length, size - 1);
        assert_true(text.cut);
        assert_int_equal(buffer[size], '#');
    }
}

static void the_dots_take_the_place_of_what_was_added_before(void **state) {
    (void)state;
    char buffer[8];
    struct text text = text_into(buffer, sizeof buffer);
    lend__text_add(&text, "%s", "1234567");
    assert_false(text.cut);
    lend__text_add(&text, "%c", '8');
    assert_string_equal(buffer, "1234...");
    assert_int_equal(text.length, 7);
}

static void nothing_is_added_to_what_was_cut(void **state) {
    (void)state;
    char buffer[8];
    struct text text = text_into(buffer, sizeof buffer);
    lend__text_add(&text, "%s", "a long line");
    lend__text_add(&text, "%s", "");
    lend__text_add(&text, "%c", 'x');
    lend__text_add_duration(&text, 5 * S);
    assert_string_equal(buffer, "a lo...");
    assert_int_equal(text.length, 7);
}

/* "é" is two bytes, "水" three, "🜁" four: at no size may half of one be left. */
static void a_character_is_cut_off_whole(void **state) {
    (void)state;
    const char *const whole = "a\xc3\xa9\xe6\xb0\xb4\xf0\x9f\x9c\x81z";
    const char *const expected[] = {
        [4] = "...",
        [5] = "a...",
        [6] = "a...",
        [7] = "a\xc3\xa9...",
        [8] = "a\xc3\xa9...",
        [9] = "a\xc3\xa9...",
        [10] = "a\xc3\xa9\xe6\xb0\xb4...",
        [11] = "a\xc3\xa9\xe6\xb0\xb4...",
    };
    assert_int_equal(strlen(whole), 11);
    for (size_t size = 4; size <= 11; size++) {
        char buffer[12];
        struct text text = text_into(buffer, size);
        lend__text_add(&text, "%s", whole);
        assert_string_equal(buffer, expected[size]);
        assert_int_equal(text.length, strlen(expected[size]));
    }
}

static void a_buffer_without_room_is_not_touched(void **state) {
    (void)state;
    char untouched = '#';
    struct text text = text_into(&untouched, 0);
    lend__text_add(&text, "%s", "anything");
    assert_int_equal(text.length, 0);
    assert_true(text.cut);
    assert_int_equal(untouched, '#');
    text = text_into(NULL, 0);
    lend__text_add(&text, "%s", "");
    assert_int_equal(text.length, 0);
    lend__text_copy(NULL, 0, "anything");
}

static void a_text_that_is_measured_is_as_long_as_it_would_be_and_not_written(void **state) {
    (void)state;
    char buffer[4] = "###";
    struct text text = text_measure(buffer, sizeof buffer);
    assert_string_equal(buffer, "");
    lend__text_add(&text, "%d of %d", 3, 4);
    lend__text_add(&text, "%s", "");
    lend__text_add(&text, ", %s", "lent");
    assert_int_equal(text.length, strlen("3 of 4, lent"));
    assert_false(text.cut);
    assert_string_equal(buffer, "");
    text = text_measure(NULL, 0);
    lend__text_add_quoted(&text, "a\nb");
    assert_int_equal(text.length, strlen("\"a\\u000ab\""));
}

/* In the C locale there is no such character: the formatting itself fails. */
static void what_cannot_be_formatted_is_cut(void **state) {
    (void)state;
    char buffer[16];
    memset(buffer, '#', sizeof buffer);
    struct text text = text_into(buffer, sizeof buffer);
    lend__text_add(&text, "%s", "so far");
    lend__text_add(&text, ", %lc", (wint_t)0x6c34);
    lend__text_add(&text, "%s", "more");
    assert_string_equal(buffer, "so far...");
    assert_int_equal(text.length, strlen(buffer));
    assert_true(text.cut);
}

static void check_duration(int64_t ns, const char *expected) {
    char buffer[32];
    struct text text = text_into(buffer, sizeof buffer);
    lend__text_add_duration(&text, ns);
    assert_string_equal(buffer, expected);
}

static void a_duration_has_the_unit_that_a_reader_would_choose(void **state) {
    (void)state;
    check_duration(0, "0 us");
    check_duration(999, "0 us");
    check_duration(850 * US, "850 us");
    check_duration(MS - 1, "999 us");
    check_duration(MS, "1 ms");
    check_duration(500 * MS + 999 * US, "500 ms");
    check_duration(10 * S - 1, "9999 ms");
    check_duration(10 * S, "10.0 s");
    check_duration(12 * S + 345 * MS, "12.3 s");
    check_duration(2 * MIN - 1, "119.9 s");
    check_duration(2 * MIN, "2 min 00 s");
    check_duration(2 * MIN + 5 * S, "2 min 05 s");
    check_duration(2 * H - 1, "119 min 59 s");
    check_duration(2 * H, "2 h 00 min");
    check_duration(26 * H + 5 * MIN, "26 h 05 min");
    check_duration(INT64_MAX, "2562047 h 47 min");
}

static void check_site(const char *file, const char *expected) {
    char buffer[32];
    const struct lend_site site = {.file = file, .function = "f", .line = 88};
    struct text text = text_into(buffer, sizeof buffer);
    lend__text_add_site(&text, &site);
    assert_string_equal(buffer, expected);
}

static void a_site_is_the_last_part_of_the_path_and_the_line(void **state) {
    (void)state;
    check_site("batch.c", " at batch.c:88");
    check_site("/a/b/batch.c", " at batch.c:88");
    check_site("../batch.c", " at batch.c:88");
    check_site("a/", " at :88");
}

static void no_site_is_no_text(void **state) {
    (void)state;
    char buffer[32];
    struct text text = text_into(buffer, sizeof buffer);
    lend__text_add_site(&text, NULL);
    assert_string_equal(buffer, "");
}

static void a_copy_is_cut_where_it_does_not_fit(void **state) {
    (void)state;
    char buffer[8];
    lend__text_copy(buffer, sizeof buffer, "1234567");
    assert_string_equal(buffer, "1234567");
    lend__text_copy(buffer, sizeof buffer, "12345678");
    assert_string_equal(buffer, "1234...");
    lend__text_copy(buffer, sizeof buffer, "%s%n");
    assert_string_equal(buffer, "%s%n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_added_whole),
        cmocka_unit_test(a_number_may_have_a_fraction),
        cmocka_unit_test(a_full_buffer_is_not_cut),
        cmocka_unit_test(what_does_not_fit_ends_with_dots),
        cmocka_unit_test(the_dots_take_the_place_of_what_was_added_before),
        cmocka_unit_test(nothing_is_added_to_what_was_cut),
        cmocka_unit_test(a_character_is_cut_off_whole),
        cmocka_unit_test(a_buffer_without_room_is_not_touched),
        cmocka_unit_test(a_text_that_is_measured_is_as_long_as_it_would_be_and_not_written),
        cmocka_unit_test(what_cannot_be_formatted_is_cut),
        cmocka_unit_test(a_duration_has_the_unit_that_a_reader_would_choose),
        cmocka_unit_test(a_site_is_the_last_part_of_the_path_and_the_line),
        cmocka_unit_test(no_site_is_no_text),
        cmocka_unit_test(a_copy_is_cut_where_it_does_not_fit),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
