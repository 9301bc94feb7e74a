/* SPDX-License-Identifier: MIT
 *
 * A report is taken after the failure was decided, of a pool that has gone on meanwhile: it says
 * why this call failed, not what has become of the pool since. */
#include "pool/report.h"

#include "pool/state.h"

#include <lend/lease.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/plain_pool.h"

/* The report of a borrow that failed with `error`: its cause, and its words if there is a buffer.
 */
static enum lend_cause cause_of(lend_pool *pool, int error, char *words, size_t size) {
    struct lend_report *report =
        lend__report_take(pool, REPORT_OF_BORROW, error, /* waited_ns= */ 0, /* steps= */ NULL);
    assert_non_null(report);
    enum lend_cause cause = report->cause;
    lend_report_print(report, words, size);
    lend_report_free(report);
    return cause;
}

static void a_borrow_that_was_refused_before_a_close_does_not_speak_of_it(void **state) {
    (void)state;
    char words[256];
    lend_pool *pool = plain_pool(.models = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    assert_int_equal(cause_of(pool, EBUSY, words, sizeof words), LEND_CAUSE_HOLDERS);
    assert_non_null(strstr(words, "no model free"));
    assert_null(strstr(words, "clos"));
    assert_int_equal(cause_of(pool, ENOBUFS, NULL, 0), LEND_CAUSE_CROWD);
    assert_int_equal(cause_of(pool, EDEADLK, NULL, 0), LEND_CAUSE_DEADLOCK);
    assert_int_equal(cause_of(pool, ESHUTDOWN, NULL, 0), LEND_CAUSE_CLOSING);
    lend_release(&lease);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
}

static void a_borrow_that_failed_for_the_loader_says_so_though_it_works_by_now(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 1);
    assert_int_equal(cause_of(pool, EIO, NULL, 0), LEND_CAUSE_LOADER);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
}

static void set_work(lend_pool *pool, enum slot_work work, bool stuck) {
    lend__lock_acquire(&pool->lock);
    pool->slots[0].work = work;
    pool->slots[0].stuck = stuck;
    lend__lock_release(&pool->lock);
}

/* That of a close of this pool which gives up now. */
static enum lend_cause cause_of_a_close(lend_pool *pool) {
    struct lend_report *report =
        lend__report_take(pool, REPORT_OF_CLOSE, EBUSY, /* waited_ns= */ 0, /* steps= */ NULL);
    assert_non_null(report);
    enum lend_cause cause = report->cause;
    lend_report_free(report);
    return cause;
}

/* To who asks for a model it is all the same. */
static void what_a_close_waits_for_is_its_cause_and_not_a_borrowers(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    set_work(pool, WORK_LOAD, /* stuck= */ true);
    assert_int_equal(cause_of_a_close(pool), LEND_CAUSE_LEASES);
    assert_int_equal(cause_of(pool, ESHUTDOWN, NULL, 0), LEND_CAUSE_CLOSING);
    lend_release(&lease);
    assert_int_equal(cause_of_a_close(pool), LEND_CAUSE_STUCK);
    assert_int_equal(cause_of(pool, ESHUTDOWN, NULL, 0), LEND_CAUSE_CLOSING);
    set_work(pool, WORK_LOAD, /* stuck= */ false);
    assert_int_equal(cause_of_a_close(pool), LEND_CAUSE_LOADING);
    assert_int_equal(cause_of(pool, ESHUTDOWN, NULL, 0), LEND_CAUSE_CLOSING);
    set_work(pool, WORK_NONE, /* stuck= */ false);
    assert_int_equal(cause_of_a_close(pool), LEND_CAUSE_CLOSING);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
}

static void of_two_works_the_one_that_takes_longer_is_named(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 2);
    for (int longer = 0; longer < 2; longer++) {
        lend__lock_acquire(&pool->lock);
        for (int i = 0; i < 2; i++) {
            pool->slots[i].work = i == longer ? WORK_LOAD : WORK_CHECK;
            pool->slots[i].work_since_ns = lend__clock_now_ns() - (i == longer ? NS_PER_S : 0);
        }
        lend__lock_release(&pool->lock);
        struct lend_report *report = lend__report_take(pool, REPORT_OF_BORROW, EBUSY, 0, NULL);
        assert_non_null(report);
        assert_int_equal(report->work_slot, longer);
        assert_string_equal(report->work, "load");
        assert_true(report->work_ns >= NS_PER_S);
        lend_report_free(report);
    }
    lend__lock_acquire(&pool->lock);
    pool->slots[0].work = pool->slots[1].work = WORK_NONE;
    lend__lock_release(&pool->lock);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
}

/* A wait that the watch was about to refuse may end by its deadline before. */
static void only_a_deadlock_has_steps(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = 1);
    struct steps *steps = lend__memory_new(sizeof *steps + sizeof steps->list[0]);
    assert_non_null(steps);
    steps->count = 1;
    for (int i = 0; i < 2; i++) {
        int error = i == 0 ? ETIMEDOUT : EDEADLK;
        struct lend_report *report = lend__report_take(pool, REPORT_OF_BORROW, error, 0, steps);
        assert_non_null(report);
        assert_int_equal(report->step_count, i);
        lend_report_free(report);
    }
    lend__memory_free(steps);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_borrow_that_was_refused_before_a_close_does_not_speak_of_it),
        cmocka_unit_test(a_borrow_that_failed_for_the_loader_says_so_though_it_works_by_now),
        cmocka_unit_test(what_a_close_waits_for_is_its_cause_and_not_a_borrowers),
        cmocka_unit_test(of_two_works_the_one_that_takes_longer_is_named),
        cmocka_unit_test(only_a_deadlock_has_steps),
    };
    return cmocka_run_group_tests_name("report_inside", tests, NULL, NULL);
}
