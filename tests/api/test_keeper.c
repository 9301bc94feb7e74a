/* SPDX-License-Identifier: MIT
 *
 * The keeper: what breaks is replaced in the background, and while nothing can be loaded, whoever
 * asks is told so at once in the loader's own words. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/shelf.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WAITERS 3

static unsigned number_of(const struct lend_lease *lease) {
    const struct fake_model *model = lease->model;
    return model->number;
}

static void break_model(struct shelf *shelf) {
    struct lend_lease lease = borrow_now(shelf->pool);
    lend_release_broken(&lease, "it smells of smoke");
}

/* Break the only model; from now on it cannot be loaded again. Returns when that was found out. */
static void lose_model(struct shelf *shelf) {
    fakes_fail_next(&shelf->fakes.load, UINT_MAX, 4711, "the shelf is empty");
    break_model(shelf);
    assert_true(eventually(stats_of(shelf->pool).load_failures > 0));
}

static void find_model(struct shelf *shelf) {
    fakes_fail_next(&shelf->fakes.load, 0, 0, NULL);
}

static void a_broken_model_is_replaced(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 2);
    struct lend_lease lease = borrow_now(shelf.pool);
    unsigned broken = number_of(&lease);
    lend_release_broken(&lease, "it smells of smoke");
    assert_true(eventually(stats_of(shelf.pool).free == 2));
    struct lend_lease leases[2] = {borrow_now(shelf.pool), borrow_now(shelf.pool)};
    unsigned numbers[2] = {number_of(&leases[0]), number_of(&leases[1])};
    lend_release(&leases[0]);
    lend_release(&leases[1]);
    assert_int_not_equal(numbers[0], broken);
    assert_int_not_equal(numbers[1], broken);
    struct lend_pool_stats stats = stats_of(shelf.pool);
    assert_int_equal(stats.broken, 1);
    assert_int_equal(stats.loads, 3);
    shelf_close(&shelf);
}

static void a_replacement_is_told_after_the_break(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    break_model(&shelf);
    assert_true(eventually(events_count(&shelf.events) == 2));
    struct recorded_event broken = events_at(&shelf.events, 0);
    struct recorded_event replaced = events_at(&shelf.events, 1);
    assert_int_equal(broken.kind, LEND_EVENT_MODEL_BROKEN);
    assert_string_equal(broken.text, "it smells of smoke");
    assert_int_equal(replaced.kind, LEND_EVENT_MODEL_REPLACED);
    assert_int_equal(replaced.error, 0);
    assert_int_equal(replaced.slot, 0);
    shelf_close(&shelf);
}

static void the_old_model_is_unloaded_before_the_new_one_is_loaded(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    unsigned held = fakes_hold(&shelf.fakes.load, &shelf.gate);
    break_model(&shelf);
    assert_true(eventually(atomic_load(&shelf.fakes.load.calls) == held));
    assert_int_equal(atomic_load(&shelf.fakes.unload.calls), 1);
    assert_int_equal(atomic_load(&shelf.fakes.alive), 0);
    gate_open(&shelf.gate);
    assert_true(eventually(stats_of(shelf.pool).free == 1));
    shelf_close(&shelf);
}

static void a_replacement_is_made_on_a_thread_of_its_own(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    break_model(&shelf);
    assert_true(eventually(stats_of(shelf.pool).free == 1));
    assert_int_not_equal(atomic_load(&shelf.fakes.unload.thread), thread_id());
    assert_int_equal(atomic_load(&shelf.fakes.load.thread),
                     atomic_load(&shelf.fakes.unload.thread));
    assert_int_equal(atomic_load(&shelf.fakes.check.thread),
                     atomic_load(&shelf.fakes.unload.thread));
    shelf_close(&shelf);
}

static void who_waits_gets_the_replacement(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    fakes_hold(&shelf.fakes.load, &shelf.gate);
    struct lend_lease lease = borrow_now(shelf.pool);
    struct borrower waiters[WAITERS];
    borrowers_queue_up(waiters, WAITERS, shelf.pool);
    lend_release_broken(&lease, "");
    assert_true(eventually(stats_of(shelf.pool).loading == 1));
    assert_int_equal(stats_of(shelf.pool).waiting, WAITERS);
    gate_open(&shelf.gate);
    borrowers_join(waiters, WAITERS, 0);
    shelf_close(&shelf);
}

