/* SPDX-License-Identifier: MIT
 *
 * Events: their words, their one line, and the way from a pool to its sink. */
#include "support/await.h"
#include "support/events.h"
#include "support/fake_model.h"

#include <lend/lease.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct lend_site site = {.file = "src/here/batch.c", .function = "run", .line = 88};

static size_t print(const struct lend_event *event, char (*text)[256]) {
    return lend_event_print(event, *text, sizeof *text);
}

static void each_kind_has_its_words(void **state) {
    (void)state;
#define CHECK(name, words) assert_string_equal(lend_event_words(name), words);
    LEND_EVENTS(CHECK)
#undef CHECK
}

static void a_foreign_kind_is_unknown(void **state) {
    (void)state;
    assert_string_equal(lend_event_words((enum lend_event_kind)4711), "unknown event");
}

static void the_line_says_who_what_error_particulars_and_site(void **state) {
    (void)state;
    char text[256];
    const struct lend_event event = {
        .kind = LEND_EVENT_RESET_FAILED,
        .error = EIO,
        .owner = "ocr",
        .slot = 3,
        .job = 17,
        .site = &site,
        .text = "it is stuck",
    };
    const char *expected = "\"ocr\" job 17 #3: a model could not be reset after a lease; it is "
                           "replaced (EIO): it is stuck at batch.c:88";
    assert_int_equal(print(&event, &text), strlen(expected));
    assert_string_equal(text, expected);
}

static void what_an_event_lacks_is_left_out_of_the_line(void **state) {
    (void)state;
    char text[256];
    const struct lend_event event = {
        .kind = LEND_EVENT_MODEL_REPLACED, .owner = "ocr", .slot = -1, .text = ""};
    print(&event, &text);
    assert_string_equal(text, "\"ocr\": a model was replaced");
}

static void an_error_without_a_name_keeps_its_number(void **state) {
    (void)state;
    char text[256];
    const struct lend_event event = {
        .kind = LEND_EVENT_JOB_UNREAD, .error = 4711, .owner = "ocr", .slot = -1, .text = ""};
    print(&event, &text);
    assert_string_equal(
        text, "\"ocr\": a job failed and its future was dropped without being read (error 4711)");
}

static void a_line_that_does_not_fit_ends_with_dots(void **state) {
    (void)state;
    char whole[256], text[256];
    const struct lend_event event = {.kind = LEND_EVENT_LOAD_FAILED,
                                     .error = ENOMEM,
                                     .owner = "ocr",
                                     .slot = 0,
                                     .site = &site,
                                     .text = "the shelf is empty"};
    size_t length = print(&event, &whole);
    for (size_t size = 1; size <= length; size++) {
        memset(text, '#', sizeof text);
        assert_int_equal(lend_event_print(&event, text, size), size - 1);
        assert_int_equal(strlen(text), size - 1);
        assert_int_equal(text[size], '#');
        size_t dots = size - 1 < 3 ? size - 1 : 3;
        assert_memory_equal(text + size - 1 - dots, "...", dots);
        assert_memory_equal(text, whole, size - 1 - dots);
    }
    assert_int_equal(lend_event_print(&event, text, length + 1), length);
    assert_string_equal(text, whole);
}

static void without_room_nothing_is_written(void **state) {
    (void)state;
    char untouched = '#';
    const struct lend_event event = {.kind = LEND_EVENT_MODEL_REPLACED, .owner = "", .text = ""};
    assert_int_equal(lend_event_print(&event, &untouched, 0), 0);
    assert_int_equal(lend_event_print(&event, NULL, 0), 0);
    assert_int_equal(untouched, '#');
}

static void no_event_is_an_answer_too(void **state) {
    (void)state;
    char text[256];
    assert_int_equal(print(NULL, &text), strlen("no event"));
    assert_string_equal(text, "no event");
}

