/* SPDX-License-Identifier: MIT
 *
 * Operations of a model that do not return, in the background: the pool says so and goes on without
 * that model, and takes in what they bring if they return after all. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/events.h"
#include "support/fake_model.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* On a busy machine what is well may take that long, too, now and then: so a test first waits until
 * the operation that it holds up is under way. */
#define ALARM_MS 200
#define WAITERS 3

/* A pool of fakes, one of whose operations is to get stuck at a gate. */
struct ward {
    struct fakes fakes;
    struct events events;
    struct gate gate;
    lend_pool *pool;
};

static void ward_open(struct ward *ward, const struct lend_pool_options *options) {
    struct lend_pool_options own = *options;
    *ward = (struct ward){0};
    events_init(&ward->events);
    gate_init(&ward->gate);
    own.load_alarm_ms = own.load_alarm_ms != 0 ? own.load_alarm_ms : ALARM_MS;
    own.hold_alarm_ms = own.hold_alarm_ms != 0 ? own.hold_alarm_ms : -1;
    own.stall_alarm_ms = -1; /* nothing but the load's own time gets the keeper up */
    own.sink = events_record;
    own.sink_context = &ward->events;
    ward->pool = fakes_pool_open(&ward->fakes, &own);
}

#define ward_with(ward, ...) ward_open((ward), &LEND_POOL_OPTIONS(__VA_ARGS__))

static void ward_close(struct ward *ward) {
    gate_open(&ward->gate);
    fakes_close(&ward->fakes, ward->pool);
    events_deinit(&ward->events);
    gate_deinit(&ward->gate);
}

static bool is_whole(lend_pool *pool) {
    struct lend_pool_stats stats = stats_of(pool);
    return stats.models == stats.free + stats.lent + stats.loading + stats.retiring + stats.lost &&
           stats.stuck <= stats.loading + stats.retiring;
}

static void break_model(struct ward *ward) {
    struct lend_lease lease = borrow_now(ward->pool);
    lend_release_broken(&lease, "it smells of smoke");
}

/* Break one; the operation that follows does not return, and that has been noticed. */
static void get_stuck(struct ward *ward, struct fake_operation *operation) {
    unsigned held = fakes_hold(operation, &ward->gate);
    break_model(ward);
    assert_true(eventually(atomic_load(&operation->calls) >= held));
    assert_true(eventually(stats_of(ward->pool).stuck == 1));
}

/* Later calls run through; those that wait at the gate go on waiting. */
static void heal(struct fake_operation *operation) {
    atomic_store(&operation->gate, NULL);
}

/* what is said of it */

static void a_load_that_is_stuck_is_told_once_with_its_slot_and_its_time(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 1);
    get_stuck(&ward, &ward.fakes.load);
    assert_true(eventually(events_count_of(&ward.events, LEND_EVENT_LOAD_STUCK) == 1));
    struct recorded_event event = events_first_of(&ward.events, LEND_EVENT_LOAD_STUCK);
    assert_int_equal(event.slot, 0);
    assert_int_equal(event.error, ETIMEDOUT);
    assert_string_equal(event.text, "a load has not returned for 200 ms");
    assert_int_equal(stats_of(ward.pool).loading, 1);
    lend_deadline end = lend_within_ms(4 * ALARM_MS);
    do
        assert_true(is_whole(ward.pool));
    while (await_pause(end));
    assert_int_equal(events_count_of(&ward.events, LEND_EVENT_LOAD_STUCK), 1);
    ward_close(&ward);
}

static void without_an_alarm_a_slow_load_is_waited_for(void **state) {
    (void)state;
    struct ward ward;
    struct borrower waiters[WAITERS];
    ward_with(&ward, .models = 1, .load_alarm_ms = -1, .hold_alarm_ms = 1);
    unsigned held = fakes_hold(&ward.fakes.load, &ward.gate);
    break_model(&ward);
    assert_true(eventually(atomic_load(&ward.fakes.load.calls) == held));
    borrowers_queue_up(waiters, WAITERS, ward.pool);
    lend_deadline end = lend_within_ms(4 * ALARM_MS);
    do
        assert_int_equal(stats_of(ward.pool).stuck, 0);
    while (await_pause(end));
    gate_open(&ward.gate);
    borrowers_join(waiters, WAITERS, 0);
    ward_close(&ward);
}

/* with nothing else alive */

