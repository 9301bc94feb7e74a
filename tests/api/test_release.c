/* SPDX-License-Identifier: MIT
 *
 * Release: a model comes back once, and from its owner only; a lease can be moved, not copied. */
#define _GNU_SOURCE
#include "support/await.h"
#include "support/borrower.h"
#include "support/shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void check_empty(const struct lend_lease *lease) {
    assert_false(lend_lease_ok(lease));
    assert_null(lease->model);
    assert_int_equal(lend_lease_error(lease), ESTALE);
    assert_null(lend_lease_report(lease));
}

/* The only event so far is a refused release, with this error. */
static void check_refused(struct shelf *shelf, int error, int slot) {
    assert_int_equal(events_count(&shelf->events), 1);
    struct recorded_event event = events_at(&shelf->events, 0);
    assert_int_equal(event.kind, LEND_EVENT_BAD_RELEASE);
    assert_int_equal(event.error, error);
    assert_int_equal(event.slot, slot);
    assert_int_equal(stats_of(shelf->pool).bad_releases, 1);
}

static int release_lease(void *lease) {
    lend_release(lease);
    return 0;
}

static void a_released_model_can_be_lent_again(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    const void *model = lease.model;
    lend_release(&lease);
    assert_int_equal(stats_of(shelf.pool).free, 1);
    lease = borrow_now(shelf.pool);
    assert_ptr_equal(lease.model, model);
    lend_release(&lease);
    shelf_close(&shelf);
}

static void a_released_lease_is_empty(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    lend_release(&lease);
    check_empty(&lease);
    shelf_close(&shelf);
}

static void a_lease_may_be_released_any_number_of_times(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    lend_release(&lease);
    lend_release(&lease);
    lend_release_broken(&lease, "not even this");
    check_empty(&lease);
    assert_int_equal(events_count(&shelf.events), 0);
    assert_int_equal(stats_of(shelf.pool).free, 1);
    shelf_close(&shelf);
}

static void what_holds_no_model_may_be_released(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease zeroed = {0};
    lend_release(&zeroed);
    lend_release_broken(&zeroed, NULL);
    lend_release(NULL);
    lend_release_broken(NULL, "nothing");
    check_empty(&zeroed);

    struct lend_lease lease = borrow_now(shelf.pool);
    struct lend_lease failed = lend_acquire(shelf.pool, LEND_NOW);
    struct lend_lease other = lend_acquire(shelf.pool, LEND_NOW);
    assert_int_equal(lend_lease_error(&failed), EBUSY);
    lend_release(&failed);
    lend_release_broken(&other, "there is none");
    check_empty(&failed);
    check_empty(&other);
    lend_release(&lease);
    assert_int_equal(events_count(&shelf.events), 0);
    shelf_close(&shelf);
}

static void no_lease_and_an_empty_one_are_stale(void **state) {
    (void)state;
    const struct lend_lease zeroed = {0};
    check_empty(&zeroed);
    assert_int_equal(lend_lease_error(NULL), ESTALE);
    assert_null(lend_lease_report(NULL));
}

static void what_became_of_a_lease_can_be_printed(void **state) {
    (void)state;
    struct shelf shelf;
    char line[256];
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    size_t length = lend_lease_print(&lease, line, sizeof line);
    assert_string_equal(line, "pool \"pool\": #0");
    assert_int_equal(length, strlen(line));
    struct lend_lease failed = lend_acquire(shelf.pool, LEND_NOW);
    lend_lease_print(&failed, line, sizeof line);
    assert_non_null(strstr(line, "no model free; 1 of 1 lent"));
    lend_release(&failed);
    lend_release(&lease);
    struct lend_lease none = lend_acquire(NULL, LEND_NOW);
    lend_lease_print(&none, line, sizeof line);
    assert_string_equal(line, "EINVAL: an argument is missing or out of range");
    lend_lease_print(NULL, line, sizeof line);
    assert_string_equal(line,
                        "ESTALE: the lease is not valid: given back already, or never filled");
    assert_int_equal(lend_lease_print(&none, NULL, 0), 0);
    assert_false(lend_lease_ok(NULL));
    shelf_close(&shelf);
}

static void who_gives_back_what_is_not_his_is_named(void **state) {
    (void)state;
    struct shelf shelf;
    char words[128];
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool), copy = lease, late = lease;
    thread_run(release_lease, &copy);
    struct recorded_event event = events_at(&shelf.events, 0);
    unsigned who = 0, whose = 0;
    assert_int_equal(sscanf(event.text, "thread %u gave back what is with thread %u", &who, &whose),
                     2);
    assert_int_equal(whose, gettid());
    assert_int_not_equal(who, whose);
    assert_int_not_equal(who, 0);
    lend_release(&lease);
    lend_release(&copy);
    snprintf(words, sizeof words, "thread %u gave back a copy of a lease that was over", whose);
    assert_string_equal(events_at(&shelf.events, 1).text, words);
    thread_run(release_lease, &late);
    event = events_at(&shelf.events, 2);
    assert_int_equal(sscanf(event.text, "thread %u gave back a copy of a lease", &who), 1);
    assert_int_not_equal(who, whose);
    assert_int_not_equal(who, 0);
    shelf_close(&shelf);
}

static void a_copy_of_a_released_lease_is_refused_as_stale(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    struct lend_lease copy = lease;
    lend_release(&lease);
    lend_release(&copy);
    check_refused(&shelf, ESTALE, 0);
    check_empty(&copy);
    assert_int_equal(stats_of(shelf.pool).free, 1);
    shelf_close(&shelf);
}

