/* SPDX-License-Identifier: MIT
 *
 * Reset: on the thread that gives the model back, before anybody else can have it. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/shelf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Cancelled in the reset, which is full of cancellation points: the model comes back first. */
static int cancellable_reset(void *model, void *context, struct lend_reason *reason) {
    (void)model;
    (void)context;
    (void)reason;
    pthread_cancel(pthread_self());
    pthread_testcancel();
    return 0;
}

/* The lease is not on the thread's stack: AddressSanitizer takes frames that were unwound by a
 * cancellation for living ones. */
static int borrow_and_end(void *argument) {
    struct lend_lease *lease = argument;
    *lease = lend_acquire(lease->pool, LEND_NOW);
    lend_release(lease);
    pthread_testcancel();
    return 0;
}

static void reset_runs_on_the_releasing_thread_before_the_model_is_offered(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    for (unsigned round = 1; round <= 3; round++) {
        struct lend_lease lease = borrow_now(shelf.pool);
        fake_use(lease.model);
        assert_int_equal(atomic_load(&shelf.fakes.reset.calls), round - 1);
        lend_release(&lease);
        assert_int_equal(atomic_load(&shelf.fakes.reset.calls), round);
        assert_int_equal(atomic_load(&shelf.fakes.reset.thread), thread_id());
    }
    shelf_close(&shelf);
}

static void a_model_in_reset_is_still_lent(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    fakes_hold(&shelf.fakes.reset, &shelf.gate);
    struct borrower first = {.pool = shelf.pool, .deadline = LEND_FOREVER}, second = first;
    borrower_start(&first);
    assert_true(eventually(atomic_load(&shelf.fakes.reset.calls) == 1));
    assert_int_equal(stats_of(shelf.pool).lent, 1);
    borrow_in_vain(shelf.pool, LEND_NOW, EBUSY);
    borrower_queue_up(&second);
    gate_open(&shelf.gate);
    assert_int_equal(borrower_join(&first), 0);
    assert_int_equal(borrower_join(&second), 0);
    shelf_close(&shelf);
}

static void one_slow_reset_holds_up_nobody_else(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 2);
    fakes_hold(&shelf.fakes.reset, &shelf.gate);
    struct borrower slow = {.pool = shelf.pool, .deadline = LEND_NOW};
    borrower_start(&slow);
    assert_true(eventually(atomic_load(&shelf.fakes.reset.calls) == 1));
    atomic_store(&shelf.fakes.reset.gate, NULL);
    for (int i = 0; i < 10; i++) {
        struct lend_lease lease = borrow_now(shelf.pool);
        lend_release(&lease);
    }
    gate_open(&shelf.gate);
    assert_int_equal(borrower_join(&slow), 0);
    shelf_close(&shelf);
}

static void a_model_that_cannot_be_reset_is_replaced(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    fakes_fail_next(&shelf.fakes.reset, 1, 4711, "it is stuck");
    const struct lend_site *here = LEND_HERE;
    struct lend_lease lease = lend_acquire_at(shelf.pool, LEND_NOW, here);
    struct fake_model *model = lease.model;
    unsigned number = model->number;
    lend_release(&lease);

    struct recorded_event event = events_at(&shelf.events, 0);
    assert_int_equal(event.kind, LEND_EVENT_RESET_FAILED);
    assert_int_equal(event.error, 4711);
    assert_int_equal(event.slot, 0);
    assert_ptr_equal(event.site, here);
    assert_string_equal(event.text, "it is stuck");

    lease = lend_acquire(shelf.pool, lend_within_ms(PATIENCE_MS));
    assert_true(lend_lease_ok(&lease));
    model = lease.model;
    assert_int_not_equal(model->number, number);
    assert_int_equal(stats_of(shelf.pool).broken, 1);
    lend_release(&lease);
    shelf_close(&shelf);
}

static void a_broken_model_is_not_reset_but_replaced(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 1);
    struct lend_lease lease = borrow_now(shelf.pool);
    struct fake_model *model = lease.model;
    unsigned number = model->number;
    lend_release_broken(&lease, "it smells of smoke");
    assert_int_equal(atomic_load(&shelf.fakes.reset.calls), 0);
    lease = lend_acquire(shelf.pool, lend_within_ms(PATIENCE_MS));
    assert_true(lend_lease_ok(&lease));
    model = lease.model;
    assert_int_not_equal(model->number, number);
    lend_release(&lease);
    shelf_close(&shelf);
}

static void cancellable_sink(const struct lend_event *event, void *context) {
    (void)context;
    if (event->kind != LEND_EVENT_RESET_FAILED)
        return;
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

static void telling_of_a_failed_reset_is_not_one_either(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .sink = cancellable_sink);
    fakes_fail_next(&fakes.reset, 1, EIO, "it is stuck");
    struct lend_lease lease = {.pool = pool};
    assert_int_equal(thread_run(borrow_and_end, &lease), THREAD_LEFT);
    assert_int_equal(stats_of(pool).broken, 1);
    assert_true(eventually(stats_of(pool).free == 1));
    fakes_close(&fakes, pool);
}

static void release_is_not_a_cancellation_point(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_model_ops ops = fake_ops;
    ops.reset = cancellable_reset;
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .ops = &ops);
    struct lend_lease lease = {.pool = pool};
    assert_int_equal(thread_run(borrow_and_end, &lease), THREAD_LEFT);
    assert_int_equal(stats_of(pool).free, 1);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_runs_on_the_releasing_thread_before_the_model_is_offered),
        cmocka_unit_test(a_model_in_reset_is_still_lent),
        cmocka_unit_test(one_slow_reset_holds_up_nobody_else),
        cmocka_unit_test(a_model_that_cannot_be_reset_is_replaced),
        cmocka_unit_test(a_broken_model_is_not_reset_but_replaced),
        cmocka_unit_test(release_is_not_a_cancellation_point),
        cmocka_unit_test(telling_of_a_failed_reset_is_not_one_either),
    };
    return cmocka_run_group_tests_name("reset", tests, NULL, NULL);
}
