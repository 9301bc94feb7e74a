/* SPDX-License-Identifier: MIT
 *
 * Opening a pool: what it loads, in which order and on which threads, what it tells meanwhile, and
 * what is left when it fails: nothing, and the words why. */
#define _GNU_SOURCE
#include "support/await.h"
#include "support/fake_model.h"
#include "support/thread.h"

#include <lend/lease.h>
#include <limits.h>
#include <sched.h>
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

/* Where and in which order models were loaded: the context of the operations below. */
struct loading {
    struct tally in_load; /* loads that began */
    uint32_t meet;        /* all after the first wait until so many have begun */
    atomic_uint early;    /* loads that began before the first was over */
    atomic_uint late;     /* loads that waited for the others in vain */
    atomic_bool first_over;
    atomic_uintptr_t first_thread;
};

/* The first lingers, so that another that does not wait for it is seen. */
static void load_first(struct loading *loading) {
    atomic_store(&loading->first_thread, thread_id());
    for (int i = 0; i < 1000 && tally_count(&loading->in_load) == 1; i++)
        sched_yield();
    atomic_store(&loading->first_over, true);
}

static int load_and_watch(void **ret_model, void *context, struct lend_reason *reason) {
    (void)reason;
    struct loading *loading = context;
    if (tally_add(&loading->in_load) == 1)
        load_first(loading);
    else if (!atomic_load(&loading->first_over))
        atomic_fetch_add(&loading->early, 1);
    else if (!tally_wait(&loading->in_load, loading->meet))
        atomic_fetch_add(&loading->late, 1);
    *ret_model = loading;
    return 0;
}

static void unload_nothing(void *model, void *context) {
    (void)model;
    (void)context;
}

static const struct lend_model_ops watching_ops =
    LEND_MODEL_OPS(.load = load_and_watch, .unload = unload_nothing);

static void the_first_load_runs_alone_on_the_opening_thread(void **state) {
    (void)state;
    struct loading loading = {0};
    tally_init(&loading.in_load);
    lend_pool *pool;
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &watching_ops, .ops_context = &loading,
                                                 .models = 4, .loaders = 3)),
        0);
    assert_int_equal(atomic_load(&loading.early), 0);
    assert_int_equal(atomic_load(&loading.first_thread), thread_id());
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
    tally_deinit(&loading.in_load);
}

static void the_others_load_at_the_same_time(void **state) {
    (void)state;
    struct loading loading = {.meet = 4};
    tally_init(&loading.in_load);
    lend_pool *pool;
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &watching_ops, .ops_context = &loading,
                                                 .models = 4, .loaders = 3)),
        0);
    assert_int_equal(atomic_load(&loading.late), 0);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
    tally_deinit(&loading.in_load);
}

static void no_more_loads_run_at_once_than_there_are_loaders(void **state) {
    (void)state;
    for (uint32_t loaders = 1; loaders <= 3; loaders++) {
        struct fakes fakes = {0};
        lend_pool *pool = fakes_pool(&fakes, .models = 12, .loaders = loaders);
        assert_in_range(atomic_load(&fakes.load.under_way_max), 1, loaders);
        fakes_close(&fakes, pool);
    }
}

static void the_ops_may_be_gone_once_the_pool_is_open(void **state) {
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

static void what_is_not_set_gets_its_default(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    struct lend_pool_options options;
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_int_equal(options.size, sizeof options);
    assert_string_equal(options.name, "pool");
    assert_int_equal(options.models, 3);
    assert_int_equal(options.waiters_max, 24);
    assert_int_equal(options.wait_ms_default, 30000);
    assert_true(options.loaders >= 1);
    assert_ptr_equal(options.ops->load, fake_ops.load);
    assert_ptr_equal(options.ops_context, &fakes);
    assert_null(options.reason);
    fakes_close(&fakes, pool);
}

static void what_is_set_is_in_force(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 2, .waiters_max = LEND_NO_WAITERS,
                                 .wait_ms_default = -1, .loaders = 7, .reason = &reason);
    struct lend_pool_options options;
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_string_equal(options.name, "ocr");
    assert_int_equal(options.waiters_max, LEND_NO_WAITERS);
    assert_int_equal(options.wait_ms_default, -1);
    assert_int_equal(options.loaders, 7);
    assert_null(options.reason);
    assert_int_equal(reason.error, 0);
    fakes_close(&fakes, pool);
}

static void options_get_wants_both_arguments(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_pool_options options;
    assert_int_equal(lend_pool_options_get(NULL, &options), EINVAL);
    assert_int_equal(lend_pool_options_get(pool, NULL), EINVAL);
    fakes_close(&fakes, pool);
}