static void who_waits_for_a_load_that_is_stuck_is_told_so(void **state) {
    (void)state;
    struct ward ward;
    struct borrower waiters[WAITERS];
    ward_with(&ward, .models = 1, .load_alarm_ms = 500);
    struct lend_lease lease = borrow_now(ward.pool);
    borrowers_queue_up(waiters, WAITERS, ward.pool);
    fakes_hold(&ward.fakes.load, &ward.gate);
    lend_release_broken(&lease, NULL);
    borrowers_join(waiters, WAITERS, EIO); /* they waited for ever */
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(waiters[i].cause, LEND_CAUSE_STUCK);
    ward_close(&ward);
}

static void who_comes_then_is_told_at_once(void **state) {
    (void)state;
    struct ward ward;
    char words[512];
    ward_with(&ward, .name = "ocr", .models = 1);
    get_stuck(&ward, &ward.fakes.load);
    struct lend_lease refused = lend_acquire(ward.pool, LEND_FOREVER);
    const struct lend_report *report = lend_lease_report(&refused);
    assert_int_equal(lend_lease_error(&refused), EIO);
    assert_int_equal(report->cause, LEND_CAUSE_STUCK);
    assert_int_equal(report->loader.error, ETIMEDOUT);
    assert_int_equal(report->stuck, 1);
    assert_int_equal(report->work_slot, 0);
    assert_string_equal(report->work, "load");
    assert_true(report->work_ns >= ALARM_MS / 2 * INT64_C(1000000)); /* by the coarse clock */
    lend_report_print(report, words, sizeof words);
    assert_non_null(strstr(words, "no model; 0 of 1 lent, 1 loading; load of #0 under way for "));
    assert_non_null(strstr(words, ", 1 stuck; the loader says: a load has not returned for 200 ms; "
                                  "an operation of a model does not return"));
    lend_report_print_json(report, words, sizeof words);
    assert_non_null(strstr(words, "\"stuck\":1"));
    assert_non_null(strstr(words, "\"work\":{\"on\":\"load\",\"slot\":0,\"for_ms\":"));
    lend_release(&refused);
    assert_int_equal(stats_of(ward.pool).waiting, 0);
    ward_close(&ward);
}

/* with others alive */

static void the_other_models_are_replaced_while_a_load_is_stuck(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 3);
    get_stuck(&ward, &ward.fakes.load);
    heal(&ward.fakes.load);
    for (int i = 0; i < 10; i++) {
        break_model(&ward);
        assert_true(eventually(stats_of(ward.pool).free == 2));
    }
    assert_true(is_whole(ward.pool));
    assert_int_equal(stats_of(ward.pool).loads, 13);
    assert_int_equal(stats_of(ward.pool).loading, 1);
    ward_close(&ward);
}

static void alarms_ring_and_idle_models_are_checked_while_a_load_is_stuck(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 3, .hold_alarm_ms = 20, .check_every_ms = 10);
    get_stuck(&ward, &ward.fakes.load);
    unsigned checks = atomic_load(&ward.fakes.check.calls);
    struct lend_lease held = lend_acquire(ward.pool, LEND_FOREVER);
    assert_true(eventually(events_count_of(&ward.events, LEND_EVENT_HELD_LONG) == 1));
    assert_true(eventually(atomic_load(&ward.fakes.check.calls) >= checks + 4));
    fake_use(held.model);
    lend_release(&held);
    heal(&ward.fakes.load);
    ward_close(&ward);
}

static void an_unload_that_is_stuck_costs_its_model_and_nothing_else(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 2);
    get_stuck(&ward, &ward.fakes.unload);
    heal(&ward.fakes.unload);
    assert_true(eventually(strcmp(events_first_of(&ward.events, LEND_EVENT_LOAD_STUCK).text,
                                  "an unload has not returned for 200 ms") == 0));
    assert_int_equal(stats_of(ward.pool).retiring, 1);
    break_model(&ward);
    assert_true(eventually(stats_of(ward.pool).free == 1));
    gate_open(&ward.gate);
    assert_true(eventually(stats_of(ward.pool).free == 2)); /* it is loaded after all */
    ward_close(&ward);
}

