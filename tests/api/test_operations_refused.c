/* SPDX-License-Identifier: MIT
 *
 * A reload or resize that cannot be, or options that are out of range, change nothing. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/thread.h"

#include <errno.h>
#include <lend/lease.h>
#include <lend/thread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

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
static void check_invalid(struct lend_pool_options options, const char *words) {
    lend_pool *pool = NULL;
    struct lend_reason reason = {0};
    options.ops = &fake_plain_ops;
    options.models = 1;
    options.reason = &reason;
    assert_int_equal(lend_pool_open(&pool, &options), EINVAL);
    assert_null(pool);
    assert_int_equal(reason.error, EINVAL);
    assert_string_equal(reason.text, words);
}

static void each_option_has_its_own_range_and_is_named_with_its_value(void **state) {
    (void)state;
    check_invalid(LEND_POOL_OPTIONS(.wait_ms_default = -3), "wait_ms_default is -3, less than -1");
    check_invalid(LEND_POOL_OPTIONS(.models_max = 4097), "models_max is 4097, more than 4096");
    check_invalid(LEND_POOL_OPTIONS(.spares = 5000), "spares is 5000, more than 4096");
    check_invalid(LEND_POOL_OPTIONS(.hold_alarm_ms = -9), "hold_alarm_ms is -9, less than -1");
    check_invalid(LEND_POOL_OPTIONS(.stall_alarm_ms = -2), "stall_alarm_ms is -2, less than -1");
    check_invalid(LEND_POOL_OPTIONS(.load_alarm_ms = -2), "load_alarm_ms is -2, less than -1");
    check_invalid(LEND_POOL_OPTIONS(.recycle_ms = -1), "recycle_ms is -1, less than 0");
    check_invalid(LEND_POOL_OPTIONS(.check_every_ms = -1), "check_every_ms is -1, less than 0");
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
    struct asker asker = {.pool = NULL};
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

static void a_size_that_is_out_of_range_is_named(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .models_max = 4);
    assert_int_equal(lend_pool_resize(pool, 5, LEND_FOREVER, &reason), EINVAL);
    assert_int_equal(reason.error, EINVAL);
    assert_string_equal(reason.text, "models is 5, not 1 to models_max, 4");
    fakes_close(&fakes, pool);
}

/* Its own lease could not come back meanwhile. */
static void who_holds_a_model_cannot_wait_for_ever_until_it_is_renewed(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    struct lend_lease one = borrow_now(pool), two = borrow_now(pool);
    assert_int_equal(lend_pool_reload(pool, LEND_FOREVER, NULL), EDEADLK);
    assert_int_equal(atomic_load(&fakes.load.calls), 3);
    assert_int_equal(lend_pool_resize(pool, 1, LEND_FOREVER, NULL), EDEADLK);
    assert_int_equal(stats_of(pool).models, 3);
    assert_int_equal(lend_pool_resize(pool, 2, LEND_FOREVER, NULL), 0);
    lend_release(&two);
    assert_int_equal(lend_pool_resize(pool, 1, LEND_FOREVER, NULL), 0);
    lend_release(&one);
    fakes_close(&fakes, pool);
}

static void check_reload(lend_pool *pool, lend_deadline deadline, int error, const char *words) {
    struct lend_reason reason = {0};
    assert_int_equal(lend_pool_reload(pool, deadline, &reason), error);
    assert_int_equal(reason.error, error);
    assert_string_equal(reason.text, words);
}

static void one_that_runs_out_of_time_says_what_is_lent_and_what_is_left_to_do(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    struct lend_lease leases[3];
    for (int i = 0; i < 3; i++)
        leases[i] = borrow_now(pool);
    check_reload(pool, LEND_NOW, ETIMEDOUT,
                 "the deadline passed first: 3 of 3 lent; 3 not renewed");
    assert_int_equal(lend_pool_resize(pool, 1, LEND_NOW, &reason), ETIMEDOUT);
    assert_int_equal(reason.error, ETIMEDOUT);
    assert_string_equal(reason.text, "the deadline passed first: 3 of 3 lent; 1 wanted");
    for (int i = 0; i < 3; i++)
        lend_release(&leases[i]);
    fakes_close(&fakes, pool);
}

struct reload {
    lend_pool *pool;
    struct lend_reason reason;
};

static int reload_for_ever(void *argument) {
    struct reload *self = argument;
    return lend_pool_reload(self->pool, LEND_FOREVER, &self->reason);
}

static void each_that_cannot_be_says_so_in_words(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct test_thread thread;
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct reload first = {.pool = pool};
    check_reload(NULL, LEND_NOW, EINVAL, "pool is NULL");
    struct lend_lease lease = borrow_now(pool);
    check_reload(pool, LEND_FOREVER, EDEADLK, lend_strerror(EDEADLK));
    lend_thread_forbid_blocking(true);
    check_reload(pool, LEND_NOW, EWOULDBLOCK, lend_strerror(EWOULDBLOCK));
    lend_thread_forbid_blocking(false);
    thread_start(&thread, reload_for_ever, &first);
    assert_true(eventually(stats_of(pool).reloading));
    check_reload(pool, LEND_NOW, EALREADY, lend_strerror(EALREADY));
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    assert_int_equal(thread_join(&thread), ESHUTDOWN);
    assert_int_equal(first.reason.error, ESHUTDOWN);
    assert_string_equal(first.reason.text, lend_strerror(ESHUTDOWN));
    check_reload(pool, LEND_NOW, ESHUTDOWN, lend_strerror(ESHUTDOWN));
    lend_release(&lease);
    fakes_close(&fakes, pool);
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

/* A sink, on the keeper. */
static void hear_and_ask(const struct lend_event *event, void *context) {
    (void)event;
    struct asker *asker = context;
    lend_pool *pool = atomic_load(&asker->pool);
    if (pool != NULL)
        atomic_store(&asker->reload, lend_pool_reload(pool, LEND_FOREVER, NULL));
}

static void a_sink_that_hears_of_a_long_lease_cannot_reload_its_pool(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct asker asker = {.pool = NULL};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .hold_alarm_ms = 20, .sink = hear_and_ask,
                                 .sink_context = &asker);
    atomic_store(&asker.pool, pool);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_true(eventually(atomic_load(&asker.reload) != 0));
    assert_int_equal(atomic_load(&asker.reload), EDEADLK);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_must_not_block_may_not_reload_or_resize),
        cmocka_unit_test(a_reload_that_fails_may_be_without_a_reason),
        cmocka_unit_test(each_option_has_its_own_range_and_is_named_with_its_value),
        cmocka_unit_test(an_operation_can_neither_reload_nor_resize_its_own_pool),
        cmocka_unit_test(a_size_that_is_out_of_range_is_named),
        cmocka_unit_test(who_holds_a_model_cannot_wait_for_ever_until_it_is_renewed),
        cmocka_unit_test(one_that_runs_out_of_time_says_what_is_lent_and_what_is_left_to_do),
        cmocka_unit_test(each_that_cannot_be_says_so_in_words),
        cmocka_unit_test(a_resize_to_the_same_size_waits_for_a_model_that_is_unloaded),
        cmocka_unit_test(a_sink_that_hears_of_a_long_lease_cannot_reload_its_pool),
    };
    return cmocka_run_group_tests_name("operations_refused", tests, NULL, NULL);
}
