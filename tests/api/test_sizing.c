/* SPDX-License-Identifier: MIT
 *
 * Sizes: as many models as there are cores and memory for, and a word about more than that. */
#define _GNU_SOURCE
#include "support/await.h"
#include "support/events.h"
#include "support/one_core.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

/* Models that each take `model` of a budget, and of main memory as well if they are to. */
struct maker {
    uint64_t model, budget;
    bool allocates;
    uint32_t asked; /* for the budget */
    uint32_t made;
    struct events events;
    lend_pool *pool;
};

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)reason;
    struct maker *maker = context;
    size_t size = maker->allocates ? (size_t)maker->model : 1;
    char *model = malloc(size);
    if (model == NULL)
        return ENOMEM;
    for (size_t i = 0; i < size; i += 1024)
        ((volatile char *)model)[i] = 1;
    maker->budget -= maker->model;
    maker->made++;
    *ret_model = model;
    return 0;
}

static void unload(void *model, void *context) {
    (void)context;
    free(model);
}

static uint64_t budget_left(void *context) {
    struct maker *maker = context;
    maker->asked++;
    return maker->budget;
}

static void open_with(struct maker *maker, const struct lend_pool_options *options) {
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);
    struct lend_pool_options own = *options;
    events_init(&maker->events);
    own.ops = &ops;
    own.ops_context = maker;
    own.loaders = 1; /* the maker is not made for more */
    own.memory_context = maker;
    own.sink = events_record;
    own.sink_context = &maker->events;
    assert_int_equal(lend_pool_open(&maker->pool, &own), 0);
}

#define maker_open(maker, ...) open_with((maker), &LEND_POOL_OPTIONS(__VA_ARGS__))

static struct lend_pool_options options_of(const struct maker *maker) {
    struct lend_pool_options options;
    assert_int_equal(lend_pool_options_get(maker->pool, &options), 0);
    return options;
}

static void maker_close(struct maker *maker) {
    assert_int_equal(lend_pool_close(maker->pool, LEND_NOW, NULL), 0);
    events_deinit(&maker->events);
}

static uint32_t cores(void) {
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    return (uint32_t)CPU_COUNT(&set);
}

/* memory */

static void a_budget_of_the_callers_bounds_the_number(void **state) {
    (void)state;
    struct maker maker = {.model = 100 * MIB, .budget = 450 * MIB};
    maker_open(&maker, .models = LEND_MODELS_AUTO, .model_threads = LEND_NO_CORES,
               .memory_left = budget_left);
    struct lend_pool_options options = options_of(&maker);
    assert_int_equal(options.models, 4); /* and 50 MiB are left over */
    assert_int_equal(options.model_bytes, 100 * MIB);
    assert_int_equal(options.models_max, 4);
    assert_int_equal(options.waiters_max, 32);
    assert_int_equal(maker.made, 4);
    assert_int_equal(maker.asked, 2);
    assert_int_equal(stats_of(maker.pool).free, 4);
    assert_int_equal(events_count(&maker.events), 0);
    maker_close(&maker);
}

static void there_is_one_model_though_there_is_no_memory_for_it(void **state) {
    (void)state;
    struct maker maker = {.model = 100 * MIB, .budget = 100 * MIB};
    maker_open(&maker, .models = LEND_MODELS_AUTO, .model_threads = LEND_NO_CORES,
               .memory_left = budget_left);
    assert_int_equal(options_of(&maker).models, 1);
    maker_close(&maker);
}

static void what_a_model_takes_can_be_told(void **state) {
    (void)state;
    struct maker maker = {.model = 100 * MIB, .budget = 450 * MIB};
    maker_open(&maker, .models = LEND_MODELS_AUTO, .model_threads = LEND_NO_CORES,
               .memory_left = budget_left, .model_bytes = 175 * MIB);
    assert_int_equal(options_of(&maker).models, 3); /* 350 MiB were left after the first */
    assert_int_equal(options_of(&maker).model_bytes, 175 * MIB);
    maker_close(&maker);
}

