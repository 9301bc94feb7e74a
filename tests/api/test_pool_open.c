/* SPDX-License-Identifier: MIT
 *
 * Opening a pool: what it loads, in which order and on which threads, what it tells meanwhile, and
 * what is left when it fails: nothing, and the words why. */
#include "support/await.h"
#include "support/fake_model.h"
#include "support/thread.h"

#include <lend/lease.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void all_models_are_loaded_and_checked_when_open_returns(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 5);
    assert_int_equal(atomic_load(&fakes.load.calls), 5);
    assert_int_equal(atomic_load(&fakes.check.calls), 5);
    assert_int_equal(atomic_load(&fakes.reset.calls), 0);
    assert_int_equal(stats_of(pool).free, 5);
    assert_int_equal(stats_of(pool).loads, 5);
    fakes_close(&fakes, pool);
    assert_int_equal(atomic_load(&fakes.unload.calls), 5);
}

static void errno_is_left_alone(void **state) {
    (void)state;
    struct fakes fakes = {0};
    errno = 4711;
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    assert_int_equal(errno, 4711);
    fakes_close(&fakes, pool);
    assert_int_equal(errno, 4711);
}

static void the_optional_operations_may_be_missing(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .ops = &fake_plain_ops);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    lend_release(&lease);
    fakes_close(&fakes, pool);
    assert_int_equal(atomic_load(&fakes.check.calls), 0);
    assert_int_equal(atomic_load(&fakes.reset.calls), 0);
}

/* How models were loaded: the context of the operation below. Each load lingers until so many are
 * under way at once, or its time is over: so that those that may meet do, and those that must not
 * would be seen. */
struct loading {
    uint32_t company;
    int64_t linger_ms;
    bool first_lingers;                 /* it should have no company */
    atomic_uint begun, under_way, most; /* of the last one, at once */
    uint32_t begun_with_first;          /* how many had begun when the first was over */
    uintptr_t first_thread;
};

static int load_and_linger(void **ret_model, void *context, struct lend_reason *reason) {
    (void)reason;
    struct loading *loading = context;
    lend_deadline until = lend_within_ms(loading->linger_ms);
    uint32_t number = atomic_fetch_add(&loading->begun, 1) + 1;
    uint32_t under_way = atomic_fetch_add(&loading->under_way, 1) + 1;
    uint32_t most = atomic_load(&loading->most);
    while (most < under_way && !atomic_compare_exchange_weak(&loading->most, &most, under_way))
        ;
    bool lingers = number > 1 || loading->first_lingers;
    while (lingers && atomic_load(&loading->most) < loading->company && await_pause(until))
        ;
    if (number == 1) {
        loading->first_thread = thread_id();
        loading->begun_with_first = atomic_load(&loading->begun);
    }
    atomic_fetch_sub(&loading->under_way, 1);
    *ret_model = loading;
    return 0;
}

static void unload_nothing(void *model, void *context) {
    (void)model;
    (void)context;
}

static void open_and_close(struct loading *loading, uint32_t models, uint32_t loaders) {
    const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = load_and_linger, .unload = unload_nothing);
    lend_pool *pool;
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &ops, .ops_context = loading,
                                                 .models = models, .loaders = loaders)),
        0);
    assert_int_equal(atomic_load(&loading->begun), models);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
}

static void the_first_load_runs_alone_on_the_opening_thread(void **state) {
    (void)state;
    struct loading loading = {.company = 2, .linger_ms = 5, .first_lingers = true};
    open_and_close(&loading, /* models= */ 4, /* loaders= */ 3);
    assert_int_equal(loading.begun_with_first, 1);
    assert_int_equal(loading.first_thread, thread_id());
}

static void the_others_load_at_the_same_time(void **state) {
    (void)state;
    struct loading loading = {.company = 3, .linger_ms = PATIENCE_MS};
    open_and_close(&loading, /* models= */ 4, /* loaders= */ 3);
    assert_int_equal(atomic_load(&loading.most), 3);
}

