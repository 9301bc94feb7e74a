/* SPDX-License-Identifier: MIT
 *
 * Printing: exact bytes of a result that is made by hand. What the engine's own printers make of
 * real pages is compared elsewhere. */
#include "paper.h"

#include <locale.h>

static const struct lend_ocr_word words[] = {
    {.text = "Tea",
     .box = {10, 20, 30, 12},
     .confidence = 96.5f,
     .language = "eng",
     .direction = LEND_OCR_LEFT_TO_RIGHT},
    {.text = "<&\">",
     .box = {45, 20, 20, 12},
     .confidence = 0.125f,
     .language = "eng",
     .direction = LEND_OCR_NEUTRAL},
    {.text = "\xe8\x8c\xb6",
     .box = {10, 40, 14, 14},
     .confidence = 33.333332f,
     .language = "chi_sim",
     .direction = LEND_OCR_LEFT_TO_RIGHT},
    {.text = "x", .box = {200, 200, 5, 5}, .confidence = 100, .language = ""},
};

static const struct lend_ocr_line lines[] = {
    {.text = "Tea <&\">",
     .box = {10, 20, 55, 12},
     .words = &words[0],
     .word_count = 2,
     .has_baseline = true,
     .baseline_slope = -0.0012,
     .baseline_offset = -3,
     .size = 15.5f,
     .descenders = -3.25f,
     .ascenders = 4},
    {.text = "\xe8\x8c\xb6",
     .box = {10, 40, 14, 14},
     .words = &words[2],
     .word_count = 1,
     .angle = 90,
     .size = 14,
     .descenders = 0,
     .ascenders = 1234.5678f},
    {.text = "x", .box = {200, 200, 5, 5}, .words = &words[3], .word_count = 1},
};

static const struct lend_ocr_paragraph paragraphs[] = {
    {.box = {10, 20, 55, 34}, .lines = &lines[0], .line_count = 2, .language = "eng"},
    {.box = {200, 200, 5, 5}, .lines = &lines[2], .line_count = 1, .language = ""},
};

static const struct lend_ocr_block blocks[] = {
    {.kind = LEND_OCR_HEADING,
     .box = {8, 18, 60, 40},
     .paragraphs = &paragraphs[0],
     .paragraph_count = 1},
    {.kind = LEND_OCR_IMAGE, .box = {100, 100, 50, 50}},
    {.kind = LEND_OCR_RULE, .box = {0, 160, 300, 2}},
    {.kind = LEND_OCR_IMAGE,
     .box = {190, 190, 30, 30},
     .paragraphs = &paragraphs[1],
     .paragraph_count = 1},
};

static const struct lend_ocr_page pages[] = {
    {.number = 1,
     .width = 300,
     .height = 400,
     .dpi = 70,
     .confidence = 43.319443f,
     .ms = 12.34,
     .text = "Tea <&\">\n\xe8\x8c\xb6\n",
     .blocks = blocks,
     .block_count = 4,
     .lines = lines,
     .line_count = 3,
     .words = words,
     .word_count = 4},
    {.number = 2, .width = 1, .height = 2, .dpi = 300, .ms = 0, .text = ""},
};

static const struct lend_ocr_result result = {
    .format = LEND_OCR_TIFF, .pages = pages, .page_count = 2};

static void print_whole(enum lend_ocr_print_as as, struct paper *paper) {
    struct lend_ocr_printer printer = printer_as(as, paper);
    assert_int_equal(lend_ocr_print_begin(&printer), 0);
    assert_int_equal(lend_ocr_print(&printer, "a.tif", &result), 0);
    assert_int_equal(lend_ocr_print_end(&printer), 0);
    assert_int_equal(printer.pages, 2);
}

static void text_has_a_form_feed_before_each_page_but_the_first(void **state) {
    (void)state;
    struct paper paper;
    struct lend_ocr_printer printer = printer_as(LEND_OCR_AS_TEXT, &paper);
    assert_int_equal(lend_ocr_print_begin(&printer), 0);
    assert_int_equal(lend_ocr_print(&printer, "a.tif", &result), 0);
    assert_int_equal(lend_ocr_print_failure(&printer, "b.tif", "it is damaged"), 0);
    assert_int_equal(lend_ocr_print(&printer, "c.tif", &result), 0);
    assert_int_equal(lend_ocr_print_end(&printer), 0);
    check_printed(&paper, "Tea <&\">\n\xe8\x8c\xb6\n\f\fTea <&\">\n\xe8\x8c\xb6\n\f");
}

