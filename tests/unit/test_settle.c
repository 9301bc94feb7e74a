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

#include "support/plain_pool.h"

enum { MODELS = 3, SPARES = 2, SLOTS = MODELS + SPARES };

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
    lend_pool *pool = plain_pool(.models = MODELS, .spares = SPARES);
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
    plain_pool_close(pool);
}

static void one_too_many_is_not_too_many_while_one_cannot_be_counted_on(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = MODELS, .spares = SPARES);
    assert_true(count(pool, MODELS - 1, -1, -1).oversized);
    for (int i = 0; i < MODELS; i++) {
        assert_false(count(pool, MODELS - 1, i, -1).oversized);
        assert_false(count(pool, MODELS - 1, -1, i).oversized);
    }
    plain_pool_close(pool);
}

static void a_slot_that_is_not_part_of_the_pool_is_shut(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = MODELS, .spares = SPARES);
    for (int i = MODELS; i < SLOTS; i++) {
        assert_int_equal(slot_state(&pool->slots[i]), SLOT_ABSENT);
        assert_true((word_read(&pool->slots[i].life) & LIFE_SHUT) != 0);
    }
    plain_pool_close(pool);
}

/* The next one to come to a pool that lends nothing, under the lock. */
static void queue_up(lend_pool *pool, struct borrower *borrower) {
    waiter_init(&borrower->waiter);
    assert_int_equal(lend__borrower_arrive(pool, borrower, LEND_FOREVER), EINPROGRESS);
}

static void a_wait_is_no_progress_but_for_the_first_one_to_come(void **state) {
    (void)state;
    lend_pool *pool = plain_pool(.models = MODELS, .spares = SPARES);
    struct borrower first = {0}, second = {0};
    lend__lock_acquire(&pool->lock);
    pool->locked.suspended = true;
    pool->locked.progress_ns = 1;
    queue_up(pool, &first);
    int64_t first_ns = pool->locked.progress_ns;
    pool->locked.progress_ns = 2;
    queue_up(pool, &second);
    int64_t second_ns = pool->locked.progress_ns;
    list_remove(&pool->locked.waiters, &first.waiter.node);
    list_remove(&pool->locked.waiters, &second.waiter.node);
    pool->locked.suspended = false;
    lend__lock_release(&pool->lock);
    assert_true(first_ns > 2);
    assert_int_equal(second_ns, 2);
    plain_pool_close(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_counts_wherever_it_is),
        cmocka_unit_test(one_too_many_is_not_too_many_while_one_cannot_be_counted_on),
        cmocka_unit_test(a_slot_that_is_not_part_of_the_pool_is_shut),
        cmocka_unit_test(a_wait_is_no_progress_but_for_the_first_one_to_come),
    };
    return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