static void a_name_is_cut_at_63_bytes(void **state) {
    (void)state;
    const char fits[] = "a name of exactly sixty-three bytes, which is as long as may be";
    const char *longer = "a name of more than sixty-three bytes, which is longer than may be ever";
    assert_int_equal(strlen(fits), 63);
    struct fakes fakes = {0};
    struct lend_pool_options options;
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .name = fits);
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_string_equal(options.name, fits);
    fakes_close(&fakes, pool);

    pool = fakes_pool(&fakes, .models = 1, .name = longer);
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_int_equal(strlen(options.name), 63);
    assert_memory_equal(options.name, longer, 60);
    fakes_close(&fakes, pool);
}

static void as_many_models_as_cores_if_asked(void **state) {
    (void)state;
    cpu_set_t cores;
    assert_int_equal(sched_getaffinity(0, sizeof cores, &cores), 0);
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = LEND_MODELS_AUTO);
    assert_in_range(stats_of(pool).models, 1, (unsigned)CPU_COUNT(&cores));
    fakes_close(&fakes, pool);
}

static void the_largest_pool_opens(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = LEND_MODELS_MAX, .waiters_max = UINT32_MAX - 1);
    assert_int_equal(stats_of(pool).free, LEND_MODELS_MAX);
    fakes_close(&fakes, pool);
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

static void what_is_required_is_required_by_name(void **state) {
    (void)state;
    struct fakes fakes = {0};
    const struct lend_model_ops no_load = LEND_MODEL_OPS(.unload = unload_nothing);
    const struct lend_model_ops no_unload = LEND_MODEL_OPS(.load = load_and_watch);
    const struct lend_model_ops no_size = {.load = load_and_watch, .unload = unload_nothing};
    check_refused(LEND_POOL_OPTIONS(.models = 1), &fakes, EINVAL, "ops");
    check_refused(LEND_POOL_OPTIONS(.ops = &fake_ops), &fakes, EINVAL, "models");
    check_refused(LEND_POOL_OPTIONS(.models = 1, .ops = &no_load), &fakes, EINVAL, "ops.load");
    check_refused(LEND_POOL_OPTIONS(.models = 1, .ops = &no_unload), &fakes, EINVAL, "ops.unload");
    check_refused(LEND_POOL_OPTIONS(.models = 1, .ops = &no_size), &fakes, EINVAL, "ops.size");
}

static void a_number_out_of_range_is_refused_by_name(void **state) {
    (void)state;
    struct fakes fakes = {0};
    check_refused(LEND_POOL_OPTIONS(.ops = &fake_ops, .models = LEND_MODELS_MAX + 1), &fakes,
                  EINVAL, "models");
    check_refused(LEND_POOL_OPTIONS(.ops = &fake_ops, .models = UINT32_MAX - 1), &fakes, EINVAL,
                  "models");
    check_refused(LEND_POOL_OPTIONS(.ops = &fake_ops, .models = 1, .wait_ms_default = -2), &fakes,
                  EINVAL, "wait_ms_default");
    check_refused(LEND_POOL_OPTIONS(.ops = &fake_ops, .models = 1, .wait_ms_default = INT64_MIN),
                  &fakes, EINVAL, "wait_ms_default");
}

static void missing_arguments_are_refused(void **state) {
    (void)state;
    lend_pool *pool = NULL;
    struct lend_reason reason = {0};
    const struct lend_pool_options no_size = {.ops = &fake_ops, .models = 1, .reason = &reason};
    const struct lend_pool_options tiny = {.size = sizeof(size_t) - 1, .reason = &reason};
    assert_int_equal(lend_pool_open(&pool, NULL), EINVAL);
    assert_int_equal(lend_pool_open(&pool, &no_size), EINVAL);
    assert_int_equal(lend_pool_open(&pool, &tiny), EINVAL);
    assert_null(pool);
    assert_int_equal(
        lend_pool_open(NULL, &LEND_POOL_OPTIONS(.ops = &fake_ops, .models = 1, .reason = &reason)),
        EINVAL);
    assert_int_equal(reason.error, EINVAL);
    assert_non_null(strstr(reason.text, "ret_pool"));
}

/* Options as an older or a newer lend declares them. */
struct newer_options {
    struct lend_pool_options known;
    uint64_t unknown;
};

static void the_options_of_an_older_caller_are_filled_up_with_defaults(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_pool_options older = LEND_POOL_OPTIONS(.ops = &fake_ops, .ops_context = &fakes,
                                                       .models = 2, .wait_ms_default = -4711);
    older.size = offsetof(struct lend_pool_options, waiters_max);
    lend_pool *pool;
    assert_int_equal(lend_pool_open(&pool, &older), 0);
    struct lend_pool_options options;
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_int_equal(options.size, sizeof options);
    assert_int_equal(options.waiters_max, 16);
    assert_int_equal(options.wait_ms_default, 30000);
    fakes_close(&fakes, pool);
}