static void tsv_has_a_row_for_each_part_with_words(void **state) {
    (void)state;
    struct paper paper;
    print_whole(LEND_OCR_AS_TSV, &paper);
    check_printed(
        &paper,
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\t"
        "text\n"
        "1\t1\t0\t0\t0\t0\t0\t0\t300\t400\t-1\t\n"
        "2\t1\t1\t0\t0\t0\t8\t18\t60\t40\t-1\t\n"
        "3\t1\t1\t1\t0\t0\t10\t20\t55\t34\t-1\t\n"
        "4\t1\t1\t1\t1\t0\t10\t20\t55\t12\t-1\t\n"
        "5\t1\t1\t1\t1\t1\t10\t20\t30\t12\t96.500000\tTea\n"
        "5\t1\t1\t1\t1\t2\t45\t20\t20\t12\t0.125000\t<&\">\n"
        "4\t1\t1\t1\t2\t0\t10\t40\t14\t14\t-1\t\n"
        "5\t1\t1\t1\t2\t1\t10\t40\t14\t14\t33.333332\t\xe8\x8c\xb6\n"
        "2\t1\t2\t0\t0\t0\t190\t190\t30\t30\t-1\t\n"
        "3\t1\t2\t1\t0\t0\t200\t200\t5\t5\t-1\t\n"
        "4\t1\t2\t1\t1\t0\t200\t200\t5\t5\t-1\t\n"
        "5\t1\t2\t1\t1\t1\t200\t200\t5\t5\t100.000000\tx\n"
        "1\t2\t0\t0\t0\t0\t0\t0\t1\t2\t-1\t\n");
}

static void hocr_nests_and_numbers_each_part(void **state) {
    (void)state;
    struct paper paper;
    struct lend_ocr_printer printer = printer_as(LEND_OCR_AS_HOCR, &paper);
    assert_int_equal(lend_ocr_print(&printer, "a's \"b\" & c", &result), 0);
    check_printed(
        &paper,
        "  <div class='ocr_page' id='page_1' title='image \"a&#39;s &quot;b&quot; &amp; c\"; "
        "bbox 0 0 300 400; ppageno 0; scan_res 70 70'>\n"
        "   <div class='ocr_carea' id='block_1_1' title=\"bbox 8 18 68 58\">\n"
        "    <p class='ocr_par' id='par_1_1' lang='eng' title=\"bbox 10 20 65 54\">\n"
        "     <span class='ocr_header' id='line_1_1' title=\"bbox 10 20 65 32; baseline -0.001 -3; "
        "x_size 15.5; x_descenders 3.25; x_ascenders 4\">\n"
        "      <span class='ocrx_word' id='word_1_1' title='bbox 10 20 40 32; x_wconf 96'>Tea"
        "</span>\n"
        "      <span class='ocrx_word' id='word_1_2' title='bbox 45 20 65 32; x_wconf 0'>"
        "&lt;&amp;&quot;&gt;</span>\n"
        "     </span>\n"
        "     <span class='ocr_header' id='line_1_2' title=\"bbox 10 40 24 54; textangle 90; "
        "x_size 14; x_descenders -0; x_ascenders 1234.5677\">\n"
        "      <span class='ocrx_word' id='word_1_3' title='bbox 10 40 24 54; x_wconf 33' "
        "lang='chi_sim'>\xe8\x8c\xb6</span>\n"
        "     </span>\n"
        "    </p>\n"
        "   </div>\n"
        "   <div class='ocr_photo' id='block_1_2' title=\"bbox 100 100 150 150\"></div>\n"
        "   <div class='ocr_separator' id='block_1_3' title=\"bbox 0 160 300 162\"></div>\n"
        "   <div class='ocr_photo' id='block_1_4' title=\"bbox 200 200 205 205\"></div>\n"
        "  </div>\n"
        "  <div class='ocr_page' id='page_2' title='image \"a&#39;s &quot;b&quot; &amp; c\"; "
        "bbox 0 0 1 2; ppageno 1; scan_res 300 300'>\n"
        "  </div>\n");
}

/* Does what was printed begin and end like this? */
static void check_ends(struct paper *paper, const char *head, const char *foot) {
    size_t size = paper->printed.size;
    put_byte(&paper->printed, 0);
    const char *printed = (const char *)paper->printed.bytes;
    assert_true(size >= strlen(foot));
    assert_ptr_equal(strstr(printed, head), printed);
    assert_string_equal(printed + size - strlen(foot), foot);
    file_free(&paper->printed);
}

static void hocr_is_a_whole_document(void **state) {
    (void)state;
    struct paper paper;
    print_whole(LEND_OCR_AS_HOCR, &paper);
    check_ends(&paper, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html",
               "  </div>\n </body>\n</html>\n");
}

