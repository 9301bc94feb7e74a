/* SPDX-License-Identifier: MIT
 *
 * Closing a pool while its keeper is busy, and on the keeper itself. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_model_that_broke_in_the_end_is_not_replaced(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease lease = borrow_now(pool);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    lend_release_broken(&lease, "it smells of smoke");
    assert_int_equal(stats_of(pool).retiring, 1);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
    assert_int_equal(atomic_load(&fakes.load.calls), 2);
    assert_int_equal(atomic_load(&fakes.unload.calls), 2);
    assert_int_equal(atomic_load(&fakes.unload.thread), thread_id());
}

static void close_waits_for_a_load_that_is_under_way(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    unsigned held = fakes_hold(&fakes.load, &gate);
    lend_release_broken(&lease, "");
    assert_true(eventually(atomic_load(&fakes.load.calls) == held));
    struct lend_report *report = NULL;
    assert_int_equal(lend_pool_close(pool, LEND_NOW, &report), EBUSY);
    assert_int_equal(report->loading, 1);
    assert_int_equal(report->holder_count, 0);
    lend_report_free(report);
    gate_open(&gate);
    fakes_close(&fakes, pool);
    assert_int_equal(atomic_load(&fakes.load.calls), 2);
    gate_deinit(&gate);
}

static void close_does_not_wait_longer_for_an_unload_either(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    unsigned held = fakes_hold(&fakes.unload, &gate);
    lend_release_broken(&lease, "");
    assert_true(eventually(atomic_load(&fakes.unload.calls) == held));
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    gate_open(&gate);
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

static void a_model_that_cannot_be_loaded_does_not_hold_up_close(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    fakes_fail_next(&fakes.load, UINT32_MAX, EIO, "the shelf is empty");
    lend_release_broken(&lease, "");
    assert_true(eventually(stats_of(pool).load_failures > 0));
    assert_true(eventually(lend_pool_close(pool, LEND_NOW, NULL) == 0)); /* between two attempts */
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

/* A model whose operations close their own pool, on the keeper: on this thread they are part of
 * open and close. */
struct self_closer {
    lend_pool *pool;
    uintptr_t opener;
    atomic_int on_load, on_unload;
};

static int load_and_close(void **ret_model, void *context, struct lend_reason *reason) {
    (void)reason;
    struct self_closer *closer = context;
    if (thread_id() != closer->opener)
        atomic_store(&closer->on_load, lend_pool_close(closer->pool, LEND_FOREVER, NULL));
    *ret_model = closer;
    return 0;
}

static void unload_and_close(void *model, void *context) {
    (void)model;
    struct self_closer *closer = context;
    if (thread_id() != closer->opener)
        atomic_store(&closer->on_unload, lend_pool_close(closer->pool, LEND_FOREVER, NULL));
}

static void an_operation_cannot_close_its_own_pool(void **state) {
    (void)state;
    const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = load_and_close, .unload = unload_and_close);
    struct self_closer closer = {.opener = thread_id()};
    assert_int_equal(lend_pool_open(&closer.pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = 1,
                                                                     .ops_context = &closer)),
                     0);
    struct lend_lease lease = borrow_now(closer.pool);
    lend_release_broken(&lease, "");
    lease = lend_acquire(closer.pool, lend_within_ms(PATIENCE_MS));
    assert_true(lend_lease_ok(&lease)); /* it is not shut either */
    lend_release(&lease);
    assert_int_equal(atomic_load(&closer.on_unload), EDEADLK);
    assert_int_equal(atomic_load(&closer.on_load), EDEADLK);
    assert_int_equal(lend_pool_close(closer.pool, LEND_NOW, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_broke_in_the_end_is_not_replaced),
        cmocka_unit_test(close_waits_for_a_load_that_is_under_way),
        cmocka_unit_test(close_does_not_wait_longer_for_an_unload_either),
        cmocka_unit_test(a_model_that_cannot_be_loaded_does_not_hold_up_close),
        cmocka_unit_test(an_operation_cannot_close_its_own_pool),
    };
    return cmocka_run_group_tests_name("close_keeper", tests, NULL, NULL);
}