static void a_check_that_is_stuck_costs_its_model_and_nothing_else(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 2, .check_every_ms = 5);
    unsigned held = fakes_hold(&ward.fakes.check, &ward.gate);
    assert_true(eventually(atomic_load(&ward.fakes.check.calls) >= held));
    assert_true(eventually(stats_of(ward.pool).stuck == 1));
    heal(&ward.fakes.check);
    assert_true(eventually(stats_of(ward.pool).free == 1));
    struct lend_lease lease = lend_acquire(ward.pool, LEND_FOREVER);
    fake_use(lease.model);
    lend_release(&lease);
    gate_open(&ward.gate);
    assert_true(eventually(stats_of(ward.pool).stuck == 0));
    assert_true(eventually(stats_of(ward.pool).free == 2));
    assert_int_equal(stats_of(ward.pool).loads, 2);
    ward_close(&ward);
}

static unsigned count_threads(void) {
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (tasks != NULL && readdir(tasks) != NULL)
        count++;
    closedir(tasks);
    return count;
}

static void a_loader_that_always_hangs_gets_no_more_threads_than_slots(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 3, .load_alarm_ms = 1);
    unsigned threads = count_threads();
    fakes_hold(&ward.fakes.load, &ward.gate);
    for (int i = 0; i < 3; i++)
        break_model(&ward);
    assert_true(eventually(atomic_load(&ward.fakes.load.under_way) == 3));
    assert_true(eventually(stats_of(ward.pool).stuck == 3));
    lend_deadline end = lend_within_ms(600); /* the pause after the third is over by then */
    do
        assert_int_equal(count_threads(), threads + 2);
    while (await_pause(end));
    borrow_in_vain(ward.pool, LEND_FOREVER, EIO);
    heal(&ward.fakes.load);
    gate_open(&ward.gate);
    assert_true(eventually(stats_of(ward.pool).free == 3));
    assert_int_equal(stats_of(ward.pool).stuck, 0);
    assert_true(eventually(count_threads() == threads)); /* those that are not needed leave */
    ward_close(&ward);
}

/* The first is noticed after a millisecond; the next thread comes 75 ms after that at the soonest,
 * and the one after that 150 ms after the second got stuck. */
static void a_loader_that_always_hangs_gets_its_threads_at_growing_intervals(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 3, .load_alarm_ms = 1);
    lend_deadline not_before = lend_within_ms(75 + 150);
    fakes_hold(&ward.fakes.load, &ward.gate);
    for (int i = 0; i < 3; i++)
        break_model(&ward);
    assert_true(eventually(atomic_load(&ward.fakes.load.under_way) == 3));
    assert_int_equal(lend_deadline_left_ms(not_before), 0);
    ward_close(&ward);
}

/* a spare in its place */

static void a_spare_takes_the_place_of_a_load_that_is_stuck(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 1, .spares = 1);
    get_stuck(&ward, &ward.fakes.load);
    heal(&ward.fakes.load);
    assert_true(eventually(stats_of(ward.pool).free == 1));
    assert_int_equal(stats_of(ward.pool).models, 2);
    assert_true(is_whole(ward.pool));
    gate_open(&ward.gate);
    assert_true(eventually(stats_of(ward.pool).models == 1)); /* there is one too many then */
    assert_true(eventually(stats_of(ward.pool).free == 1));
    assert_true(eventually(atomic_load(&ward.fakes.alive) == 1));
    ward_close(&ward);
}

/* what comes of it late */

static void a_load_that_returns_late_fills_its_slot(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 1);
    get_stuck(&ward, &ward.fakes.load);
    gate_open(&ward.gate);
    assert_true(eventually(stats_of(ward.pool).free == 1));
    assert_int_equal(stats_of(ward.pool).stuck, 0);
    assert_int_equal(stats_of(ward.pool).loads, 2);
    assert_int_equal(atomic_load(&ward.fakes.alive), 1);
    assert_true(eventually(events_count_of(&ward.events, LEND_EVENT_MODEL_REPLACED) == 1));
    break_model(&ward); /* and it is looked after as before */
    assert_true(eventually(stats_of(ward.pool).free == 1));
    ward_close(&ward);
}

static void a_load_that_fails_late_is_tried_again(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 1);
    fakes_fail_next(&ward.fakes.load, 1, EIO, "the disk is gone");
    get_stuck(&ward, &ward.fakes.load);
    heal(&ward.fakes.load);
    gate_open(&ward.gate);
    assert_true(eventually(events_count_of(&ward.events, LEND_EVENT_LOAD_FAILED) == 1));
    assert_true(eventually(stats_of(ward.pool).free == 1));
    ward_close(&ward);
}