static void no_more_loads_run_at_once_than_there_are_loaders(void **state) {
    (void)state;
    for (uint32_t loaders = 1; loaders <= 3; loaders++) {
        struct loading loading = {.company = loaders + 1, .linger_ms = 2};
        open_and_close(&loading, /* models= */ 8, loaders);
        assert_in_range(atomic_load(&loading.most), 1, loaders);
    }
}

static void ops_and_name_may_be_gone_once_the_pool_is_open(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_model_ops ops = fake_ops;
    char name[] = "shelf";
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .ops = &ops, .name = name);
    memset(&ops, 0, sizeof ops);
    memset(name, 0, sizeof name);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    lend_release(&lease);
    struct lend_pool_options options;
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_string_equal(options.name, "shelf");
    assert_ptr_equal(options.ops->load, fake_ops.load);
    fakes_close(&fakes, pool);
}

/* What `progress` told. */
struct progress {
    uint32_t calls;
    uint32_t last;
    uint32_t models;
    bool in_order;
    bool on_one_thread;
    uintptr_t thread;
};

static void note_progress(uint32_t loaded, uint32_t models, void *context) {
    struct progress *progress = context;
    progress->in_order = progress->in_order && loaded == progress->last + 1;
    progress->on_one_thread = progress->on_one_thread && thread_id() == progress->thread;
    progress->last = loaded;
    progress->models = models;
    progress->calls++;
}

static void progress_is_told_once_per_model_in_order_on_the_opening_thread(void **state) {
    (void)state;
    for (uint32_t models = 1; models <= 9; models += 4) {
        struct fakes fakes = {0};
        struct progress progress = {.in_order = true, .on_one_thread = true};
        progress.thread = thread_id();
        lend_pool *pool = fakes_pool(&fakes, .models = models, .loaders = 3,
                                     .progress = note_progress, .progress_context = &progress);
        assert_true(progress.in_order);
        assert_true(progress.on_one_thread);
        assert_int_equal(progress.calls, models);
        assert_int_equal(progress.models, models);
        fakes_close(&fakes, pool);
    }
}

/* Opening fails with `error`, says `word`, leaves no model behind and *ret_pool as it was. */
static void check_refused(struct lend_pool_options options, struct fakes *fakes, int error,
                          const char *word) {
    lend_pool *const before = (lend_pool *)fakes;
    lend_pool *pool = before;
    struct lend_reason reason = {0};
    options.reason = &reason;
    assert_int_equal(lend_pool_open(&pool, &options), error);
    assert_ptr_equal(pool, before);
    assert_int_not_equal(reason.error, 0);
    if (strstr(reason.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", reason.text, word);
    assert_int_equal(atomic_load(&fakes->alive), 0);
    assert_int_equal(atomic_load(&fakes->wrongs), 0);
}

static void a_load_that_fails_leaves_nothing_and_tells_its_own_words(void **state) {
    (void)state;
    for (unsigned nth = 1; nth <= 6; nth++) {
        struct fakes fakes = {0};
        fakes_fail_nth(&fakes.load, nth, 4711, "no such shelf");
        check_refused(
            LEND_POOL_OPTIONS(.models = 6, .loaders = 2, .ops = &fake_ops, .ops_context = &fakes),
            &fakes, EIO, "no such shelf");
    }
}

static void a_failed_load_keeps_its_own_number_in_the_reason(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    fakes_fail_next(&fakes.load, UINT_MAX, 4711, "no such shelf");
    lend_pool *pool;
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.models = 2, .ops = &fake_ops,
                                                 .ops_context = &fakes, .reason = &reason)),
        EIO);
    assert_int_equal(reason.error, 4711);
    assert_string_equal(reason.text, "no such shelf");
    assert_int_equal(atomic_load(&fakes.load.calls), 1);
}

static void a_check_that_fails_is_a_failed_load(void **state) {
    (void)state;
    for (unsigned nth = 1; nth <= 4; nth++) {
        struct fakes fakes = {0};
        fakes_fail_nth(&fakes.check, nth, EINVAL, "it reads nothing");
        check_refused(
            LEND_POOL_OPTIONS(.models = 4, .loaders = 2, .ops = &fake_ops, .ops_context = &fakes),
            &fakes, EIO, "it reads nothing");
        assert_int_equal(atomic_load(&fakes.unload.calls), atomic_load(&fakes.load.calls));
    }
}

