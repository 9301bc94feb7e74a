/* SPDX-License-Identifier: MIT
 *
 * A report as JSON has everything in it that the report has, however many, known or not. */
#include <lend/report.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct lend_site site = {.file = "jobs/page.c", .line = 7, .function = "page"};

static char words[4096];

static const char *json_of(const struct lend_report *report) {
    size_t length = lend_report_print_json(report, words, sizeof words);
    assert_int_equal(length, strlen(words));
    return words;
}

static void check_does_not_say(const struct lend_report *report, const char *part) {
    if (strstr(json_of(report), part) != NULL)
        fail_msg("%s is in %s", part, words);
}

static void check_says(const struct lend_report *report, const char *part) {
    if (strstr(json_of(report), part) == NULL)
        fail_msg("%s is not in %s", part, words);
}

static struct lend_report empty_report(void) {
    return (struct lend_report){.pool = "ocr", .work = "", .work_slot = -1};
}

static void no_report_is_an_empty_object(void **state) {
    (void)state;
    assert_string_equal(json_of(NULL), "{}");
}

static void lists_of_none_are_empty(void **state) {
    (void)state;
    struct lend_report report = empty_report();
    check_says(&report, "\"holders\":[]");
    check_says(&report, "\"waiters\":[]");
    check_says(&report, "\"steps\":[]");
}

static void a_pool_says_what_is_the_matter_with_it(void **state) {
    (void)state;
    struct lend_report report = empty_report();
    check_says(&report, "\"suspended\":false,\"closing\":false");
    report.suspended = true;
    check_says(&report, "\"suspended\":true,\"closing\":false");
    report.closing = true;
    check_says(&report, "\"suspended\":true,\"closing\":true");
}

static void what_is_under_way_is_there_if_anything_is(void **state) {
    (void)state;
    struct lend_report report = empty_report();
    check_does_not_say(&report, "\"work\"");
    report.work = "load";
    report.work_slot = 3;
    report.work_ns = 75000000000;
    check_says(&report, "\"work\":{\"on\":\"load\",\"slot\":3,\"for_ms\":75000.000}");
}

static void each_holder_is_listed_with_his_site_if_it_is_known(void **state) {
    (void)state;
    const struct lend_holder holders[] = {
        {.slot = 4, .kind = LEND_OWNER_JOB, .id = 17, .tid = 8, .held_ns = 1, .site = &site},
        {.slot = 5, .kind = LEND_OWNER_DETACHED, .id = 9, .tid = 9}};
    struct lend_report report = empty_report();
    report.holder_count = 2;
    report.holders = holders;
    check_says(&report, "[{\"owner\":\"job\",\"id\":17,\"tid\":8,\"slot\":4");
    check_says(&report, "\"at\":\"page.c:7\"");
    check_says(&report, "},{\"owner\":\"nobody\",\"id\":9,\"tid\":9,\"slot\":5");
    check_says(&report, "}],\"waiters\"");
}

static void each_waiter_is_listed_in_order(void **state) {
    (void)state;
    const struct lend_borrower waiters[] = {{.kind = LEND_OWNER_THREAD, .id = 1, .tid = 1},
                                            {.kind = LEND_OWNER_THREAD, .id = 2, .tid = 2}};
    struct lend_report report = empty_report();
    report.waiter_count = 2;
    report.waiters = waiters;
    check_says(&report, "\"waiters\":[{\"owner\":\"thread\",\"id\":1,\"tid\":1");
    check_says(&report, "},{\"owner\":\"thread\",\"id\":2,\"tid\":2");
}

static void each_step_of_a_deadlock_is_listed(void **state) {
    (void)state;
    const struct lend_step steps[] = {
        {.kind = LEND_OWNER_THREAD, .id = 1, .awaits = "pool \"a\"", .holder_tid = 2, .slot = 0},
        {.kind = LEND_OWNER_THREAD, .id = 2, .awaits = "job 3", .holder_tid = 1, .slot = -1}};
    struct lend_report report = empty_report();
    report.step_count = 2;
    report.steps = steps;
    check_says(&report, "\"awaits\":\"pool \\\"a\\\"\"");
    check_says(&report, "\"holder_tid\":2,\"slot\":0");
    check_says(&report, "},{\"owner\":\"thread\",\"id\":2");
    check_says(&report, "\"holder_tid\":1,\"slot\":-1");
}

/* In ms, to the microsecond. */
static void times_are_written_as_they_are(void **state) {
    (void)state;
    const struct lend_holder holder = {.kind = LEND_OWNER_THREAD, .held_ns = 1234567890};
    const struct lend_borrower waiter = {.kind = LEND_OWNER_THREAD, .waited_ns = 2007000};
    const struct lend_step step = {
        .kind = LEND_OWNER_THREAD, .waited_ns = 3100999, .held_ns = 86400000000000};
    struct lend_report report = empty_report();
    report.waited_ns = 999;
    report.holder_count = report.waiter_count = report.step_count = 1;
    report.holders = &holder;
    report.waiters = &waiter;
    report.steps = &step;
    check_says(&report, "\"cause\":\"\",\"waited_ms\":0.000,");
    check_says(&report, "\"slot\":0,\"held_ms\":1234.567}");
    check_says(&report, "\"tid\":0,\"waited_ms\":2.007}");
    check_says(&report, "\"awaits\":\"\",\"waited_ms\":3.100,");
    check_says(&report, "\"slot\":0,\"held_ms\":86400000.000}");
    report.waited_ns = 12034056078;
    check_says(&report, "\"cause\":\"\",\"waited_ms\":12034.056,");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_report_is_an_empty_object),
        cmocka_unit_test(lists_of_none_are_empty),
        cmocka_unit_test(a_pool_says_what_is_the_matter_with_it),
        cmocka_unit_test(what_is_under_way_is_there_if_anything_is),
        cmocka_unit_test(each_holder_is_listed_with_his_site_if_it_is_known),
        cmocka_unit_test(each_waiter_is_listed_in_order),
        cmocka_unit_test(each_step_of_a_deadlock_is_listed),
        cmocka_unit_test(times_are_written_as_they_are),
    };
    return cmocka_run_group_tests_name("report_json", tests, NULL, NULL);
}