static void what_gets_stuck_again_is_told_again(void **state) {
    (void)state;
    struct ward ward;
    struct gate loading;
    gate_init(&loading);
    ward_with(&ward, .models = 1);
    fakes_hold(&ward.fakes.load, &loading);
    get_stuck(&ward, &ward.fakes.unload);
    gate_open(&ward.gate);
    assert_true(eventually(events_count_of(&ward.events, LEND_EVENT_LOAD_STUCK) == 2));
    assert_int_equal(stats_of(ward.pool).stuck, 1);
    assert_int_equal(stats_of(ward.pool).loading, 1);
    gate_open(&loading);
    assert_true(eventually(stats_of(ward.pool).free == 1));
    ward_close(&ward);
    gate_deinit(&loading);
}

static void a_model_that_comes_too_late_is_unloaded_again(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 2);
    get_stuck(&ward, &ward.fakes.load);
    heal(&ward.fakes.load);
    /* The one that works stays, and the one that is stuck is to go. */
    assert_int_equal(lend_pool_resize(ward.pool, 1, lend_within_ms(20), NULL), ETIMEDOUT);
    assert_int_equal(stats_of(ward.pool).free, 1);
    assert_int_equal(stats_of(ward.pool).models, 2);
    gate_open(&ward.gate);
    assert_true(eventually(stats_of(ward.pool).models == 1));
    assert_int_equal(stats_of(ward.pool).free, 1);
    assert_int_equal(atomic_load(&ward.fakes.alive), 1);
    assert_int_equal(lend_pool_resize(ward.pool, 1, LEND_NOW, NULL), 0);
    ward_close(&ward);
}

/* operations */

static void a_reload_with_a_load_that_is_stuck_renews_the_others_and_ends_in_time(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 3);
    get_stuck(&ward, &ward.fakes.load);
    heal(&ward.fakes.load);
    assert_int_equal(lend_pool_reload(ward.pool, lend_within_ms(1500), NULL), ETIMEDOUT);
    assert_int_equal(stats_of(ward.pool).loads, 5);
    assert_int_equal(stats_of(ward.pool).free, 2);
    gate_open(&ward.gate);
    assert_int_equal(lend_pool_reload(ward.pool, LEND_FOREVER, NULL), 0);
    assert_int_equal(stats_of(ward.pool).free, 3);
    ward_close(&ward);
}

static void a_reload_whose_own_load_is_stuck_ends_in_time(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 1);
    fakes_hold(&ward.fakes.load, &ward.gate);
    assert_int_equal(lend_pool_reload(ward.pool, lend_within_ms(800), NULL), ETIMEDOUT);
    assert_int_equal(stats_of(ward.pool).stuck, 1);
    gate_open(&ward.gate);
    assert_true(eventually(stats_of(ward.pool).free == 1));
    assert_int_equal(stats_of(ward.pool).loads, 2);
    assert_true(eventually(atomic_load(&ward.fakes.alive) == 1));
    ward_close(&ward);
}

static void growing_by_a_load_that_is_stuck_ends_in_time(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 1, .models_max = 2);
    fakes_hold(&ward.fakes.load, &ward.gate);
    assert_int_equal(lend_pool_resize(ward.pool, 2, lend_within_ms(800), NULL), ETIMEDOUT);
    assert_int_equal(stats_of(ward.pool).stuck, 1);
    assert_int_equal(stats_of(ward.pool).free, 1);
    gate_open(&ward.gate);
    assert_int_equal(lend_pool_resize(ward.pool, 2, LEND_FOREVER, NULL), 0);
    ward_close(&ward);
}

/* close */

