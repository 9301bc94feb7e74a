/* SPDX-License-Identifier: MIT
 *
 * The pool's rules under its lock: what is counted is counted over all slots, and what is not part
 * of the pool cannot be taken. */
#include "pool/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MODELS = 3, SPARES = 2, SLOTS = MODELS + SPARES };

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    static char model;
    (void)context, (void)reason;
    *ret_model = &model;
    return 0;
}

static void unload(void *model, void *context) {
    (void)model, (void)context;
}

static lend_pool *open_pool(void) {
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);
    lend_pool *pool = NULL;
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = MODELS, .spares = SPARES)),
        0);
    return pool;
}

static void close_pool(lend_pool *pool) {
    assert_int_equal(lend_pool_close(pool, LEND_FOREVER, NULL), 0);
}

struct counts {
    uint32_t present, wanted, stuck;
    bool oversized;
};

/* With one slot too many for `models`, and marked as given; as it was afterwards. */
static struct counts count(lend_pool *pool, uint32_t models, int overdue, int stuck) {
    lend__lock_acquire(&pool->lock);
    pool->locked.models = models;
    if (overdue >= 0)
        pool->slots[overdue].overdue = true;
    if (stuck >= 0)
        pool->slots[stuck].stuck = true;
    struct counts counts = {
        .present = lend__pool_present(pool),
        .wanted = lend__pool_wanted(pool),
        .stuck = lend__pool_stuck(pool),
        .oversized = lend__pool_is_oversized(pool),
    };
    for (int i = 0; i < SLOTS; i++)
        pool->slots[i].overdue = pool->slots[i].stuck = false;
    pool->locked.models = MODELS;
    lend__lock_release(&pool->lock);
    return counts;
}

static void a_slot_counts_wherever_it_is(void **state) {
    (void)state;
    lend_pool *pool = open_pool();
    struct counts counts = count(pool, MODELS, -1, -1);
    assert_int_equal(counts.present, MODELS);
    assert_int_equal(counts.wanted, MODELS);
    assert_int_equal(counts.stuck, 0);
    assert_false(counts.oversized);
    for (int i = 0; i < MODELS; i++) {
        counts = count(pool, MODELS, i, -1);
        assert_int_equal(counts.wanted, MODELS + 1);
        assert_int_equal(counts.stuck, 0);
        counts = count(pool, MODELS, -1, i);
        assert_int_equal(counts.wanted, MODELS + 1);
        assert_int_equal(counts.stuck, 1);
        counts = count(pool, MODELS, i, (i + 1) % MODELS);
        assert_int_equal(counts.wanted, MODELS + 2);
    }
    close_pool(pool);
}

static void one_too_many_is_not_too_many_while_one_cannot_be_counted_on(void **state) {
    (void)state;
    lend_pool *pool = open_pool();
    assert_true(count(pool, MODELS - 1, -1, -1).oversized);
    for (int i = 0; i < MODELS; i++) {
        assert_false(count(pool, MODELS - 1, i, -1).oversized);
        assert_false(count(pool, MODELS - 1, -1, i).oversized);
    }
    close_pool(pool);
}

static void a_slot_that_is_not_part_of_the_pool_is_shut(void **state) {
    (void)state;
    lend_pool *pool = open_pool();
    for (int i = MODELS; i < SLOTS; i++) {
        assert_int_equal(slot_state(&pool->slots[i]), SLOT_ABSENT);
        assert_true((word_read(&pool->slots[i].life) & LIFE_SHUT) != 0);
    }
    close_pool(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_counts_wherever_it_is),
        cmocka_unit_test(one_too_many_is_not_too_many_while_one_cannot_be_counted_on),
        cmocka_unit_test(a_slot_that_is_not_part_of_the_pool_is_shut),
    };
    return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
