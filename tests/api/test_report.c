/* SPDX-License-Identifier: MIT
 *
 * Reports: what is in them, and the one line that says it. The texts are compared whole, with
 * thread ids and durations masked. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"

#include <lend/completions.h>
#include <lend/executor.h>
#include <lend/request.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct lend_site batch = {.file = "/src/batch.c", .function = "run", .line = 88};
static const struct lend_site query = {.file = "query.c", .function = "ask", .line = 7};

/* Copy `text` with T for each thread id and D for each duration. */
static void mask(const char *text, char (*masked)[512]) {
    static const struct {
        const char *before, *of, *as;
    } numbers[] = {
        {"thread ", "0123456789", "T"},
        {" for ", "0123456789. umsinh", "D"},
        {" within ", "0123456789. umsinh", "D"},
    };
    size_t length = 0;
    while (*text != '\0' && length < sizeof *masked - 16) {
        bool found = false;
        for (size_t i = 0; i < 3 && !found; i++) {
            size_t prefix = strlen(numbers[i].before);
            if (strncmp(text, numbers[i].before, prefix) != 0)
                continue;
            found = true;
            text += prefix;
            text += strspn(text, numbers[i].of);
            length += (size_t)sprintf(*masked + length, "%s%s", numbers[i].before, numbers[i].as);
            if (text[-1] == ' ') /* " at" follows */
                (*masked)[length++] = ' ';
        }
        if (!found)
            (*masked)[length++] = *text++;
    }
    (*masked)[length] = '\0';
}

static void check_text(const struct lend_report *report, const char *expected) {
    char text[512], masked[512];
    lend_report_print(report, text, sizeof text);
    mask(text, &masked);
    assert_string_equal(masked, expected);
}

static void check_live_text(lend_pool *pool, const char *expected) {
    char text[512], masked[512];
    size_t length = lend_pool_print(pool, text, sizeof text);
    assert_int_equal(length, strlen(text));
    mask(text, &masked);
    assert_string_equal(masked, expected);
}

/* What a borrower is told who comes now. */
static void check_refusal(lend_pool *pool, lend_deadline deadline, enum lend_cause cause,
                          const char *expected) {
    struct lend_lease lease = (lend_acquire)(pool, deadline);
    const struct lend_report *report = lend_lease_report(&lease);
    assert_non_null(report);
    assert_int_equal(report->cause, cause);
    assert_int_equal(report->free + report->lent + report->loading + report->retiring +
                         report->lost,
                     report->models);
    check_text(report, expected);
    lend_release(&lease);
}

static struct lend_lease take_model(lend_pool *pool, const struct lend_site *site) {
    struct lend_lease lease = lend_acquire_at(pool, LEND_NOW, site);
    assert_true(lend_lease_ok(&lease));
    return lease;
}

static void each_cause_has_its_words(void **state) {
    (void)state;
#define CHECK(name, words) assert_string_equal(lend_cause_words(name), words);
    LEND_CAUSES(CHECK)
#undef CHECK
    assert_string_equal(lend_cause_words((enum lend_cause)4711), "");
}

static void a_pool_at_rest_says_how_many_are_free(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 2);
    check_live_text(pool, "pool \"ocr\": 0 of 2 lent, 2 free");
    fakes_close(&fakes, pool);
}

static void a_live_pool_names_who_has_its_models(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 3);
    struct lend_lease first = take_model(pool, &batch);
    await_tick();
    struct lend_lease second = take_model(pool, NULL);
    check_live_text(pool, "pool \"ocr\": 2 of 3 lent, 1 free: "
                          "#0 thread T for D at batch.c:88, #1 thread T for D");
    lend_release(&first);
    check_live_text(pool, "pool \"ocr\": 1 of 3 lent, 2 free: #1 thread T for D");
    lend_release(&second);
    fakes_close(&fakes, pool);
}