static void a_bound_on_resizing_bounds_the_number_too(void **state) {
    (void)state;
    struct maker maker = {.model = 1, .budget = 1000};
    maker_open(&maker, .models = LEND_MODELS_AUTO, .model_threads = LEND_NO_CORES,
               .memory_left = budget_left, .models_max = 3);
    assert_int_equal(options_of(&maker).models, 3);
    assert_int_equal(options_of(&maker).models_max, 3);
    maker_close(&maker);
}

static void of_main_memory_the_growth_is_measured(void **state) {
    (void)state;
    struct maker maker = {.model = 64 * MIB, .allocates = true};
    maker_open(&maker, .models = 1);
    assert_in_range(options_of(&maker).model_bytes, 60 * MIB, 640 * MIB); /* of a sanitizer, more */
    maker_close(&maker);
}

static void main_memory_bounds_the_number(void **state) {
    (void)state;
    struct maker maker = {.model = 1};
    maker_open(&maker, .models = LEND_MODELS_AUTO, .model_threads = LEND_NO_CORES,
               .model_bytes = UINT64_MAX);
    assert_int_equal(options_of(&maker).models, 1);
    maker_close(&maker);
}

/* cores */

static void the_cores_are_divided_by_the_threads_of_a_model(void **state) {
    (void)state;
    struct maker maker = {.budget = UINT64_MAX};
    maker_open(&maker, .models = LEND_MODELS_AUTO, .memory_left = budget_left);
    uint32_t alone = options_of(&maker).models;
    assert_in_range(alone, 1, cores());
    assert_int_equal(options_of(&maker).model_threads, 1);
    assert_int_equal(events_count(&maker.events), 0);
    maker_close(&maker);
    maker_open(&maker, .models = LEND_MODELS_AUTO, .memory_left = budget_left,
               .model_threads = alone);
    assert_int_equal(options_of(&maker).models, 1);
    assert_int_equal(events_count(&maker.events), 0);
    maker_close(&maker);
}

static void on_one_core_there_is_one_model(void **state) {
    (void)state;
    cpu_set_t before;
    struct maker maker = {.budget = UINT64_MAX};
    assert_int_equal(restrict_to_one_core(&before), 0);
    maker_open(&maker, .models = LEND_MODELS_AUTO, .memory_left = budget_left);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(options_of(&maker).models, 1);
    maker_close(&maker);
}

/* more than there is */

static void more_threads_than_cores_are_told_with_the_numbers(void **state) {
    (void)state;
    cpu_set_t before;
    struct maker maker = {.budget = UINT64_MAX};
    assert_int_equal(restrict_to_one_core(&before), 0);
    maker_open(&maker, .models = 3, .model_threads = 2, .memory_left = budget_left);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(events_count(&maker.events), 1);
    struct recorded_event event = events_at(&maker.events, 0);
    assert_int_equal(event.kind, LEND_EVENT_OVERSUBSCRIBED);
    assert_string_equal(event.text, "3 models x 2 threads on 1 cores");
    assert_string_equal(event.owner, "pool");
    assert_int_equal(event.slot, -1);
    assert_int_equal(stats_of(maker.pool).free, 3); /* and has them all the same */
    maker_close(&maker);
}

static void more_memory_than_is_left_is_told_with_the_numbers(void **state) {
    (void)state;
    struct maker maker = {.model = 100 * MIB, .budget = 250 * MIB};
    maker_open(&maker, .models = 4, .model_threads = LEND_NO_CORES, .memory_left = budget_left,
               .model_bytes = 100 * MIB);
    assert_int_equal(events_count(&maker.events), 1);
    struct recorded_event event = events_at(&maker.events, 0);
    assert_int_equal(event.kind, LEND_EVENT_OVERSUBSCRIBED);
    assert_string_equal(event.text, "3 more models of 100 MiB with 150 MiB left");
    assert_int_equal(stats_of(maker.pool).free, 4);
    maker_close(&maker);
}

