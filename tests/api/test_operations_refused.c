/* SPDX-License-Identifier: MIT
 *
 * A reload or resize that cannot be, or options that are out of range, change nothing. */
#include "support/await.h"
#include "support/fake_model.h"

#include <errno.h>
#include <lend/lease.h>
#include <lend/thread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_thread_that_must_not_block_may_not_reload_or_resize(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .models_max = 2);
    lend_thread_forbid_blocking(true);
    int reloaded = lend_pool_reload(pool, LEND_FOREVER, NULL);
    int resized = lend_pool_resize(pool, 2, LEND_FOREVER, NULL);
    lend_thread_forbid_blocking(false);
    assert_int_equal(reloaded, EWOULDBLOCK);
    assert_int_equal(resized, EWOULDBLOCK);
    assert_int_equal(stats_of(pool).models, 1);
    fakes_close(&fakes, pool);
}

static void a_reload_that_fails_may_be_without_a_reason(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    fakes_fail_next(&fakes.load, 1, EBADMSG, "worn out");
    assert_int_equal(lend_pool_reload(pool, LEND_FOREVER, NULL), EIO);
    assert_true(eventually(stats_of(pool).free == 1));
    fakes_close(&fakes, pool);
}

/* With `options` and nothing else wrong. */
static void check_invalid(struct lend_pool_options options) {
    lend_pool *pool = NULL;
    options.ops = &fake_plain_ops;
    options.models = 1;
    assert_int_equal(lend_pool_open(&pool, &options), EINVAL);
    assert_null(pool);
}

static void each_option_has_its_own_range(void **state) {
    (void)state;
    check_invalid(LEND_POOL_OPTIONS(.models_max = LEND_MODELS_MAX + 1));
    check_invalid(LEND_POOL_OPTIONS(.spares = LEND_MODELS_MAX + 1));
    check_invalid(LEND_POOL_OPTIONS(.hold_alarm_ms = -2));
    check_invalid(LEND_POOL_OPTIONS(.stall_alarm_ms = -2));
    check_invalid(LEND_POOL_OPTIONS(.load_alarm_ms = -2));
    check_invalid(LEND_POOL_OPTIONS(.recycle_ms = -1));
    check_invalid(LEND_POOL_OPTIONS(.check_every_ms = -1));
}

/* A check, on a mender, that asks for what only menders can do. */
struct asker {
    _Atomic(lend_pool *) pool; /* NULL until it is open */
    atomic_int reload, resize;
};

static int check_and_ask(void *model, void *context, struct lend_reason *reason) {
    (void)model, (void)reason;
    struct asker *asker = context;
    lend_pool *pool = atomic_load(&asker->pool);
    if (pool == NULL)
        return 0;
    atomic_store(&asker->reload, lend_pool_reload(pool, LEND_FOREVER, NULL));
    atomic_store(&asker->resize, lend_pool_resize(pool, 1, LEND_FOREVER, NULL));
    return 0;
}

static int make(void **ret_model, void *context, struct lend_reason *reason) {
    (void)reason;
    *ret_model = context;
    return 0;
}

static void unmake(void *model, void *context) {
    (void)model, (void)context;
}

static void an_operation_can_neither_reload_nor_resize_its_own_pool(void **state) {
    (void)state;
    const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = make, .unload = unmake, .check = check_and_ask);
    struct asker asker = {0};
    lend_pool *pool;
    assert_int_equal(lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &ops, .ops_context = &asker,
                                                              .models = 1, .check_every_ms = 50)),
                     0);
    atomic_store(&asker.pool, pool);
    assert_true(eventually(atomic_load(&asker.resize) != 0));
    assert_int_equal(atomic_load(&asker.reload), EDEADLK);
    assert_int_equal(atomic_load(&asker.resize), EDEADLK);
    assert_true(eventually(lend_pool_close(pool, LEND_NOW, NULL) == 0));
}

static void a_resize_to_the_same_size_waits_for_a_model_that_is_unloaded(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    unsigned held = fakes_hold(&fakes.unload, &gate);
    lend_release_broken(&lease, "");
    assert_true(eventually(atomic_load(&fakes.unload.calls) == held));
    assert_int_equal(lend_pool_resize(pool, 1, LEND_NOW, NULL), ETIMEDOUT);
    gate_open(&gate);
    assert_int_equal(lend_pool_resize(pool, 1, LEND_FOREVER, NULL), 0);
    assert_int_equal(stats_of(pool).free, 1);
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_must_not_block_may_not_reload_or_resize),
        cmocka_unit_test(a_reload_that_fails_may_be_without_a_reason),
        cmocka_unit_test(each_option_has_its_own_range),
        cmocka_unit_test(an_operation_can_neither_reload_nor_resize_its_own_pool),
        cmocka_unit_test(a_resize_to_the_same_size_waits_for_a_model_that_is_unloaded),
    };
    return cmocka_run_group_tests_name("operations_refused", tests, NULL, NULL);
}