static void a_loader_without_words_is_quoted_by_its_number(void **state) {
    (void)state;
    struct fakes fakes = {0};
    fakes_fail_nth(&fakes.load, 1, ENOMEM, NULL);
    check_refused(LEND_POOL_OPTIONS(.models = 1, .ops = &fake_ops, .ops_context = &fakes), &fakes,
                  EIO, "load failed: ENOMEM (12)");
    struct fakes others = {0};
    fakes_fail_nth(&others.check, 1, 4711, NULL);
    check_refused(LEND_POOL_OPTIONS(.models = 1, .ops = &fake_ops, .ops_context = &others), &others,
                  EIO, "check failed: unknown (4711)");
}

static int load_null(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    (void)reason;
    *ret_model = NULL;
    return 0;
}

static void a_load_that_brings_no_model_has_failed(void **state) {
    (void)state;
    struct fakes fakes = {0};
    const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load_null, .unload = unload_nothing);
    check_refused(LEND_POOL_OPTIONS(.models = 1, .ops = &ops), &fakes, EIO, "no model");
}

static void a_failed_open_needs_nobody_to_tell(void **state) {
    (void)state;
    struct fakes fakes = {0};
    fakes_fail_nth(&fakes.load, 2, EIO, "no such shelf");
    lend_pool *pool;
    assert_int_equal(lend_pool_open(&pool, &LEND_POOL_OPTIONS(.models = 3, .ops = &fake_ops,
                                                              .ops_context = &fakes)),
                     EIO);
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

/* The first succeeds, alone; the others wait for each other. */
static int meet_and_fail(void **ret_model, void *context, struct lend_reason *reason) {
    struct tally *met = context;
    *ret_model = met;
    if (tally_add(met) == 1)
        return 0;
    return tally_wait(met, 3) ? lend_reason_set(reason, EIO, "a page is missing") : 0;
}

static void leave_it(void *model, void *context) {
    (void)model, (void)context;
}

static void of_two_loads_that_fail_at_once_one_is_told(void **state) {
    (void)state;
    const struct lend_model_ops ops = LEND_MODEL_OPS(.load = meet_and_fail, .unload = leave_it);
    struct tally met;
    struct lend_reason reason = {0};
    lend_pool *pool = NULL;
    tally_init(&met);
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &ops, .ops_context = &met, .models = 3,
                                                 .loaders = 2, .reason = &reason)),
        EIO);
    assert_null(pool);
    assert_string_equal(reason.text, "a page is missing");
    tally_deinit(&met);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_models_are_loaded_and_checked_when_open_returns),
        cmocka_unit_test(errno_is_left_alone),
        cmocka_unit_test(the_optional_operations_may_be_missing),
        cmocka_unit_test(the_first_load_runs_alone_on_the_opening_thread),
        cmocka_unit_test(the_others_load_at_the_same_time),
        cmocka_unit_test(no_more_loads_run_at_once_than_there_are_loaders),
        cmocka_unit_test(ops_and_name_may_be_gone_once_the_pool_is_open),
        cmocka_unit_test(progress_is_told_once_per_model_in_order_on_the_opening_thread),
        cmocka_unit_test(a_load_that_fails_leaves_nothing_and_tells_its_own_words),
        cmocka_unit_test(a_failed_load_keeps_its_own_number_in_the_reason),
        cmocka_unit_test(a_check_that_fails_is_a_failed_load),
        cmocka_unit_test(a_loader_without_words_is_quoted_by_its_number),
        cmocka_unit_test(a_load_that_brings_no_model_has_failed),
        cmocka_unit_test(a_failed_open_needs_nobody_to_tell),
        cmocka_unit_test(of_two_loads_that_fail_at_once_one_is_told),
    };
    return cmocka_run_group_tests_name("pool_open", tests, NULL, NULL);
}
