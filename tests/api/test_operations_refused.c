/* SPDX-License-Identifier: MIT
 *
 * A reload or resize that cannot be, or options that are out of range, change nothing. */
#include "support/await.h"
#include "support/fake_model.h"

#include <errno.h>
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_must_not_block_may_not_reload_or_resize),
        cmocka_unit_test(a_reload_that_fails_may_be_without_a_reason),
        cmocka_unit_test(each_option_has_its_own_range),
    };
    return cmocka_run_group_tests_name("operations_refused", tests, NULL, NULL);
}