static void who_comes_while_it_is_loaded_waits_too(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    fakes_hold(&shelf.fakes.load, &shelf.gate);
    break_model(&shelf);
    assert_true(eventually(stats_of(shelf.pool).loading == 1));
    struct borrower waiters[WAITERS];
    borrowers_queue_up(waiters, WAITERS, shelf.pool);
    gate_open(&shelf.gate);
    borrowers_join(waiters, WAITERS, 0);
    shelf_close(&shelf);
}

static void several_models_are_replaced_one_after_the_other(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 4);
    atomic_store(&shelf.fakes.load.under_way_max, 0);
    struct lend_lease leases[4];
    for (int i = 0; i < 4; i++)
        leases[i] = borrow_now(shelf.pool);
    for (int i = 0; i < 4; i++)
        lend_release_broken(&leases[i], "");
    assert_true(eventually(stats_of(shelf.pool).free == 4));
    assert_int_equal(atomic_load(&shelf.fakes.load.under_way_max), 1);
    assert_int_equal(stats_of(shelf.pool).broken, 4);
    assert_int_equal(stats_of(shelf.pool).loads, 8);
    shelf_close(&shelf);
}

static void without_a_model_who_asks_is_told_the_loaders_own_words_at_once(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    lose_model(&shelf);
    const lend_deadline deadlines[] = {LEND_FOREVER, LEND_NOW, LEND_BY_DEFAULT};
    for (int i = 0; i < 3; i++) {
        struct lend_lease lease = lend_acquire(shelf.pool, deadlines[i]);
        assert_int_equal(lend_lease_error(&lease), EIO);
        const struct lend_report *report = lend_lease_report(&lease);
        assert_int_equal(report->error, EIO);
        assert_int_equal(report->cause, LEND_CAUSE_LOADER);
        assert_int_equal(report->loader.error, 4711);
        assert_string_equal(report->loader.text, "the shelf is empty");
        lend_release(&lease);
    }
    assert_int_equal(stats_of(shelf.pool).queued, 0);
    find_model(&shelf);
    shelf_close(&shelf);
}

static void who_waits_already_is_told_when_the_load_fails(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    fakes_fail_next(&shelf.fakes.load, UINT_MAX, 4711, "the shelf is empty");
    fakes_hold(&shelf.fakes.load, &shelf.gate);
    struct lend_lease lease = borrow_now(shelf.pool);
    struct borrower waiters[WAITERS];
    borrowers_queue_up(waiters, WAITERS, shelf.pool);
    lend_release_broken(&lease, "");
    assert_true(eventually(stats_of(shelf.pool).loading == 1));
    assert_int_equal(stats_of(shelf.pool).waiting, WAITERS);
    gate_open(&shelf.gate);
    borrowers_join(waiters, WAITERS, EIO);
    assert_int_equal(stats_of(shelf.pool).refusals, WAITERS);
    shelf_close(&shelf);
}

static void while_another_model_lives_borrowers_wait_for_it(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 2);
    struct lend_lease good = borrow_now(shelf.pool);
    lose_model(&shelf);
    struct lend_lease refused = lend_acquire(shelf.pool, LEND_NOW);
    assert_int_equal(lend_lease_error(&refused), EBUSY);
    assert_string_equal(lend_lease_report(&refused)->loader.text, "the shelf is empty");
    lend_release(&refused);
    struct borrower waiters[WAITERS];
    borrowers_queue_up(waiters, WAITERS, shelf.pool);
    lend_release(&good);
    borrowers_join(waiters, WAITERS, 0);
    shelf_close(&shelf);
}

static void a_failed_replacement_is_told(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    lose_model(&shelf);
    assert_true(eventually(events_count_of(&shelf.events, LEND_EVENT_LOAD_FAILED) > 0));
    struct recorded_event event = events_first_of(&shelf.events, LEND_EVENT_LOAD_FAILED);
    assert_int_equal(event.error, 4711);
    assert_int_equal(event.slot, 0);
    assert_string_equal(event.text, "the shelf is empty");
    assert_int_equal(events_count_of(&shelf.events, LEND_EVENT_MODEL_REPLACED), 0);
    shelf_close(&shelf);
}

