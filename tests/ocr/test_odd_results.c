/* SPDX-License-Identifier: MIT
 *
 * Printing of what is odd: bytes that are no text, numbers that are none, names without end. What
 * comes out is TSV, hOCR or JSON all the same. */
#include "paper.h"

#include <math.h>

#define FFFD "\xef\xbf\xbd"

static void what_is_not_utf8_is_replaced(void **state) {
    (void)state;
    static const struct {
        const char *name, *json, *xml;
    } cases[] = {
        {"plain", "plain", "plain"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\xff"
         "b",
         "a" FFFD "b", "a" FFFD "b"},
        {"\x80", FFFD, FFFD},
        {"\xc3", FFFD, FFFD},
        {"\xc3(", FFFD "(", FFFD "("},
        {"\xe2\x82", FFFD, FFFD},
        {"\xe2\x82\xc3\xa9", FFFD "\xc3\xa9", FFFD "\xc3\xa9"},
        {"\xc0\xaf", FFFD FFFD, FFFD FFFD},                             /* overlong */
        {"\xe0\x80\xaf", FFFD FFFD FFFD, FFFD FFFD FFFD},               /* overlong */
        {"\xed\xa0\x80", FFFD FFFD FFFD, FFFD FFFD FFFD},               /* surrogate */
        {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD}, /* beyond U+10FFFF */
        {"\xf0\x9f\x98", FFFD, FFFD},
        {"\x01\x1f\x7f", "\\u0001\\u001f\x7f", FFFD FFFD "\x7f"},
        {"\r\n", "\\u000d\\n", "\r\n"},
        {"\xef\xbf\xbf", "\xef\xbf\xbf", FFFD}, /* U+FFFF is no character of XML */
    };
    const struct lend_ocr_page page = {.text = ""};
    const struct lend_ocr_result one = {.pages = &page, .page_count = 1};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct paper json, xml;
        char expected[200];
        struct lend_ocr_printer as_json = printer_as(LEND_OCR_AS_JSON, &json);
        struct lend_ocr_printer as_xml = printer_as(LEND_OCR_AS_HOCR, &xml);
        assert_int_equal(lend_ocr_print_failure(&as_json, cases[i].name, "x"), 0);
        snprintf(expected, sizeof expected, "{\"file\":\"%s\",\"error\":\"x\"}\n", cases[i].json);
        check_printed(&json, expected);
        assert_int_equal(lend_ocr_print(&as_xml, cases[i].name, &one), 0);
        snprintf(expected, sizeof expected, "title='image \"%s\";", cases[i].xml);
        put_byte(&xml.printed, 0);
        assert_non_null(strstr((const char *)xml.printed.bytes, expected));
        file_free(&xml.printed);
    }
}

/* A result of one page with one word, and its line, in this language. */
struct one_word {
    struct lend_ocr_word word;
    struct lend_ocr_line line;
    struct lend_ocr_paragraph paragraph;
    struct lend_ocr_block block;
    struct lend_ocr_page page;
    struct lend_ocr_result result;
};

static void say_one_word(struct one_word *one, const char *word_language, const char *language) {
    *one = (struct one_word){
        .word = {.text = "a", .language = word_language},
        .line = {.text = "a", .words = &one->word, .word_count = 1},
        .paragraph = {.lines = &one->line, .line_count = 1, .language = language},
        .block = {.paragraphs = &one->paragraph, .paragraph_count = 1},
        .page = {.text = "a\n", .blocks = &one->block, .block_count = 1},
        .result = {.pages = &one->page, .page_count = 1},
    };
}

static void check_says(enum lend_ocr_print_as as, const struct one_word *one, const char *words) {
    struct paper paper;
    struct lend_ocr_printer printer = printer_as(as, &paper);
    assert_int_equal(lend_ocr_print(&printer, "f", &one->result), 0);
    put_byte(&paper.printed, 0);
    if (strstr((const char *)paper.printed.bytes, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (const char *)paper.printed.bytes, words);
    file_free(&paper.printed);
}

static void a_language_is_named_in_hocr_however_long_it_is(void **state) {
    (void)state;
    char path[600], expected[700];
    struct one_word one;
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    snprintf(expected, sizeof expected, " lang='%s' title=\"bbox", path);
    say_one_word(&one, path, path);
    check_says(LEND_OCR_AS_HOCR, &one, expected);
    snprintf(expected, sizeof expected, " lang='%s'>a</span>", path);
    say_one_word(&one, path, "eng");
    check_says(LEND_OCR_AS_HOCR, &one, expected);
    say_one_word(&one, "it's", "a&b");
    check_says(LEND_OCR_AS_HOCR, &one, " lang='it&#39;s'>a</span>");
    check_says(LEND_OCR_AS_HOCR, &one, " lang='a&amp;b' title=\"bbox");
}

static void what_is_no_number_is_printed_as_0(void **state) {
    (void)state;
    static const double none[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct one_word one;
        say_one_word(&one, "eng", "eng");
        one.word.confidence = one.line.size = one.line.ascenders = (float)none[i];
        one.line.has_baseline = true;
        one.line.baseline_slope = one.line.baseline_offset = none[i];
        check_says(LEND_OCR_AS_TSV, &one, "\t0.000000\ta\n");
        check_says(LEND_OCR_AS_HOCR, &one, "; baseline 0 0; x_size 0; ");
        check_says(LEND_OCR_AS_HOCR, &one, "; x_ascenders 0\">");
        check_says(LEND_OCR_AS_HOCR, &one, "; x_wconf 0'>a</span>");
    }
}

static void no_number_is_anything_but_json(void **state) {
    (void)state;
    struct paper paper;
    struct lend_ocr_printer printer = printer_as(LEND_OCR_AS_JSON, &paper);
    const struct lend_ocr_page page = {.text = "", .confidence = (float)NAN, .ms = INFINITY};
    const struct lend_ocr_result one = {.pages = &page, .page_count = 1};
    assert_int_equal(lend_ocr_print(&printer, "f", &one), 0);
    check_printed(&paper, "{\"file\":\"f\",\"page\":0,\"width\":0,\"height\":0,\"confidence\":0.00,"
                          "\"text\":\"\",\"words\":[],\"ms\":0.0}\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(a_language_is_named_in_hocr_however_long_it_is),
        cmocka_unit_test(what_is_no_number_is_printed_as_0),
        cmocka_unit_test(no_number_is_anything_but_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