static void a_refusal_says_that_no_model_is_free(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1);
    struct lend_lease lease = take_model(pool, &query);
    check_refusal(pool, LEND_NOW, LEND_CAUSE_HOLDERS,
                  "pool \"ocr\": no model free; 1 of 1 lent: #0 thread T for D at query.c:7; "
                  "every model is in use");
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_wait_in_vain_says_how_long_it_was(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1, .wait_ms_default = 20);
    struct lend_lease lease = take_model(pool, &query);
    assert_int_equal(lend_lease_detach(&lease), 0);
    check_refusal(pool, LEND_BY_DEFAULT, LEND_CAUSE_HOLDERS,
                  "pool \"ocr\": no model within D; 1 of 1 lent: #0 nobody (detached by thread T) "
                  "for D at query.c:7; "
                  "every model is in use");

    struct lend_lease failed = lend_acquire(pool, LEND_BY_DEFAULT);
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->error, ETIMEDOUT);
    assert_true(report->waited_ns >= 20 * 1000000);
    char text[512];
    long waited = 0;
    lend_report_print(report, text, sizeof text);
    assert_int_equal(sscanf(text, "pool \"ocr\": no model within %ld", &waited), 1);
    assert_true(waited >= 10); /* ms, or s on a machine that stood still */
    lend_release(&failed);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_crowd_is_told_from_slow_holders(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1, .waiters_max = 1);
    struct lend_lease lease = take_model(pool, &query);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    check_live_text(pool, "pool \"ocr\": 1 of 1 lent: #0 thread T for D at query.c:7; "
                          "1 waiting of at most 1; "
                          "every model is in use");
    check_refusal(pool, LEND_FOREVER, LEND_CAUSE_CROWD,
                  "pool \"ocr\": no model; 1 of 1 lent: #0 thread T for D at query.c:7; "
                  "1 waiting of at most 1; more borrowers than the bound on waiters allows");
    lend_release(&lease);
    assert_int_equal(borrower_join(&waiter), 0);
    fakes_close(&fakes, pool);
}

static void where_nobody_may_wait_one_is_a_crowd(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool =
        fakes_pool(&fakes, .name = "ocr", .models = 1, .waiters_max = LEND_NO_WAITERS);
    struct lend_lease lease = take_model(pool, NULL);
    check_refusal(pool, LEND_FOREVER, LEND_CAUSE_CROWD,
                  "pool \"ocr\": no model; 1 of 1 lent: #0 thread T for D; "
                  "more borrowers than the bound on waiters allows");
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_model_that_is_loaded_again_is_worth_waiting_for(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 2);
    struct lend_lease leases[2] = {take_model(pool, NULL), take_model(pool, NULL)};
    fakes_hold(&fakes.load, &gate);
    for (int i = 0; i < 2; i++)
        lend_release_broken(&leases[i], "");
    assert_true(eventually(stats_of(pool).loading == 1));
    check_live_text(pool,
                    "pool \"ocr\": 0 of 2 lent, 1 loading, 1 retiring; load of #0 under way for D");
    check_refusal(pool, LEND_NOW, LEND_CAUSE_LOADING,
                  "pool \"ocr\": no model free; 0 of 2 lent, 1 loading, 1 retiring; "
                  "load of #0 under way for D; "
                  "models are still being loaded");
    gate_open(&gate);
    assert_true(eventually(stats_of(pool).free == 2));
    check_live_text(pool, "pool \"ocr\": 0 of 2 lent, 2 free");
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

static void the_loader_is_quoted_while_models_are_missing(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1);
    fakes_fail_next(&fakes.load, UINT_MAX, 4711, "the shelf is empty");
    struct lend_lease lease = take_model(pool, NULL);
    lend_release_broken(&lease, "");
    assert_true(eventually(stats_of(pool).load_failures > 0));
    unsigned held = fakes_hold(&fakes.load, &gate);
    assert_true(eventually(atomic_load(&fakes.load.calls) == held));
    check_refusal(pool, LEND_FOREVER, LEND_CAUSE_LOADER,
                  "pool \"ocr\": no model; 0 of 1 lent, 1 loading; load of #0 under way for D; "
                  "the loader says: the shelf is empty; no model can be loaded");
    check_live_text(pool, "pool \"ocr\": 0 of 1 lent, 1 loading; load of #0 under way for D; "
                          "the loader says: the shelf is empty; no model can be loaded");
    struct lend_lease failed = lend_acquire(pool, LEND_FOREVER);
    assert_int_equal(lend_lease_error(&failed), EIO);
    assert_int_equal(lend_lease_report(&failed)->loader.error, 4711);
    lend_release(&failed);

    fakes_fail_next(&fakes.load, 0, 0, NULL);
    gate_open(&gate);
    assert_true(eventually(stats_of(pool).free == 1));
    check_live_text(pool, "pool \"ocr\": 0 of 1 lent, 1 free");
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

/* Is this what the pool says of itself at the moment? */
static bool says(lend_pool *pool, const char *expected) {
    char text[512];
    lend_pool_print(pool, text, sizeof text);
    return strcmp(text, expected) == 0;
}

static void a_model_that_waits_for_its_next_load_is_lost(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1);
    fakes_fail_next(&fakes.load, UINT_MAX, EIO, "the shelf is empty");
    struct lend_lease lease = take_model(pool, NULL);
    lend_release_broken(&lease, "");
    assert_true(eventually(says(pool, "pool \"ocr\": 0 of 1 lent, 1 lost; the loader says: "
                                      "the shelf is empty; no model can be loaded")));
    fakes_close(&fakes, pool);
}

