/* SPDX-License-Identifier: MIT
 *
 * A thread that must not wait is told so instead, wherever it would have to. */
#include "support/workshop.h"

#include <lend/thread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int allow_blocking(void **state) {
    (void)state;
    lend_thread_forbid_blocking(false);
    return 0;
}

static void the_mark_is_set_and_taken_away(void **state) {
    (void)state;
    assert_false(lend_thread_forbid_blocking(true));
    assert_true(lend_thread_forbid_blocking(true));
    assert_true(lend_thread_forbid_blocking(false));
    assert_false(lend_thread_forbid_blocking(false));
}

static void it_borrows_what_is_free_and_does_not_wait_for_more(void **state) {
    (void)state;
    struct workshop shop;
    char words[256];
    workshop_open(&shop, 1, NULL);
    lend_thread_forbid_blocking(true);
    struct lend_lease one = lend_acquire(shop.pool, LEND_FOREVER);
    assert_true(lend_lease_ok(&one));
    struct lend_lease two = lend_acquire(shop.pool, LEND_FOREVER);
    assert_int_equal(lend_lease_error(&two), EWOULDBLOCK);
    lend_report_print(lend_lease_report(&two), words, sizeof words);
    assert_non_null(strstr(words, "1 of 1 lent"));
    lend_release(&two);
    lend_release(&one);
    lend_thread_forbid_blocking(false);
    workshop_close(&shop);
}

static int forbid(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    lend_thread_forbid_blocking(true);
    return 0;
}

static int say_whether_forbidden(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    return lend_thread_forbid_blocking(false) ? EWOULDBLOCK : 0;
}

static void a_mark_that_a_job_leaves_is_not_the_next_ones(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    lend_future_drop(workshop_run(&shop, forbid, NULL));
    lend_future *future = workshop_run(&shop, say_whether_forbidden, NULL);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    workshop_close(&shop);
}

static void it_does_not_wait_for_a_future(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    lend_thread_forbid_blocking(true);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), EWOULDBLOCK);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), EWOULDBLOCK);
    assert_int_equal(lend_future_wait(future, LEND_NOW), EBUSY);
    lend_thread_forbid_blocking(false);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_thread_forbid_blocking(true);
    assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    lend_thread_forbid_blocking(false);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void it_does_not_wait_for_room_in_a_queue(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.queue_max = 1, .when_full = LEND_FULL_WAIT));
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    lend_thread_forbid_blocking(true);
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL), 0);
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL), EAGAIN);
    lend_thread_forbid_blocking(false);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    workshop_close(&shop);
    held_job_deinit(&held);
}

static void it_closes_nothing(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    lend_thread_forbid_blocking(true);
    assert_int_equal(lend_executor_close(shop.executor, LEND_NOW), EWOULDBLOCK);
    assert_int_equal(lend_pool_close(shop.pool, LEND_NOW, NULL), EWOULDBLOCK);
    lend_thread_forbid_blocking(false);
    workshop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_mark_is_set_and_taken_away, allow_blocking),
        cmocka_unit_test_teardown(it_borrows_what_is_free_and_does_not_wait_for_more,
                                  allow_blocking),
        cmocka_unit_test_teardown(a_mark_that_a_job_leaves_is_not_the_next_ones, allow_blocking),
        cmocka_unit_test_teardown(it_does_not_wait_for_a_future, allow_blocking),
        cmocka_unit_test_teardown(it_does_not_wait_for_room_in_a_queue, allow_blocking),
        cmocka_unit_test_teardown(it_closes_nothing, allow_blocking),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