static void a_reason_that_an_older_caller_does_not_have_is_not_written(void **state) {
    (void)state;
    struct lend_reason reason = {0};
    struct lend_pool_options older = LEND_POOL_OPTIONS(.reason = &reason);
    older.size = offsetof(struct lend_pool_options, reason);
    lend_pool *pool;
    assert_int_equal(lend_pool_open(&pool, &older), EINVAL);
    assert_int_equal(reason.error, 0);
}

static void the_options_of_a_newer_caller_may_not_set_what_is_unknown(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    struct newer_options newer = {.known =
                                      LEND_POOL_OPTIONS(.ops = &fake_ops, .models = 1,
                                                        .ops_context = &fakes, .reason = &reason)};
    newer.known.size = sizeof newer;
    lend_pool *pool;
    assert_int_equal(lend_pool_open(&pool, &newer.known), 0);
    fakes_close(&fakes, pool);

    newer.unknown = UINT64_C(1) << 63;
    assert_int_equal(lend_pool_open(&pool, &newer.known), E2BIG);
    assert_int_equal(reason.error, E2BIG);
    assert_string_not_equal(reason.text, "");
}

struct newer_ops {
    struct lend_model_ops known;
    void (*unknown)(void *model, void *context);
};

static void operations_follow_the_same_size_rule(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_model_ops older = fake_ops;
    older.size = offsetof(struct lend_model_ops, reset);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .ops = &older);
    assert_int_equal(atomic_load(&fakes.check.calls), 0);
    fakes_close(&fakes, pool);

    struct newer_ops newer = {.known = fake_ops};
    newer.known.size = sizeof newer;
    pool = fakes_pool(&fakes, .models = 1, .ops = &newer.known);
    fakes_close(&fakes, pool);

    newer.unknown = unload_nothing;
    check_refused(LEND_POOL_OPTIONS(.models = 1, .ops = &newer.known), &fakes, E2BIG, "ops");
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
                  EIO, "load failed with ENOMEM");
    struct fakes others = {0};
    fakes_fail_nth(&others.check, 1, 4711, NULL);
    check_refused(LEND_POOL_OPTIONS(.models = 1, .ops = &fake_ops, .ops_context = &others), &others,
                  EIO, "check failed with errno (4711)");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_models_are_loaded_and_checked_when_open_returns),
        cmocka_unit_test(the_optional_operations_may_be_missing),
        cmocka_unit_test(the_first_load_runs_alone_on_the_opening_thread),
        cmocka_unit_test(the_others_load_at_the_same_time),
        cmocka_unit_test(no_more_loads_run_at_once_than_there_are_loaders),
        cmocka_unit_test(the_ops_may_be_gone_once_the_pool_is_open),
        cmocka_unit_test(progress_is_told_once_per_model_in_order_on_the_opening_thread),
        cmocka_unit_test(what_is_not_set_gets_its_default),
        cmocka_unit_test(what_is_set_is_in_force),
        cmocka_unit_test(options_get_wants_both_arguments),
        cmocka_unit_test(a_name_is_cut_at_63_bytes),
        cmocka_unit_test(as_many_models_as_cores_if_asked),
        cmocka_unit_test(the_largest_pool_opens),
        cmocka_unit_test(what_is_required_is_required_by_name),
        cmocka_unit_test(a_number_out_of_range_is_refused_by_name),
        cmocka_unit_test(missing_arguments_are_refused),
        cmocka_unit_test(the_options_of_an_older_caller_are_filled_up_with_defaults),
        cmocka_unit_test(a_reason_that_an_older_caller_does_not_have_is_not_written),
        cmocka_unit_test(the_options_of_a_newer_caller_may_not_set_what_is_unknown),
        cmocka_unit_test(operations_follow_the_same_size_rule),
        cmocka_unit_test(a_load_that_fails_leaves_nothing_and_tells_its_own_words),
        cmocka_unit_test(a_failed_load_keeps_its_own_number_in_the_reason),
        cmocka_unit_test(a_check_that_fails_is_a_failed_load),
        cmocka_unit_test(a_loader_without_words_is_quoted_by_its_number),
        cmocka_unit_test(a_load_that_brings_no_model_has_failed),
        cmocka_unit_test(a_failed_open_needs_nobody_to_tell),
    };
    return cmocka_run_group_tests_name("pool_open", tests, NULL, NULL);
}
