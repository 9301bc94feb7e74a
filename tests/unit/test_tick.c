/* SPDX-License-Identifier: MIT
 *
 * The tick: only a pool that is lent very often has the clock read for it. */
#include "pool/state.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* As if `leases` of its one slot had been counted at a look that was `ago_ms` ago, and more since.
 */
static void looked(struct lend_pool *pool, struct slot *slot, int64_t ago_ms, uint64_t more) {
    *slot = (struct slot){0};
    *pool = (struct lend_pool){.slots = slot, .slot_count = 1};
    pool->tick.window_ns = lend__clock_coarse_ns() - ago_ms * NS_PER_MS;
    pool->tick.leases = 1000;
    word_init(&slot->life, life_make(1000 + more, SLOT_FREE));
}

static void a_pool_that_is_lent_often_has_the_clock_read_for_it(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    looked(&pool, &slot, 1000, 1000000);
    lend_deadline next = lend__tick_look(&pool);
    assert_int_not_equal(word_peek(&pool.tick_ns), 0);
    assert_int_equal(pool_now_ns(&pool), (int64_t)word_peek(&pool.tick_ns));
    assert_true(lend_deadline_left_ms(next) <= 4);
}

static void a_quiet_pool_leaves_it_to_the_borrowers(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    looked(&pool, &slot, 1000, 1000);
    lend_deadline next = lend__tick_look(&pool);
    assert_int_equal(word_peek(&pool.tick_ns), 0);
    assert_int_equal(next.at_ns, LEND_FOREVER.at_ns);
    assert_true(pool_now_ns(&pool) != 0);
}

static void between_two_looks_it_stays_as_it_is(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    looked(&pool, &slot, 0, 1000000);
    lend__tick_look(&pool);
    assert_int_equal(word_peek(&pool.tick_ns), 0);
    word_poke(&pool.tick_ns, 1);
    lend__tick_look(&pool);
    assert_true(word_peek(&pool.tick_ns) > 1);
}

static void a_pool_that_has_become_quiet_ticks_no_more(void **state) {
    (void)state;
    struct slot slot;
    struct lend_pool pool;
    looked(&pool, &slot, 1000, 0);
    word_poke(&pool.tick_ns, 1);
    lend__tick_look(&pool);
    assert_int_equal(word_peek(&pool.tick_ns), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_that_is_lent_often_has_the_clock_read_for_it),
        cmocka_unit_test(a_quiet_pool_leaves_it_to_the_borrowers),
        cmocka_unit_test(between_two_looks_it_stays_as_it_is),
        cmocka_unit_test(a_pool_that_has_become_quiet_ticks_no_more),
    };
    return cmocka_run_group_tests_name("tick", tests, NULL, NULL);
}