static void what_fits_is_not_worth_a_word(void **state) {
    (void)state;
    struct maker maker = {.model = 100 * MIB, .budget = 400 * MIB};
    maker_open(&maker, .models = 4, .model_threads = LEND_NO_CORES, .memory_left = budget_left);
    assert_int_equal(events_count(&maker.events), 0);
    maker_close(&maker);
}

/* One more model than there is room for, of which each takes `model` and `left` are left. */
static void check_words(uint64_t model, uint64_t left, const char *words) {
    struct maker maker = {.model = 0, .budget = left};
    maker_open(&maker, .models = 2, .model_threads = LEND_NO_CORES, .memory_left = budget_left,
               .model_bytes = model);
    assert_int_equal(events_count(&maker.events), 1);
    struct recorded_event event = events_at(&maker.events, 0);
    assert_string_equal(event.text, words);
    maker_close(&maker);
}

static void sizes_are_told_in_the_unit_that_leaves_two_digits(void **state) {
    (void)state;
    check_words(20 * 1024 * MIB, 10 * MIB, "1 more models of 20 GiB with 10 MiB left");
    check_words(10 * MIB - 1, 10240, "1 more models of 10239 KiB with 10 KiB left");
    check_words(10239, 0, "1 more models of 10239 bytes with 0 bytes left");
}

static void models_that_take_nothing_are_as_many_as_may_be(void **state) {
    (void)state;
    struct maker maker = {.model = 0, .budget = 1000};
    maker_open(&maker, .models = LEND_MODELS_AUTO, .model_threads = LEND_NO_CORES,
               .memory_left = budget_left, .model_bytes = 1, .models_max = 2000);
    assert_int_equal(options_of(&maker).models, 1001);
    maker_close(&maker);
    maker.budget = UINT64_MAX; /* as much as there is */
    maker_open(&maker, .models = LEND_MODELS_AUTO, .model_threads = LEND_NO_CORES,
               .memory_left = budget_left, .model_bytes = 1, .models_max = 3);
    assert_int_equal(options_of(&maker).models, 3);
    maker_close(&maker);
    maker.budget = UINT64_MAX - 1;
    maker_open(&maker, .models = LEND_MODELS_AUTO, .model_threads = LEND_NO_CORES,
               .memory_left = budget_left, .model_bytes = 1, .models_max = 3);
    assert_int_equal(options_of(&maker).models, 3);
    maker_close(&maker);
}

static void a_bound_on_resizing_above_the_cores_leaves_the_cores_to_decide(void **state) {
    (void)state;
    struct maker maker = {.budget = UINT64_MAX};
    maker_open(&maker, .models = LEND_MODELS_AUTO, .memory_left = budget_left, .models_max = 500);
    assert_in_range(options_of(&maker).models, 1, cores());
    assert_int_equal(options_of(&maker).models_max, 500);
    maker_close(&maker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_of_the_callers_bounds_the_number),
        cmocka_unit_test(there_is_one_model_though_there_is_no_memory_for_it),
        cmocka_unit_test(what_a_model_takes_can_be_told),
        cmocka_unit_test(a_bound_on_resizing_bounds_the_number_too),
        cmocka_unit_test(of_main_memory_the_growth_is_measured),
        cmocka_unit_test(main_memory_bounds_the_number),
        cmocka_unit_test(the_cores_are_divided_by_the_threads_of_a_model),
        cmocka_unit_test(on_one_core_there_is_one_model),
        cmocka_unit_test(more_threads_than_cores_are_told_with_the_numbers),
        cmocka_unit_test(more_memory_than_is_left_is_told_with_the_numbers),
        cmocka_unit_test(what_fits_is_not_worth_a_word),
        cmocka_unit_test(sizes_are_told_in_the_unit_that_leaves_two_digits),
        cmocka_unit_test(models_that_take_nothing_are_as_many_as_may_be),
        cmocka_unit_test(a_bound_on_resizing_above_the_cores_leaves_the_cores_to_decide),
    };
    return cmocka_run_group_tests_name("sizing", tests, NULL, NULL);
}
