/* SPDX-License-Identifier: MIT
 *
 * The options of a pool: defaults, ranges, what is required, and callers that were built for an
 * older or a newer lend. */
#define _GNU_SOURCE
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/pace.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* As a later version might have them. */
struct newer_options {
    struct lend_pool_options known;
    uint64_t unknown;
};

struct newer_ops {
    struct lend_model_ops known;
    void (*unknown)(void *model, void *context);
};

static int load_nothing(void **ret_model, void *context, struct lend_reason *reason) {
    (void)ret_model;
    (void)context;
    return lend_reason_set(reason, EIO, "there is nothing to load");
}

static void unload_nothing(void *model, void *context) {
    (void)model;
    (void)context;
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
    assert_int_equal(options.models_max, 3);
    assert_int_equal(options.spares, 0);
    assert_int_equal(options.hold_alarm_ms, 60000);
    assert_int_equal(options.stall_alarm_ms, 10000);
    assert_int_equal(options.load_alarm_ms, 60000);
    assert_ptr_equal(options.ops->load, fake_ops.load);
    assert_ptr_equal(options.ops_context, &fakes);
    assert_null(options.reason);
    fakes_close(&fakes, pool);
}

static void what_is_set_is_in_force(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    lend_pool *pool =
        fakes_pool(&fakes, .name = "ocr", .models = 2, .waiters_max = LEND_NO_WAITERS,
                   .wait_ms_default = -1, .loaders = 7, .reason = &reason, .hold_alarm_ms = 4000,
                   .stall_alarm_ms = 5000, .load_alarm_ms = 6000);
    struct lend_pool_options options;
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_string_equal(options.name, "ocr");
    assert_int_equal(options.waiters_max, LEND_NO_WAITERS);
    assert_int_equal(options.wait_ms_default, -1);
    assert_int_equal(options.loaders, 7);
    assert_int_equal(options.hold_alarm_ms, 4000);
    assert_int_equal(options.stall_alarm_ms, 5000);
    assert_int_equal(options.load_alarm_ms, 6000);
    assert_null(options.reason);
    assert_int_equal(reason.error, 0);
    fakes_close(&fakes, pool);
}

/* A program may write "never" as the largest number there is. */
static void an_interval_too_long_to_be_counted_is_never(void **state) {
    (void)state;
    const int64_t longest_ms = INT64_MAX / 2 / 1000000;
    struct fakes fakes = {0};
    struct lend_pool_options options;
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .hold_alarm_ms = longest_ms + 1,
                                 .stall_alarm_ms = INT64_MAX, .load_alarm_ms = INT64_MAX,
                                 .recycle_ms = INT64_MAX, .check_every_ms = INT64_MAX);
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_int_equal(options.hold_alarm_ms, -1);
    assert_int_equal(options.stall_alarm_ms, -1);
    assert_int_equal(options.load_alarm_ms, -1);
    assert_int_equal(options.check_every_ms, 0);
    struct lend_lease lease = borrow_now(pool);
    lend_release(&lease);
    fakes_close(&fakes, pool);

    pool =
        fakes_pool(&fakes, .models = 1, .hold_alarm_ms = longest_ms, .check_every_ms = longest_ms);
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_int_equal(options.hold_alarm_ms, longest_ms);
    assert_int_equal(options.check_every_ms, longest_ms);
    fakes_close(&fakes, pool);
}

static void the_options_in_force_follow_a_resize(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_pool_options options;
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .models_max = 3);
    assert_int_equal(lend_pool_resize(pool, 3, LEND_FOREVER, NULL), 0);
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_int_equal(options.models, 3);
    assert_int_equal(options.models_max, 3);
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
    uint32_t models = (uint32_t)rounds(LEND_MODELS_MAX, 256);
    lend_pool *pool = fakes_pool(&fakes, .models = models, .waiters_max = UINT32_MAX - 1);
    assert_int_equal(stats_of(pool).free, models);
    fakes_close(&fakes, pool);
}

static void what_is_required_is_required_by_name(void **state) {
    (void)state;
    struct fakes fakes = {0};
    const struct lend_model_ops no_load = LEND_MODEL_OPS(.unload = unload_nothing);
    const struct lend_model_ops no_unload = LEND_MODEL_OPS(.load = load_nothing);
    const struct lend_model_ops no_size = {.load = load_nothing, .unload = unload_nothing};
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
    check_refused(LEND_POOL_OPTIONS(.ops = &fake_ops, .models = 4, .models_max = 3), &fakes, EINVAL,
                  "models_max is 3, less than models, 4");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_set_gets_its_default),
        cmocka_unit_test(what_is_set_is_in_force),
        cmocka_unit_test(an_interval_too_long_to_be_counted_is_never),
        cmocka_unit_test(the_options_in_force_follow_a_resize),
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
    };
    return cmocka_run_group_tests_name("pool_options", tests, NULL, NULL);
}
