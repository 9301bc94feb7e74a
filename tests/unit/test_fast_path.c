/* SPDX-License-Identifier: MIT
 *
 * The pair that takes no lock: what it leaves in the slot, whoever reads the clock, and what it
 * leaves to the slow path. On a pool without threads, so that nobody else touches it. */
#include "pool/lending.h"
#include "pool/state.h"

#include <lend/lease.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Pools that are opened have small ones. */
#define FIRST_NUMBER (UINT64_C(1) << 40)

enum { SLOTS = 2, TICK_NS = 5, UNCOUNTED = 1001 };

struct bare_pool {
    lend_pool pool;
    struct slot slots[SLOTS];
    int models[SLOTS];
};

static void bare_pool_init(struct bare_pool *bare, uint64_t number) {
    *bare = (struct bare_pool){.pool = {.slots = bare->slots,
                                        .slot_count = SLOTS,
                                        .number = number,
                                        .era = fork_era(),
                                        .plain = true}};
    parker_init(&bare->pool.keeper_parker);
    for (int i = 0; i < SLOTS; i++) {
        bare->slots[i].model = &bare->models[i];
        word_init(&bare->slots[i].life, life_make(0, SLOT_FREE));
    }
}

/* All of it must be back. */
static void bare_pool_deinit(struct bare_pool *bare) {
    for (int i = 0; i < SLOTS; i++)
        assert_int_equal(slot_state(&bare->slots[i]), SLOT_FREE);
    parker_deinit(&bare->pool.keeper_parker);
}

typedef struct lend_lease take(lend_pool *pool);

static struct lend_lease take_plainly(lend_pool *pool) {
    return (lend_acquire)(pool, LEND_NOW);
}

static struct lend_lease take_at(lend_pool *pool) {
    return lend_acquire_at(pool, LEND_NOW, /* site= */ NULL);
}

static struct lend_lease take_for_job(lend_pool *pool) {
    return lend__acquire(pool, LEND_NOW, /* site= */ NULL, /* cancel= */ NULL);
}

static take *const ways[] = {take_plainly, take_at, take_for_job};
enum { WAYS = sizeof ways / sizeof ways[0] };

/* The slot of a lease that is going on and says the truth. */
static struct slot *told_slot(struct bare_pool *bare, const struct lend_lease *lease) {
    assert_true(lend_lease_ok(lease));
    assert_in_range(lease->slot, 0, SLOTS - 1);
    struct slot *slot = &bare->slots[lease->slot];
    assert_ptr_equal(lease->model, slot->model);
    assert_true(slot_is_lent(slot, lease->generation));
    assert_int_equal(word_peek(&slot->told), lease->generation);
    return slot;
}

static void who_reads_the_clock_itself_says_since_when(void **state) {
    (void)state;
    struct bare_pool bare;
    bare_pool_init(&bare, FIRST_NUMBER);
    for (int i = 0; i < 2 * WAYS; i++) {
        struct lend_lease lease = ways[i / 2](&bare.pool);
        assert_int_not_equal(word_peek(&told_slot(&bare, &lease)->since_ns), 0);
        lend_release(&lease);
    }
    bare_pool_deinit(&bare);
}

static void while_it_ticks_a_lease_has_the_time_of_the_tick(void **state) {
    (void)state;
    struct bare_pool bare;
    bare_pool_init(&bare, FIRST_NUMBER + 1);
    word_poke(&bare.pool.tick_ns, TICK_NS);
    for (int i = 0; i < 2 * WAYS; i++) {
        struct lend_lease lease = ways[i / 2](&bare.pool);
        assert_int_equal(word_peek(&told_slot(&bare, &lease)->since_ns), TICK_NS);
        lend_release(&lease);
    }
    bare_pool_deinit(&bare);
}

static void who_has_the_one_gets_the_other(void **state) {
    (void)state;
    struct bare_pool bare;
    bare_pool_init(&bare, FIRST_NUMBER + 2);
    word_poke(&bare.pool.tick_ns, TICK_NS);
    for (int i = 0; i < WAYS; i++) {
        struct lend_lease one = ways[i](&bare.pool), other = ways[i](&bare.pool);
        assert_ptr_not_equal(told_slot(&bare, &one), told_slot(&bare, &other));
        lend_release(&other);
        lend_release(&one);
    }
    bare_pool_deinit(&bare);
}