static void a_closing_pool_names_its_holders(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 2);
    struct lend_lease lease = take_model(pool, &batch);
    struct lend_report *report = NULL;
    assert_int_equal(lend_pool_close(pool, LEND_NOW, &report), EBUSY);
    assert_int_equal(report->error, EBUSY);
    assert_int_equal(report->cause, LEND_CAUSE_LEASES);
    check_text(report, "pool \"ocr\": not closed within D; 1 of 2 lent, 1 free: "
                       "#0 thread T for D at batch.c:88; models are still lent");
    lend_report_free(report);
    check_live_text(pool, "pool \"ocr\": closing; 1 of 2 lent, 1 free: "
                          "#0 thread T for D at batch.c:88; models are still lent");
    check_refusal(pool, LEND_FOREVER, LEND_CAUSE_CLOSING,
                  "pool \"ocr\": no model; 1 of 2 lent, 1 free: "
                  "#0 thread T for D at batch.c:88; the pool is closing");
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_closing_pool_names_an_executor_to_the_closer_and_itself_to_a_borrower(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1);
    lend_executor *executor;
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .name = "night")), 0);
    check_live_text(pool, "pool \"ocr\": 0 of 1 lent, 1 free");
    struct lend_report *report = NULL;
    assert_int_equal(lend_pool_close(pool, LEND_NOW, &report), EBUSY);
    assert_int_equal(report->cause, LEND_CAUSE_TENANTS);
    assert_string_equal(report->tenant, "night");
    check_text(report, "pool \"ocr\": not closed within D; 0 of 1 lent, 1 free; "
                       "executor \"night\" is open; an executor is still open on the pool");
    lend_report_free(report);
    check_refusal(pool, LEND_FOREVER, LEND_CAUSE_CLOSING,
                  "pool \"ocr\": no model; 0 of 1 lent, 1 free; "
                  "executor \"night\" is open; the pool is closing");
    assert_int_equal(lend_executor_close(executor, LEND_BY_DEFAULT), 0);
    fakes_close(&fakes, pool);
}

static void a_pool_that_closes_without_models_names_its_executor_and_its_loader(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1);
    lend_executor *executor;
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .name = "night")), 0);
    fakes_fail_next(&fakes.load, UINT_MAX, EIO, "the shelf is empty");
    struct lend_lease lease = take_model(pool, NULL);
    lend_release_broken(&lease, "");
    assert_true(eventually(says(pool, "pool \"ocr\": 0 of 1 lent, 1 lost; the loader says: "
                                      "the shelf is empty; no model can be loaded")));
    struct lend_report *report = NULL;
    assert_int_equal(lend_pool_close(pool, LEND_NOW, &report), EBUSY);
    check_text(report, "pool \"ocr\": not closed within D; 0 of 1 lent, 1 lost; "
                       "the loader says: the shelf is empty; executor \"night\" is open; "
                       "an executor is still open on the pool");
    lend_report_free(report);
    assert_int_equal(lend_executor_close(executor, LEND_BY_DEFAULT), 0);
    fakes_close(&fakes, pool);
}

static void a_deadlock_is_told_step_by_step(void **state) {
    (void)state;
    char text[512];
    const struct lend_step steps[] = {
        {.tid = 1, .site = &batch, .awaits = "pool \"b\"", .holder_tid = 2, .slot = 0},
        {.tid = 2, .awaits = "job 3", .holder_tid = 1, .slot = -1},
    };
    const struct lend_report report = {
        .pool = "a", .error = EDEADLK, .work_slot = -1, .steps = steps, .step_count = 2};
    lend_report_print(&report, text, sizeof text);
    assert_string_equal(text, "pool \"a\": deadlock; 0 of 0 lent; "
                              "thread 1 waits at batch.c:88 for pool \"b\", "
                              "whose #0 thread 2 holds for 0 us; "
                              "thread 2 waits for job 3, which thread 1 would have to run");
}

