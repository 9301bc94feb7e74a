/* SPDX-License-Identifier: MIT
 *
 * The tick: only a pool that is lent very often has the clock read for it. */
#include "pool/state.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A pool with one slot, whose keeper has looked `ago_ms` ago, and the slot been lent so often
 * since; it ticks. */
static void looked(struct lend_pool *pool, struct slot *slot, int64_t ago_ms, uint64_t leases) {
    *slot = (struct slot){0};
    *pool = (struct lend_pool){.slots = slot, .slot_count = 1};
    pool->tick.window_ns = lend__clock_coarse_ns() - ago_ms * NS_PER_MS;
    pool->tick.leases = 1000;
    word_init(&pool->tick_ns, 1);
    word_init(&slot->life, life_make(1000 + leases, SLOT_FREE));
}

static void noted(struct lend_pool *pool, struct slot *slot, int64_t ago_ms) {
    *slot = (struct slot){0};
    *pool = (struct lend_pool){.slots = slot, .slot_count = 1};
    parker_init(&pool->keeper_parker);
    int64_t now_ns = lend__clock_coarse_ns();
    slot->turned_ns = now_ns - ago_ms * NS_PER_MS;
    lend__tick_note_turns(pool, slot, now_ns);
}

static void a_slot_that_turns_over_fast_wakes_the_keeper_to_tick(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    noted(&pool, &slot, 1);
    assert_int_not_equal(word_peek(&pool.tick_ns), 0);
    assert_true(lend__parker_sleep(&pool.keeper_parker, LEND_NOW));
    parker_deinit(&pool.keeper_parker);
}

static void a_slot_that_turns_over_slowly_does_not(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    noted(&pool, &slot, 1000);
    assert_int_equal(word_peek(&pool.tick_ns), 0);
    assert_false(lend__parker_sleep(&pool.keeper_parker, LEND_NOW));
    parker_deinit(&pool.keeper_parker);
}

static void while_it_ticks_the_stamps_are_the_keepers(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    looked(&pool, &slot, 1000, 1000000);
    lend_deadline next = lend__tick_look(&pool);
    assert_true(word_peek(&pool.tick_ns) > 1);
    assert_int_equal(pool_now_ns(&pool), (int64_t)word_peek(&pool.tick_ns));
    assert_true(lend_deadline_left_ms(next) <= 4);
}

static void a_pool_that_nobody_asked_for_does_not_tick(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    looked(&pool, &slot, 1000, 1000000);
    word_poke(&pool.tick_ns, 0);
    lend_deadline next = lend__tick_look(&pool);
    assert_int_equal(word_peek(&pool.tick_ns), 0);
    assert_int_equal(next.at_ns, LEND_FOREVER.at_ns);
    assert_true(pool_now_ns(&pool) != 0);
}

static void a_pool_that_has_become_quiet_ticks_no_more(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    looked(&pool, &slot, 1000, 1000);
    lend_deadline next = lend__tick_look(&pool);
    assert_int_equal(word_peek(&pool.tick_ns), 0);
    assert_int_equal(next.at_ns, LEND_FOREVER.at_ns);
}

static void one_quiet_moment_does_not_end_it(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    looked(&pool, &slot, 10, 0);
    lend__tick_look(&pool);
    assert_true(word_peek(&pool.tick_ns) > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_that_turns_over_fast_wakes_the_keeper_to_tick),
        cmocka_unit_test(a_slot_that_turns_over_slowly_does_not),
        cmocka_unit_test(while_it_ticks_the_stamps_are_the_keepers),
        cmocka_unit_test(a_pool_that_nobody_asked_for_does_not_tick),
        cmocka_unit_test(a_pool_that_has_become_quiet_ticks_no_more),
        cmocka_unit_test(one_quiet_moment_does_not_end_it),
    };
    return cmocka_run_group_tests_name("tick", tests, NULL, NULL);
}