/* Where a thread keeps what it had last there is room for one of several pools. */
static void each_pool_lends_its_own(void **state) {
    (void)state;
    static struct bare_pool pools[THREAD_SLOTS + 1];
    for (uint64_t i = 0; i <= THREAD_SLOTS; i++) {
        bare_pool_init(&pools[i], FIRST_NUMBER + 100 + i);
        word_poke(&pools[i].pool.tick_ns, TICK_NS);
    }
    for (int way = 0; way < WAYS; way++)
        for (int i = 0; i <= THREAD_SLOTS; i++) {
            struct lend_lease lease = ways[way](&pools[i].pool);
            told_slot(&pools[i], &lease);
            lend_release(&lease);
        }
    for (int i = 0; i <= THREAD_SLOTS; i++)
        bare_pool_deinit(&pools[i]);
}

/* The next lease of each slot is one that is not counted, which is given back in the short way. */
static void lend_until_uncounted(struct bare_pool *bare) {
    for (int i = 0; i < SLOTS; i++)
        word_init(&bare->slots[i].life, life_make(UNCOUNTED - 1, SLOT_FREE));
}

static void a_worker_takes_again_what_it_had_if_that_is_free_and_nobody_waits(void **state) {
    (void)state;
    struct bare_pool bare;
    bare_pool_init(&bare, FIRST_NUMBER + 3);
    struct lend_lease lease = take_plainly(&bare.pool), again;
    struct slot *slot = told_slot(&bare, &lease);
    assert_false(lend__acquire_again(&bare.pool, /* site= */ NULL, &again));
    assert_ptr_equal(told_slot(&bare, &lease), slot);
    lend_release(&lease);
    word_poke(&bare.pool.gate, 1);
    assert_false(lend__acquire_again(&bare.pool, /* site= */ NULL, &again));
    word_poke(&bare.pool.gate, 0);
    assert_true(lend__acquire_again(&bare.pool, /* site= */ NULL, &again));
    assert_ptr_equal(told_slot(&bare, &again), slot);
    lend_release(&again);
    bare_pool_deinit(&bare);
}

/* What lies behind the slots happens to look just right. */
static void a_lease_of_a_slot_behind_the_last_is_not_given_back(void **state) {
    (void)state;
    struct bare_pool bare;
    bare_pool_init(&bare, FIRST_NUMBER + 4);
    lend_until_uncounted(&bare);
    struct lend_lease leases[SLOTS];
    for (int i = 0; i < SLOTS; i++)
        leases[i] = take_plainly(&bare.pool);
    int last = leases[0].slot == SLOTS - 1 ? 0 : 1;
    struct lend_lease forged = leases[last];
    bare.pool.slot_count = SLOTS - 1;
    lend_release(&forged);
    assert_int_equal(slot_state(&bare.slots[SLOTS - 1]), SLOT_LENT);
    assert_int_equal(word_peek(&bare.pool.bad_releases), 1);
    bare.pool.slot_count = SLOTS;
    for (int i = 0; i < SLOTS; i++)
        lend_release(&leases[i]);
    bare_pool_deinit(&bare);
}

static void lend_so_often(struct bare_pool *bare, int times) {
    for (int i = 0; i < times; i++) {
        struct lend_lease lease = take_plainly(&bare->pool);
        lend_release(&lease);
    }
}

static void only_every_so_many_leases_it_is_asked_whether_to_tick(void **state) {
    (void)state;
    struct bare_pool bare;
    bare_pool_init(&bare, FIRST_NUMBER + 5);
    lend_so_often(&bare, SLOT_TURNS - 1);
    assert_int_equal(word_peek(&bare.pool.tick_ns), 0);
    for (int i = 0; i < SLOTS; i++)
        bare.slots[i].turned_ns = INT64_MAX; /* no time at all has passed */
    lend_so_often(&bare, 1);
    assert_int_not_equal(word_peek(&bare.pool.tick_ns), 0);
    bare_pool_deinit(&bare);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reads_the_clock_itself_says_since_when),
        cmocka_unit_test(while_it_ticks_a_lease_has_the_time_of_the_tick),
        cmocka_unit_test(who_has_the_one_gets_the_other),
        cmocka_unit_test(each_pool_lends_its_own),
        cmocka_unit_test(a_worker_takes_again_what_it_had_if_that_is_free_and_nobody_waits),
        cmocka_unit_test(a_lease_of_a_slot_behind_the_last_is_not_given_back),
        cmocka_unit_test(only_every_so_many_leases_it_is_asked_whether_to_tick),
    };
    return cmocka_run_group_tests_name("fast path", tests, NULL, NULL);
}