static void a_report_that_does_not_fit_is_cut_with_dots(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1);
    struct lend_lease lease = take_model(pool, &batch);
    struct lend_lease failed = lend_acquire(pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&failed);
    char whole[512], text[512];
    size_t length = lend_report_print(report, whole, sizeof whole);
    assert_int_equal(length, strlen(whole));
    for (size_t size = 1; size <= length; size++) {
        memset(text, '#', sizeof text);
        assert_int_equal(lend_report_print(report, text, size), size - 1);
        assert_int_equal(strlen(text), size - 1);
        assert_int_equal(text[size], '#');
        size_t dots = size - 1 < 3 ? size - 1 : 3;
        assert_memory_equal(text + size - 1 - dots, "...", dots);
        assert_memory_equal(text, whole, size - 1 - dots);
    }
    assert_int_equal(lend_report_print(report, text, length + 1), length);
    assert_string_equal(text, whole);
    lend_release(&failed);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void without_room_nothing_is_written(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    char untouched = '#';
    assert_int_equal(lend_pool_print(pool, &untouched, 0), 0);
    assert_int_equal(lend_pool_print(pool, NULL, 0), 0);
    assert_int_equal(lend_pool_print(NULL, &untouched, 0), 0);
    assert_int_equal(lend_pool_print(NULL, NULL, 0), 0);
    assert_int_equal(lend_report_print(NULL, &untouched, 0), 0);
    assert_int_equal(lend_report_print(NULL, NULL, 0), 0);
    assert_int_equal(lend_pool_print_json(NULL, NULL, 0), 2);
    assert_int_equal(lend_report_print_json(NULL, &untouched, 0), 2);
    assert_int_equal(untouched, '#');
    fakes_close(&fakes, pool);
}

static void no_report_and_no_pool_are_answers_too(void **state) {
    (void)state;
    char text[32];
    assert_int_equal(lend_report_print(NULL, text, sizeof text), strlen("no report"));
    assert_string_equal(text, "no report");
    assert_int_equal(lend_pool_print(NULL, text, sizeof text), strlen("no pool"));
    assert_string_equal(text, "no pool");
    assert_int_equal(lend_pool_print_json(NULL, text, 2), 2);
    assert_string_equal(text, "");
    assert_int_equal(lend_report_print(NULL, text, 5), 4);
    assert_string_equal(text, "n...");
    lend_report_free(NULL);
}

static void ignore(struct lend_lease *lease, void *argument) {
    (void)argument;
    lend_release(lease);
}

static void a_report_names_no_more_than_64_of_those_who_wait(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_completions *queue;
    lend_request *requests[65];
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = 65);
    struct lend_lease lease = borrow_now(pool);
    assert_int_equal(lend_completions_open(&queue), 0);
    for (int i = 0; i < 65; i++)
        assert_int_equal(lend_acquire_later(pool, LEND_FOREVER,
                                            &LEND_REQUEST(.queue = queue, .acquired = ignore),
                                            &requests[i]),
                         0);
    static char json[65536];
    assert_true(lend_pool_print_json(pool, json, sizeof json) < sizeof json);
    assert_non_null(strstr(json, "\"waiting\":65"));
    unsigned named = 0;
    for (const char *at = strstr(json, "\"waiters\":["); (at = strstr(at, "\"waited_ms\"")) != NULL;
         at++)
        named++;
    assert_int_equal(named, 64);
    for (int i = 0; i < 65; i++)
        assert_int_equal(lend_request_cancel(requests[i]), 0);
    assert_int_equal(lend_completions_close(queue), 0);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_has_its_words),
        cmocka_unit_test(a_pool_at_rest_says_how_many_are_free),
        cmocka_unit_test(a_live_pool_names_who_has_its_models),
        cmocka_unit_test(a_refusal_says_that_no_model_is_free),
        cmocka_unit_test(a_wait_in_vain_says_how_long_it_was),
        cmocka_unit_test(a_crowd_is_told_from_slow_holders),
        cmocka_unit_test(where_nobody_may_wait_one_is_a_crowd),
        cmocka_unit_test(a_model_that_is_loaded_again_is_worth_waiting_for),
        cmocka_unit_test(the_loader_is_quoted_while_models_are_missing),
        cmocka_unit_test(a_model_that_waits_for_its_next_load_is_lost),
        cmocka_unit_test(a_closing_pool_names_its_holders),
        cmocka_unit_test(a_closing_pool_names_an_executor_to_the_closer_and_itself_to_a_borrower),
        cmocka_unit_test(a_pool_that_closes_without_models_names_its_executor_and_its_loader),
        cmocka_unit_test(a_deadlock_is_told_step_by_step),
        cmocka_unit_test(a_report_that_does_not_fit_is_cut_with_dots),
        cmocka_unit_test(without_room_nothing_is_written),
        cmocka_unit_test(no_report_and_no_pool_are_answers_too),
        cmocka_unit_test(a_report_names_no_more_than_64_of_those_who_wait),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