static void hocr_says_which_way_a_paragraph_and_a_word_run(void **state) {
    (void)state;
    struct paper paper;
    struct lend_ocr_printer printer = printer_as(LEND_OCR_AS_HOCR, &paper);
    const struct lend_ocr_word two[] = {
        {.text = "a", .language = "heb", .direction = LEND_OCR_LEFT_TO_RIGHT},
        {.text = "b", .language = "heb", .direction = LEND_OCR_RIGHT_TO_LEFT}};
    const struct lend_ocr_line line = {.text = "a b", .words = two, .word_count = 2};
    const struct lend_ocr_paragraph paragraph = {
        .lines = &line, .line_count = 1, .language = "heb", .right_to_left = true};
    const struct lend_ocr_block block = {.paragraphs = &paragraph, .paragraph_count = 1};
    const struct lend_ocr_page page = {.text = "a b\n", .blocks = &block, .block_count = 1};
    const struct lend_ocr_result one = {.pages = &page, .page_count = 1};
    assert_int_equal(lend_ocr_print(&printer, "f", &one), 0);
    put_byte(&paper.printed, 0);
    const char *printed = (const char *)paper.printed.bytes;
    assert_non_null(strstr(printed, "<p class='ocr_par' dir='rtl' id='par_1_1' lang='heb'"));
    assert_non_null(strstr(printed, "x_wconf 0' dir='ltr'>a</span>"));
    assert_non_null(strstr(printed, "x_wconf 0'>b</span>"));
    file_free(&paper.printed);
}

static void json_has_one_object_for_each_page_and_each_failure(void **state) {
    (void)state;
    struct paper paper;
    struct lend_ocr_printer printer = printer_as(LEND_OCR_AS_JSON, &paper);
    assert_int_equal(lend_ocr_print_begin(&printer), 0);
    assert_int_equal(lend_ocr_print(&printer, "a.tif", &result), 0);
    assert_int_equal(lend_ocr_print_failure(&printer, "b\\c", "it is\t\"damaged\"\n"), 0);
    assert_int_equal(lend_ocr_print_end(&printer), 0);
    check_printed(
        &paper,
        "{\"file\":\"a.tif\",\"page\":1,\"width\":300,\"height\":400,\"confidence\":43.32,"
        "\"text\":\"Tea <&\\\">\\n\xe8\x8c\xb6\\n\",\"words\":["
        "{\"text\":\"Tea\",\"x\":10,\"y\":20,\"w\":30,\"h\":12,\"confidence\":96.50},"
        "{\"text\":\"<&\\\">\",\"x\":45,\"y\":20,\"w\":20,\"h\":12,\"confidence\":0.12},"
        "{\"text\":\"\xe8\x8c\xb6\",\"x\":10,\"y\":40,\"w\":14,\"h\":14,\"confidence\":33.33},"
        "{\"text\":\"x\",\"x\":200,\"y\":200,\"w\":5,\"h\":5,\"confidence\":100.00}],"
        "\"ms\":12.3}\n"
        "{\"file\":\"a.tif\",\"page\":2,\"width\":1,\"height\":2,\"confidence\":0.00,"
        "\"text\":\"\",\"words\":[],\"ms\":0.0}\n"
        "{\"file\":\"b\\\\c\",\"error\":\"it is\\t\\\"damaged\\\"\\n\"}\n");
}

static void failures_are_printed_as_json_only(void **state) {
    (void)state;
    static const enum lend_ocr_print_as others[] = {LEND_OCR_AS_TEXT, LEND_OCR_AS_TSV,
                                                    LEND_OCR_AS_HOCR};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct paper paper;
        struct lend_ocr_printer printer = printer_as(others[i], &paper);
        assert_int_equal(lend_ocr_print_failure(&printer, "b", "damaged"), 0);
        assert_int_equal(paper.calls, 0);
    }
}

static void pages_are_numbered_from_result_to_result_and_anew_after_begin(void **state) {
    (void)state;
    struct paper paper;
    struct lend_ocr_printer printer = printer_as(LEND_OCR_AS_HOCR, &paper);
    const struct lend_ocr_result one = {.pages = &pages[1], .page_count = 1};
    for (int round = 0; round < 2; round++) {
        assert_int_equal(lend_ocr_print_begin(&printer), 0);
        assert_int_equal(lend_ocr_print(&printer, "f", &one), 0);
        assert_int_equal(lend_ocr_print(&printer, "g", &one), 0);
        assert_int_equal(printer.pages, 2);
    }
    put_byte(&paper.printed, 0);
    assert_non_null(strstr((const char *)paper.printed.bytes, "id='page_2' title='image \"g\""));
    assert_null(strstr((const char *)paper.printed.bytes, "page_3"));
    file_free(&paper.printed);
}