static void the_sink_is_told_the_pool_the_slot_the_site_and_the_words(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .name = "shelf", .models = 1, .sink = events_record,
                                 .sink_context = &events);
    const struct lend_site *here = LEND_HERE;
    struct lend_lease lease = lend_acquire_at(pool, LEND_NOW, here);
    assert_true(lend_lease_ok(&lease));
    lend_release_broken(&lease, "it smells of smoke");

    struct recorded_event event = events_at(&events, 0);
    assert_int_equal(event.kind, LEND_EVENT_MODEL_BROKEN);
    assert_int_equal(event.error, 0);
    assert_int_equal(event.slot, 0);
    assert_int_equal(event.job, 0);
    assert_ptr_equal(event.site, here);
    assert_string_equal(event.owner, "shelf");
    assert_string_equal(event.text, "it smells of smoke");
    assert_true(eventually(events_count_of(&events, LEND_EVENT_MODEL_REPLACED) == 1));
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

static void without_words_the_text_is_empty_and_not_null(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    events_init(&events);
    lend_pool *pool =
        fakes_pool(&fakes, .models = 1, .sink = events_record, .sink_context = &events);
    struct lend_lease lease = (lend_acquire)(pool, LEND_NOW);
    lend_release_broken(&lease, NULL);
    struct recorded_event event = events_at(&events, 0);
    assert_int_equal(event.kind, LEND_EVENT_MODEL_BROKEN);
    assert_string_equal(event.text, "");
    assert_string_equal(event.owner, "pool");
    assert_null(event.site);
    assert_true(eventually(events_count(&events) == 2));
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

static void without_a_sink_events_are_counted(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    lend_release_broken(&lease, "nobody hears of it");
    assert_true(eventually(stats_of(pool).events == 2));
    fakes_close(&fakes, pool);
}

/* What a sink saw of the pool that it speaks for. */
struct caller {
    lend_pool *pool;
    atomic_uint calls, served;
};

static void call_back(const struct lend_event *event, void *context) {
    (void)event;
    struct caller *caller = context;
    char text[256];
    atomic_fetch_add(&caller->calls, 1);
    struct lend_pool_stats stats;
    bool read = lend_pool_stats_get(caller->pool, &stats) == 0;
    bool printed = lend_pool_print(caller->pool, text, sizeof text) > 0;
    struct lend_lease lease = lend_acquire(caller->pool, LEND_NOW);
    bool lent = lend_lease_ok(&lease);
    lend_release(&lease);
    if (read && printed && lent)
        atomic_fetch_add(&caller->served, 1);
}

static void a_sink_may_call_the_pool_it_speaks_for(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct caller caller = {0};
    caller.pool = fakes_pool(&fakes, .models = 2, .sink = call_back, .sink_context = &caller);
    struct lend_lease lease = lend_acquire(caller.pool, LEND_NOW);
    lend_release_broken(&lease, "");
    assert_true(eventually(atomic_load(&caller.served) == 2));
    assert_int_equal(atomic_load(&caller.calls), 2);
    fakes_close(&fakes, caller.pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_words),
        cmocka_unit_test(a_foreign_kind_is_unknown),
        cmocka_unit_test(the_line_says_who_what_error_particulars_and_site),
        cmocka_unit_test(what_an_event_lacks_is_left_out_of_the_line),
        cmocka_unit_test(an_error_without_a_name_keeps_its_number),
        cmocka_unit_test(a_line_that_does_not_fit_ends_with_dots),
        cmocka_unit_test(without_room_nothing_is_written),
        cmocka_unit_test(no_event_is_an_answer_too),
        cmocka_unit_test(the_sink_is_told_the_pool_the_slot_the_site_and_the_words),
        cmocka_unit_test(without_words_the_text_is_empty_and_not_null),
        cmocka_unit_test(without_a_sink_events_are_counted),
        cmocka_unit_test(a_sink_may_call_the_pool_it_speaks_for),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
