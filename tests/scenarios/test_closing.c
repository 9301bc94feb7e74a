/* SPDX-License-Identifier: MIT
 *
 * Shutdowns that never end in other pools, or that end by taking resources from under those who use
 * them. Here a close has a deadline, names whom it waited for, and can be called again. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_close_ends_by_its_deadline_and_takes_nothing_from_a_holder(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate leave;
    struct tally turns;
    struct lend_report *report = NULL;
    gate_init(&leave);
    tally_init(&turns);
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct borrower holder = {.pool = pool, .deadline = LEND_NOW, .turns = &turns, .leave = &leave};
    borrower_start(&holder);
    assert_true(tally_wait(&turns, 1));
    lend_deadline end = lend_within_ms(100);
    assert_int_equal(lend_pool_close(pool, end, &report), EBUSY);
    assert_int_equal(lend_deadline_left_ms(end), 0);
    assert_int_equal(atomic_load(&fakes.unload.calls), 0); /* he may still use it */
    assert_int_equal(report->holder_count, 1);
    assert_non_null(strstr(report->holders[0].site->file, "borrower.c"));
    lend_report_free(report);
    borrow_in_vain(pool, LEND_FOREVER, ESHUTDOWN);
    gate_open(&leave);
    assert_int_equal(borrower_join(&holder), 0);
    fakes_close(&fakes, pool);
    tally_deinit(&turns);
    gate_deinit(&leave);
}

static void whoever_waits_when_it_closes_is_told_at_once(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct borrower waiters[8];
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease held = borrow_now(pool);
    borrowers_queue_up(waiters, 8, pool);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    borrowers_join(waiters, 8, ESHUTDOWN); /* though nothing came back, and they waited for ever */
    lend_release(&held);
    fakes_close(&fakes, pool);
}

static int close_for_ever(void *pool) {
    return lend_pool_close(pool, LEND_FOREVER, NULL);
}

static void a_close_for_ever_ends_when_the_last_one_is_back(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct test_thread closer;
    struct lend_lease leases[3];
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    for (int i = 0; i < 3; i++)
        leases[i] = borrow_now(pool);
    thread_start(&closer, close_for_ever, pool);
    for (int i = 0; i < 3; i++)
        lend_release(&leases[i]);
    assert_int_equal(thread_join(&closer), 0);
    assert_int_equal(atomic_load(&fakes.alive), 0);
    assert_int_equal(atomic_load(&fakes.wrongs), 0);
}

/* Nobody is left who could give it back: but that was noticed when the thread ended. */
static int borrow_and_end(void *pool) {
    struct lend_lease lease = lend_acquire(pool, LEND_BY_DEFAULT);
    return lend_lease_error(&lease);
}

static void a_close_does_not_wait_for_the_dead(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    assert_int_equal(thread_run(borrow_and_end, pool), 0);
    fakes_close(&fakes, pool);
}

static void a_suspended_pool_with_a_broken_loader_closes_like_any_other(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease lease = borrow_now(pool);
    fakes_fail_next(&fakes.load, UINT32_MAX, EIO, "the disk is gone");
    lend_release_broken(&lease, NULL);
    assert_true(eventually(stats_of(pool).lost == 1));
    assert_int_equal(lend_pool_suspend(pool), 0);
    fakes_close(&fakes, pool);
}

/* executors */

static void an_executor_whose_job_does_not_stop_closes_when_it_does(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job running, queued;
    struct lend_report *report = NULL;
    held_job_init(&running);
    held_job_init(&queued);
    workshop_open(&shop, 1, NULL);
    lend_future *first = held_job_submit(&shop, &running, LEND_FOREVER);
    assert_true(tally_wait(&running.started, 1));
    lend_future *second = held_job_submit(&shop, &queued, LEND_FOREVER);
    assert_int_equal(lend_executor_close(shop.executor, lend_within_ms(50)), EBUSY);
    assert_int_equal(lend_future_outcome(second), LEND_CANCELLED);
    assert_int_equal(lend_future_error(second), ESHUTDOWN);
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL), ESHUTDOWN);

    assert_int_equal(lend_pool_close(shop.pool, lend_within_ms(50), &report), EBUSY);
    assert_int_equal(report->holders[0].kind, LEND_OWNER_JOB);
    assert_int_equal(report->holders[0].id, running.number);
    assert_string_equal(report->tenant, "workshop");
    lend_report_free(report);

    tally_add(&running.go);
    assert_int_equal(lend_future_join(first, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(tally_count(&queued.started), 0);
    lend_future_drop(first);
    lend_future_drop(second);
    workshop_close(&shop);
    held_job_deinit(&running);
    held_job_deinit(&queued);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_close_ends_by_its_deadline_and_takes_nothing_from_a_holder),
        cmocka_unit_test(whoever_waits_when_it_closes_is_told_at_once),
        cmocka_unit_test(a_close_for_ever_ends_when_the_last_one_is_back),
        cmocka_unit_test(a_close_does_not_wait_for_the_dead),
        cmocka_unit_test(a_suspended_pool_with_a_broken_loader_closes_like_any_other),
        cmocka_unit_test(an_executor_whose_job_does_not_stop_closes_when_it_does),
    };
    return cmocka_run_group_tests_name("closing", tests, NULL, NULL);
}