static void the_first_error_of_a_write_ends_the_printing(void **state) {
    (void)state;
    static const enum lend_ocr_print_as ways[] = {LEND_OCR_AS_TEXT, LEND_OCR_AS_TSV,
                                                  LEND_OCR_AS_HOCR, LEND_OCR_AS_JSON};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct paper whole;
        struct lend_ocr_printer printer = printer_as(ways[i], &whole);
        assert_int_equal(lend_ocr_print(&printer, "f", &result), 0);
        for (int fail_at = 1; fail_at <= whole.calls; fail_at++) {
            struct paper paper;
            printer = printer_as(ways[i], &paper);
            paper.fail_at = fail_at;
            assert_int_equal(lend_ocr_print(&printer, "f", &result), ENOSPC);
            assert_int_equal(paper.calls, fail_at);
            assert_in_range(printer.pages, 0, 1);
            file_free(&paper.printed);
        }
        file_free(&whole.printed);
    }
}

static void what_is_missing_is_refused(void **state) {
    (void)state;
    struct paper paper;
    struct lend_ocr_printer printer = printer_as(LEND_OCR_AS_TEXT, &paper);
    struct lend_ocr_printer unknown = printer_as((enum lend_ocr_print_as)9, &paper);
    struct lend_ocr_printer mute = {.as = LEND_OCR_AS_TEXT};
    struct lend_ocr_printer *const useless[] = {NULL, &unknown, &mute};
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        assert_int_equal(lend_ocr_print_begin(useless[i]), EINVAL);
        assert_int_equal(lend_ocr_print(useless[i], "f", &result), EINVAL);
        assert_int_equal(lend_ocr_print_failure(useless[i], "f", "x"), EINVAL);
        assert_int_equal(lend_ocr_print_end(useless[i]), EINVAL);
    }
    assert_int_equal(lend_ocr_print(&printer, NULL, &result), EINVAL);
    assert_int_equal(lend_ocr_print(&printer, "f", NULL), EINVAL);
    assert_int_equal(lend_ocr_print_failure(&printer, NULL, "x"), EINVAL);
    assert_int_equal(lend_ocr_print_failure(&printer, "f", NULL), EINVAL);
    assert_int_equal(paper.calls, 0);
}

static void no_locale_changes_a_number(void **state) {
    (void)state;
    static const char *const with_commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE",      "fr_FR",
                                              "pl_PL.UTF-8", "ru_RU.UTF-8", "ps_AF.UTF-8"};
    static const enum lend_ocr_print_as ways[] = {LEND_OCR_AS_TSV, LEND_OCR_AS_HOCR,
                                                  LEND_OCR_AS_JSON};
    size_t next = 0, count = sizeof with_commas / sizeof with_commas[0];
    while (next < count && setlocale(LC_ALL, with_commas[next]) == NULL)
        next++;
    if (next == count) {
        print_message("skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct paper here, plain;
        print_whole(ways[i], &here);
        setlocale(LC_ALL, "C");
        print_whole(ways[i], &plain);
        setlocale(LC_ALL, with_commas[next]);
        put_byte(&plain.printed, 0);
        check_printed(&here, (const char *)plain.printed.bytes);
        file_free(&plain.printed);
    }
    setlocale(LC_ALL, "C");
}

static void a_stream_that_does_not_take_it_all_is_an_error(void **state) {
    (void)state;
    FILE *full = fopen("/dev/full", "wb");
    FILE *file = tmpfile();
    char back[8] = {0};
    assert_non_null(full);
    assert_non_null(file);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(lend_ocr_write_file("text", 4, full), EIO);
    assert_int_equal(lend_ocr_write_file("text", 4, file), 0);
    rewind(file);
    assert_int_equal(fread(back, 1, sizeof back, file), 4);
    assert_string_equal(back, "text");
    fclose(full);
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_a_form_feed_before_each_page_but_the_first),
        cmocka_unit_test(tsv_has_a_row_for_each_part_with_words),
        cmocka_unit_test(hocr_nests_and_numbers_each_part),
        cmocka_unit_test(hocr_is_a_whole_document),
        cmocka_unit_test(hocr_says_which_way_a_paragraph_and_a_word_run),
        cmocka_unit_test(json_has_one_object_for_each_page_and_each_failure),
        cmocka_unit_test(failures_are_printed_as_json_only),
        cmocka_unit_test(pages_are_numbered_from_result_to_result_and_anew_after_begin),
        cmocka_unit_test(the_first_error_of_a_write_ends_the_printing),
        cmocka_unit_test(what_is_missing_is_refused),
        cmocka_unit_test(no_locale_changes_a_number),
        cmocka_unit_test(a_stream_that_does_not_take_it_all_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