static void a_copy_cannot_end_the_next_lease_of_the_same_model(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    struct lend_lease copy = lease;
    lend_release(&lease);
    lease = borrow_now(shelf.pool);
    assert_ptr_equal(lease.model, copy.model);
    lend_release_broken(&copy, "it was mine");
    check_refused(&shelf, ESTALE, 0);
    struct lend_pool_stats stats = stats_of(shelf.pool);
    assert_int_equal(stats.lent, 1);
    assert_int_equal(stats.broken, 0);
    lend_release(&lease);
    shelf_close(&shelf);
}

static void a_lease_with_a_slot_that_the_pool_lacks_is_stale(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    struct lend_lease forged = lease;
    forged.slot = UINT32_MAX;
    lend_release(&forged);
    check_refused(&shelf, ESTALE, -1);
    assert_int_equal(stats_of(shelf.pool).lent, 1);
    lend_release(&lease);
    shelf_close(&shelf);
}

static void another_thread_cannot_release_a_lease(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    const struct lend_site *here = LEND_HERE;
    struct lend_lease lease = lend_acquire_at(shelf.pool, LEND_NOW, here);
    thread_run(release_lease, &lease);
    check_refused(&shelf, EPERM, 0);
    assert_ptr_equal(events_at(&shelf.events, 0).site, here);
    assert_true(lend_lease_ok(&lease));
    assert_int_equal(stats_of(shelf.pool).lent, 1);
    lend_release(&lease);
    check_empty(&lease);
    assert_int_equal(stats_of(shelf.pool).free, 1);
    assert_int_equal(events_count(&shelf.events), 1);
    shelf_close(&shelf);
}

static int break_lease(void *lease) {
    lend_release_broken(lease, "it was not mine");
    return 0;
}

/* Those that are not counted are given back in a shorter way. */
static void what_must_not_be_released_is_refused_however_often_it_was_lent(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .ops = &fake_plain_ops, .models = 1);
    for (int i = 0; i < 64; i++) {
        struct lend_lease lease = borrow_now(pool);
        lend_release(&lease);
    }
    struct lend_lease lease = borrow_now(pool), copy = lease, next = lease;
    next.generation++;
    thread_run(release_lease, &copy);
    assert_true(lend_lease_ok(&copy));
    lend_release(&next);
    assert_int_equal(stats_of(pool).lent, 1);
    lend_release(&lease);
    next = copy;
    lend_release(&next);
    assert_int_equal(stats_of(pool).free, 1);
    lease = borrow_now(pool);
    lend_release(&copy);
    assert_int_equal(stats_of(pool).lent, 1);
    assert_int_equal(stats_of(pool).bad_releases, 4);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void another_thread_cannot_call_a_model_broken(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    thread_run(break_lease, &lease);
    check_refused(&shelf, EPERM, 0);
    assert_int_equal(stats_of(shelf.pool).broken, 0);
    lend_release(&lease);
    shelf_close(&shelf);
}

static void a_lease_can_be_moved(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    const void *model = lease.model;
    struct lend_lease moved = lend_lease_take(&lease);
    check_empty(&lease);
    assert_ptr_equal(moved.model, model);
    lend_release(&lease);
    assert_int_equal(stats_of(shelf.pool).lent, 1);
    lend_release(&moved);
    assert_int_equal(stats_of(shelf.pool).free, 1);
    assert_int_equal(events_count(&shelf.events), 0);
    shelf_close(&shelf);
}

static void a_failed_lease_moves_with_its_report(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    struct lend_lease failed = lend_acquire(shelf.pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&failed);
    struct lend_lease moved = lend_lease_take(&failed);
    check_empty(&failed);
    assert_int_equal(lend_lease_error(&moved), EBUSY);
    assert_ptr_equal(lend_lease_report(&moved), report);
    lend_release(&moved);
    lend_release(&lease);
    shelf_close(&shelf);
}

static void from_nothing_an_empty_lease_is_taken(void **state) {
    (void)state;
    struct lend_lease zeroed = {0};
    struct lend_lease first = lend_lease_take(NULL);
    struct lend_lease second = lend_lease_take(&zeroed);
    check_empty(&first);
    check_empty(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_released_model_can_be_lent_again),
        cmocka_unit_test(a_released_lease_is_empty),
        cmocka_unit_test(a_lease_may_be_released_any_number_of_times),
        cmocka_unit_test(what_holds_no_model_may_be_released),
        cmocka_unit_test(no_lease_and_an_empty_one_are_stale),
        cmocka_unit_test(what_became_of_a_lease_can_be_printed),
        cmocka_unit_test(who_gives_back_what_is_not_his_is_named),
        cmocka_unit_test(a_copy_of_a_released_lease_is_refused_as_stale),
        cmocka_unit_test(a_copy_cannot_end_the_next_lease_of_the_same_model),
        cmocka_unit_test(a_lease_with_a_slot_that_the_pool_lacks_is_stale),
        cmocka_unit_test(another_thread_cannot_release_a_lease),
        cmocka_unit_test(what_must_not_be_released_is_refused_however_often_it_was_lent),
        cmocka_unit_test(another_thread_cannot_call_a_model_broken),
        cmocka_unit_test(a_lease_can_be_moved),
        cmocka_unit_test(a_failed_lease_moves_with_its_report),
        cmocka_unit_test(from_nothing_an_empty_lease_is_taken),
    };
    return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