static void close_says_since_when_a_load_has_not_returned_and_frees_nothing(void **state) {
    (void)state;
    struct ward ward;
    char words[512];
    struct lend_report *report = NULL;
    ward_with(&ward, .name = "ocr", .models = 1);
    get_stuck(&ward, &ward.fakes.load);
    lend_deadline end = lend_within_ms(50);
    assert_int_equal(lend_pool_close(ward.pool, end, &report), EBUSY);
    assert_int_equal(lend_deadline_left_ms(end), 0);
    assert_int_equal(report->cause, LEND_CAUSE_STUCK);
    assert_true(report->closing);
    assert_int_equal(report->work_slot, 0);
    assert_true(report->work_ns >= ALARM_MS / 2 * INT64_C(1000000));
    lend_report_print(report, words, sizeof words);
    assert_non_null(strstr(words, "pool \"ocr\": not closed within "));
    assert_non_null(strstr(words, "0 of 1 lent, 1 loading; load of #0 under way for "));
    lend_report_free(report);
    borrow_in_vain(ward.pool, LEND_FOREVER, ESHUTDOWN);
    gate_open(&ward.gate);
    assert_int_equal(lend_pool_close(ward.pool, lend_within_ms(PATIENCE_MS), NULL), 0);
    assert_int_equal(atomic_load(&ward.fakes.alive), 0);
    events_deinit(&ward.events);
    gate_deinit(&ward.gate);
}

static int close_for_ever(void *pool) {
    return lend_pool_close(pool, LEND_FOREVER, NULL);
}

static void a_close_that_waits_ends_when_the_load_returns(void **state) {
    (void)state;
    struct ward ward;
    struct test_thread closer;
    ward_with(&ward, .models = 2);
    get_stuck(&ward, &ward.fakes.load);
    thread_start(&closer, close_for_ever, ward.pool);
    assert_true(eventually(lend_pool_suspend(ward.pool) == ESHUTDOWN));
    gate_open(&ward.gate);
    assert_int_equal(thread_join(&closer), 0);
    assert_int_equal(atomic_load(&ward.fakes.alive), 0);
    assert_int_equal(atomic_load(&ward.fakes.wrongs), 0);
    events_deinit(&ward.events);
    gate_deinit(&ward.gate);
}

static void an_unload_that_returns_after_a_close_gave_up_is_not_followed_by_a_load(void **state) {
    (void)state;
    struct ward ward;
    ward_with(&ward, .models = 1);
    get_stuck(&ward, &ward.fakes.unload);
    assert_int_equal(lend_pool_close(ward.pool, LEND_NOW, NULL), EBUSY);
    gate_open(&ward.gate);
    assert_int_equal(lend_pool_close(ward.pool, lend_within_ms(PATIENCE_MS), NULL), 0);
    assert_int_equal(atomic_load(&ward.fakes.load.calls), 1);
    events_deinit(&ward.events);
    gate_deinit(&ward.gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_that_is_stuck_is_told_once_with_its_slot_and_its_time),
        cmocka_unit_test(without_an_alarm_a_slow_load_is_waited_for),
        cmocka_unit_test(who_waits_for_a_load_that_is_stuck_is_told_so),
        cmocka_unit_test(who_comes_then_is_told_at_once),
        cmocka_unit_test(the_other_models_are_replaced_while_a_load_is_stuck),
        cmocka_unit_test(alarms_ring_and_idle_models_are_checked_while_a_load_is_stuck),
        cmocka_unit_test(an_unload_that_is_stuck_costs_its_model_and_nothing_else),
        cmocka_unit_test(a_check_that_is_stuck_costs_its_model_and_nothing_else),
        cmocka_unit_test(a_loader_that_always_hangs_gets_no_more_threads_than_slots),
        cmocka_unit_test(a_loader_that_always_hangs_gets_its_threads_at_growing_intervals),
        cmocka_unit_test(a_spare_takes_the_place_of_a_load_that_is_stuck),
        cmocka_unit_test(a_load_that_returns_late_fills_its_slot),
        cmocka_unit_test(a_load_that_fails_late_is_tried_again),
        cmocka_unit_test(what_gets_stuck_again_is_told_again),
        cmocka_unit_test(a_model_that_comes_too_late_is_unloaded_again),
        cmocka_unit_test(a_reload_with_a_load_that_is_stuck_renews_the_others_and_ends_in_time),
        cmocka_unit_test(a_reload_whose_own_load_is_stuck_ends_in_time),
        cmocka_unit_test(growing_by_a_load_that_is_stuck_ends_in_time),
        cmocka_unit_test(close_says_since_when_a_load_has_not_returned_and_frees_nothing),
        cmocka_unit_test(a_close_that_waits_ends_when_the_load_returns),
        cmocka_unit_test(an_unload_that_returns_after_a_close_gave_up_is_not_followed_by_a_load),
    };
    return cmocka_run_group_tests_name("keeper_stuck", tests, NULL, NULL);
}