static void the_pool_recovers_when_the_loader_does(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    lose_model(&shelf);
    find_model(&shelf);
    assert_true(eventually(stats_of(shelf.pool).free == 1));
    struct lend_lease lease = borrow_now(shelf.pool);
    lend_release(&lease);
    assert_true(eventually(events_count_of(&shelf.events, LEND_EVENT_MODEL_REPLACED) == 1));
    char text[256];
    lend_pool_print(shelf.pool, text, sizeof text);
    assert_string_equal(text, "pool \"pool\": 0 of 1 lent, 1 free");
    shelf_close(&shelf);
}

static void after_a_recovery_the_next_break_is_waited_for_again(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    lose_model(&shelf);
    find_model(&shelf);
    assert_true(eventually(stats_of(shelf.pool).free == 1));
    fakes_hold(&shelf.fakes.load, &shelf.gate);
    break_model(&shelf);
    assert_true(eventually(stats_of(shelf.pool).loading == 1));
    struct borrower waiters[WAITERS];
    borrowers_queue_up(waiters, WAITERS, shelf.pool);
    gate_open(&shelf.gate);
    borrowers_join(waiters, WAITERS, 0);
    shelf_close(&shelf);
}

static void a_replacement_that_fails_its_check_is_a_failed_load(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    fakes_fail_next(&shelf.fakes.check, 1, 4711, "it reads nothing");
    break_model(&shelf);
    assert_true(eventually(stats_of(shelf.pool).load_failures == 1));
    assert_true(eventually(stats_of(shelf.pool).free == 1));
    assert_int_equal(atomic_load(&shelf.fakes.unload.calls), 2);
    assert_int_equal(atomic_load(&shelf.fakes.alive), 1);
    assert_true(eventually(events_count(&shelf.events) == 3));
    struct recorded_event event = events_first_of(&shelf.events, LEND_EVENT_LOAD_FAILED);
    assert_int_equal(event.error, 4711);
    assert_string_equal(event.text, "it reads nothing");
    shelf_close(&shelf);
}

/* The pauses are 100, 200 and 400 ms, give or take a quarter: three of them end no sooner than
 * after 525 ms. */
static void the_pauses_between_attempts_grow(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    lend_deadline not_before = lend_within_ms(525);
    fakes_fail_next(&shelf.fakes.load, 3, EIO, "the shelf is empty");
    break_model(&shelf);
    assert_true(eventually(stats_of(shelf.pool).free == 1));
    assert_int_equal(lend_deadline_left_ms(not_before), 0);
    assert_int_equal(stats_of(shelf.pool).load_failures, 3);
    shelf_close(&shelf);
}

static void a_slot_that_pauses_does_not_hold_up_the_next(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 2);
    struct lend_lease leases[2] = {borrow_now(shelf.pool), borrow_now(shelf.pool)};
    fakes_fail_nth(&shelf.fakes.load, 3, EIO, "the shelf is empty");
    lend_release_broken(&leases[0], "");
    assert_true(eventually(stats_of(shelf.pool).load_failures == 1));
    lend_release_broken(&leases[1], "");
    assert_true(eventually(stats_of(shelf.pool).free == 2));
    assert_int_equal(stats_of(shelf.pool).loads, 4);
    shelf_close(&shelf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_model_is_replaced),
        cmocka_unit_test(a_replacement_is_told_after_the_break),
        cmocka_unit_test(the_old_model_is_unloaded_before_the_new_one_is_loaded),
        cmocka_unit_test(a_replacement_is_made_on_a_thread_of_its_own),
        cmocka_unit_test(who_waits_gets_the_replacement),
        cmocka_unit_test(who_comes_while_it_is_loaded_waits_too),
        cmocka_unit_test(several_models_are_replaced_one_after_the_other),
        cmocka_unit_test(without_a_model_who_asks_is_told_the_loaders_own_words_at_once),
        cmocka_unit_test(who_waits_already_is_told_when_the_load_fails),
        cmocka_unit_test(while_another_model_lives_borrowers_wait_for_it),
        cmocka_unit_test(a_failed_replacement_is_told),
        cmocka_unit_test(the_pool_recovers_when_the_loader_does),
        cmocka_unit_test(after_a_recovery_the_next_break_is_waited_for_again),
        cmocka_unit_test(a_replacement_that_fails_its_check_is_a_failed_load),
        cmocka_unit_test(the_pauses_between_attempts_grow),
        cmocka_unit_test(a_slot_that_pauses_does_not_hold_up_the_next),
    };
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
