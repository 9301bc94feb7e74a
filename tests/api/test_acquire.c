/* SPDX-License-Identifier: MIT
 *
 * Acquire: who gets a model at once, and what is told to those who do not. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void each_borrower_gets_a_model_of_its_own(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    struct lend_lease leases[3];
    for (int i = 0; i < 3; i++) {
        leases[i] = borrow_now(pool);
        assert_int_equal(lend_lease_error(&leases[i]), 0);
        assert_null(lend_lease_report(&leases[i]));
        fake_begin(leases[i].model);
        for (int j = 0; j < i; j++)
            assert_ptr_not_equal(leases[i].model, leases[j].model);
    }
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    for (int i = 0; i < 3; i++) {
        fake_end(leases[i].model);
        lend_release(&leases[i]);
    }
    fakes_close(&fakes, pool);
}

static void a_free_model_is_lent_whatever_the_deadline(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = LEND_NO_WAITERS);
    const lend_deadline deadlines[] = {LEND_NOW,           LEND_BY_DEFAULT,    LEND_FOREVER,
                                       lend_within_ms(1),  lend_within_ms(-1), (lend_deadline){1},
                                       (lend_deadline){-9}};
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        struct lend_lease lease = lend_acquire(pool, deadlines[i]);
        assert_true(lend_lease_ok(&lease));
        lend_release(&lease);
    }
    fakes_close(&fakes, pool);
}

static void without_a_pool_there_is_no_model(void **state) {
    (void)state;
    struct lend_lease lease = lend_acquire(NULL, LEND_FOREVER);
    assert_false(lend_lease_ok(&lease));
    assert_int_equal(lend_lease_error(&lease), EINVAL);
    assert_null(lend_lease_report(&lease));
    lend_release(&lease);
    assert_int_equal(lend_lease_error(&lease), ESTALE);
}

static void now_never_waits(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    assert_int_equal(stats_of(pool).queued, 0);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_wait_ends_at_its_deadline_and_not_before(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_detached(pool);
    lend_deadline deadline = lend_within_ms(20);
    borrow_in_vain(pool, deadline, ETIMEDOUT);
    assert_int_equal(lend_deadline_left_ms(deadline), 0);
    borrow_in_vain(pool, deadline, ETIMEDOUT); /* it has passed already */
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_zeroed_deadline_is_the_patience_of_the_pool(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .wait_ms_default = 20);
    struct lend_lease lease = borrow_detached(pool);
    lend_deadline not_before = lend_within_ms(20);
    borrow_in_vain(pool, LEND_BY_DEFAULT, ETIMEDOUT);
    assert_int_equal(lend_deadline_left_ms(not_before), 0);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_closing_pool_lends_nothing(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease lease = borrow_now(pool);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    borrow_in_vain(pool, LEND_NOW, ESHUTDOWN);
    borrow_in_vain(pool, LEND_FOREVER, ESHUTDOWN);
    lend_release(&lease);
    borrow_in_vain(pool, LEND_FOREVER, ESHUTDOWN);
    fakes_close(&fakes, pool);
}

static void a_lease_knows_where_it_was_asked_for(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease with = lend_acquire(pool, LEND_NOW);
    struct lend_lease without = (lend_acquire)(pool, LEND_NOW);
    struct lend_lease failed = lend_acquire(pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->holder_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct lend_site *site = report->holders[i].site;
        if (report->holders[i].slot == 0)
            assert_string_equal(site->function, "a_lease_knows_where_it_was_asked_for");
        else
            assert_null(site);
    }
    lend_release(&failed);
    lend_release(&with);
    lend_release(&without);
    fakes_close(&fakes, pool);
}

/* Cancelled while it waits in acquire: it gets the model, gives it back, and then ends. The lease
 * is not on the thread's stack: AddressSanitizer takes frames that were unwound by a cancellation
 * for living ones. */
struct cancelled {
    lend_pool *pool;
    struct lend_lease lease;
    bool served;
};

static int borrow_and_end(void *argument) {
    struct cancelled *cancelled = argument;
    cancelled->lease = lend_acquire(cancelled->pool, LEND_FOREVER);
    cancelled->served = lend_lease_ok(&cancelled->lease);
    lend_release(&cancelled->lease);
    pthread_testcancel();
    return 0;
}

static void waiting_is_not_a_cancellation_point(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct cancelled cancelled = {.pool = pool};
    struct test_thread thread;
    thread_start(&thread, borrow_and_end, &cancelled);
    assert_true(eventually(stats_of(pool).waiting == 1));
    thread_cancel(&thread);
    lend_release(&lease);
    assert_int_equal(thread_join(&thread), THREAD_LEFT);
    assert_true(cancelled.served);
    assert_int_equal(stats_of(pool).free, 1);
    fakes_close(&fakes, pool);
}

static int borrow_while_cancelled(void *argument) {
    pthread_cancel(pthread_self());
    return borrow_and_end(argument);
}

static void a_thread_that_is_to_end_can_still_borrow_and_give_back(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct cancelled cancelled = {.pool = pool};
    struct test_thread thread;
    thread_start(&thread, borrow_while_cancelled, &cancelled);
    assert_true(eventually(stats_of(pool).waiting == 1));
    lend_release(&lease);
    assert_int_equal(thread_join(&thread), THREAD_LEFT);
    assert_true(cancelled.served);
    fakes_close(&fakes, pool);
}

static void errno_is_left_alone(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    errno = 4711;
    struct lend_lease lease = borrow_detached(pool);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    borrow_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    lend_release(&lease);
    assert_int_equal(errno, 4711);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_borrower_gets_a_model_of_its_own),
        cmocka_unit_test(a_free_model_is_lent_whatever_the_deadline),
        cmocka_unit_test(without_a_pool_there_is_no_model),
        cmocka_unit_test(now_never_waits),
        cmocka_unit_test(a_wait_ends_at_its_deadline_and_not_before),
        cmocka_unit_test(a_zeroed_deadline_is_the_patience_of_the_pool),
        cmocka_unit_test(a_closing_pool_lends_nothing),
        cmocka_unit_test(a_lease_knows_where_it_was_asked_for),
        cmocka_unit_test(waiting_is_not_a_cancellation_point),
        cmocka_unit_test(a_thread_that_is_to_end_can_still_borrow_and_give_back),
        cmocka_unit_test(errno_is_left_alone),
    };
    return cmocka_run_group_tests_name("acquire", tests, NULL, NULL);
}
