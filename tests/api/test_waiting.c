/* SPDX-License-Identifier: MIT
 *
 * Waiting for a model: the order of the queue, its bound, and the race of a grant with a deadline.
 */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/pace.h"

#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define WAITERS 5
#define RACE_MS 500
#define LAST_ROUND UINT_MAX

static void the_patience_of_a_pool_may_be_without_end(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .wait_ms_default = -1);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_BY_DEFAULT};
    borrower_queue_up(&waiter);
    lend_release(&lease);
    assert_int_equal(borrower_join(&waiter), 0);
    fakes_close(&fakes, pool);
}

static void waiters_are_served_in_the_order_of_their_arrival(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct tally turns;
    tally_init(&turns);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiters[WAITERS];
    for (uint32_t i = 0; i < WAITERS; i++) {
        waiters[i] = (struct borrower){.pool = pool, .deadline = LEND_FOREVER, .turns = &turns};
        borrower_queue_up(&waiters[i]);
    }
    lend_release(&lease);
    for (uint32_t i = 0; i < WAITERS; i++) {
        assert_int_equal(borrower_join(&waiters[i]), 0);
        assert_int_equal(waiters[i].turn, i + 1);
    }
    fakes_close(&fakes, pool);
    tally_deinit(&turns);
}

static void who_leaves_the_queue_lets_the_others_keep_their_order(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct tally turns;
    tally_init(&turns);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiters[WAITERS];
    const uint32_t leaver = 2;
    for (uint32_t i = 0; i < WAITERS; i++) {
        lend_deadline deadline = i == leaver ? lend_within_ms(20) : LEND_FOREVER;
        waiters[i] = (struct borrower){.pool = pool, .deadline = deadline, .turns = &turns};
        borrower_queue_up(&waiters[i]);
    }
    assert_int_equal(borrower_join(&waiters[leaver]), ETIMEDOUT);
    lend_release(&lease);
    for (uint32_t i = 0, turn = 0; i < WAITERS; i++) {
        if (i == leaver)
            continue;
        assert_int_equal(borrower_join(&waiters[i]), 0);
        assert_int_equal(waiters[i].turn, ++turn);
    }
    fakes_close(&fakes, pool);
    tally_deinit(&turns);
}

static void a_model_that_comes_back_is_the_waiters_before_anybody_can_ask(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate leave;
    gate_init(&leave);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER, .leave = &leave};
    borrower_queue_up(&waiter);
    lend_release(&lease);
    assert_int_equal(stats_of(pool).waiting, 0);
    assert_int_equal(stats_of(pool).lent, 1);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    gate_open(&leave);
    assert_int_equal(borrower_join(&waiter), 0);
    fakes_close(&fakes, pool);
    gate_deinit(&leave);
}

static void now_does_not_overtake_who_waits(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    assert_int_equal(stats_of(pool).waiting, 1);
    lend_release(&lease);
    assert_int_equal(borrower_join(&waiter), 0);
    fakes_close(&fakes, pool);
}

static void several_models_serve_several_waiters_at_once(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate leave;
    gate_init(&leave);
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease leases[2] = {borrow_now(pool), borrow_now(pool)};
    struct borrower waiters[3];
    for (uint32_t i = 0; i < 3; i++) {
        waiters[i] = (struct borrower){.pool = pool, .deadline = LEND_FOREVER, .leave = &leave};
        borrower_queue_up(&waiters[i]);
    }
    lend_release(&leases[1]);
    lend_release(&leases[0]);
    assert_int_equal(stats_of(pool).lent, 2);
    assert_int_equal(stats_of(pool).waiting, 1);
    gate_open(&leave);
    borrowers_join(waiters, 3, 0);
    assert_int_equal(stats_of(pool).free, 2);
    fakes_close(&fakes, pool);
    gate_deinit(&leave);
}

static void no_more_may_wait_than_the_bound_says(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = 2);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiters[2];
    borrowers_queue_up(waiters, 2, pool);
    borrow_in_vain(pool, LEND_FOREVER, ENOBUFS);
    borrow_in_vain(pool, LEND_BY_DEFAULT, ENOBUFS);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    assert_int_equal(stats_of(pool).waiting, 2);
    lend_release(&lease);
    borrowers_join(waiters, 2, 0);
    fakes_close(&fakes, pool);
}

static void a_place_that_became_free_can_be_waited_in(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = 1);
    struct lend_lease lease = borrow_detached(pool);
    borrow_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    borrow_in_vain(pool, LEND_FOREVER, ENOBUFS);
    lend_release(&lease);
    assert_int_equal(borrower_join(&waiter), 0);
    fakes_close(&fakes, pool);
}

static void without_waiters_whoever_finds_no_model_is_refused(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = LEND_NO_WAITERS);
    struct lend_lease lease = borrow_now(pool);
    borrow_in_vain(pool, LEND_FOREVER, ENOBUFS);
    assert_int_equal(stats_of(pool).queued, 0);
    lend_release(&lease);
    lease = borrow_now(pool);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_timed_out_waiter_never_owns_a_model(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiter = {.pool = pool, .deadline = lend_within_ms(1)};
    borrower_start(&waiter);
    assert_int_equal(borrower_join(&waiter), ETIMEDOUT);
    assert_int_equal(waiter.cause, LEND_CAUSE_HOLDERS);
    assert_int_equal(stats_of(pool).waiting, 0);
    lend_release(&lease);
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.free, 1);
    assert_int_equal(stats.grants, 1);
    assert_int_equal(stats.timeouts, 1);
    fakes_close(&fakes, pool);
}

/* Two threads that meet once per round. */
struct race {
    lend_pool *pool;
    atomic_uint begun, over; /* rounds; LAST_ROUND when there are no more */
};

/* Spins, so that both go on at the same moment, but not for long on a core that the other needs. */
static void wait_for_round(atomic_uint *counter, unsigned round) {
    for (unsigned spins = 0; atomic_load(counter) < round; spins++)
        if (spins > 2000)
            sched_yield();
}

static int arrive_each_round(void *argument) {
    struct race *race = argument;
    int error = 0;
    for (unsigned round = 1; error == 0; round++) {
        wait_for_round(&race->begun, round);
        if (atomic_load(&race->begun) == LAST_ROUND)
            break;
        struct lend_lease lease = lend_acquire(race->pool, lend_within_ms(PATIENCE_MS));
        error = lend_lease_error(&lease);
        lend_release(&lease);
        atomic_store(&race->over, error == 0 ? round : LAST_ROUND);
    }
    return error;
}

/* Nobody else comes who would find the model that was put back past the waiter. */
static void a_release_that_races_an_arrival_is_not_lost(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct race race = {.pool = fakes_pool(&fakes, .models = 1, .ops = &fake_plain_ops)};
    struct test_thread other;
    thread_start(&other, arrive_each_round, &race);
    lend_deadline enough = lend_within_ms(RACE_MS);
    for (unsigned round = 1; lend_deadline_left_ms(enough) > 0; round++) {
        struct lend_lease lease = borrow_now(race.pool);
        atomic_store(&race.begun, round);
        for (volatile unsigned delay = round % 1000; delay > 0;)
            delay = delay - 1;
        lend_release(&lease);
        wait_for_round(&race.over, round);
    }
    atomic_store(&race.begun, LAST_ROUND);
    assert_int_equal(thread_join(&other), 0);
    fakes_close(&fakes, race.pool);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The model comes back as the waiter's patience ends, or up to 200 us later, by when a machine at
 * rest has woken the waiter: so some are granted and some time out. */
static void a_grant_that_races_a_deadline_is_not_lost(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    int times = rounds(300, 30);
    uint64_t granted = 0, timed_out = 0;
    for (int i = 0; i < times; i++) {
        struct lend_lease lease = borrow_now(pool);
        struct borrower waiter = {.pool = pool, .deadline = lend_within_ms(1)};
        borrower_start(&waiter);
        while (now_ns() < waiter.deadline.at_ns + i % 100 * 2000)
            sched_yield();
        lend_release(&lease);
        int error = borrower_join(&waiter);
        assert_true(error == 0 || error == ETIMEDOUT);
        granted += error == 0;
        timed_out += error == ETIMEDOUT;
        assert_int_equal(stats_of(pool).free, 1);
        assert_int_equal(stats_of(pool).waiting, 0);
    }
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.grants, (unsigned)times + granted);
    assert_int_equal(stats.timeouts, timed_out);
    print_message("granted %d, timed out %d\n", (int)granted, (int)timed_out);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_patience_of_a_pool_may_be_without_end),
        cmocka_unit_test(waiters_are_served_in_the_order_of_their_arrival),
        cmocka_unit_test(who_leaves_the_queue_lets_the_others_keep_their_order),
        cmocka_unit_test(a_model_that_comes_back_is_the_waiters_before_anybody_can_ask),
        cmocka_unit_test(now_does_not_overtake_who_waits),
        cmocka_unit_test(several_models_serve_several_waiters_at_once),
        cmocka_unit_test(no_more_may_wait_than_the_bound_says),
        cmocka_unit_test(a_place_that_became_free_can_be_waited_in),
        cmocka_unit_test(without_waiters_whoever_finds_no_model_is_refused),
        cmocka_unit_test(a_timed_out_waiter_never_owns_a_model),
        cmocka_unit_test(a_release_that_races_an_arrival_is_not_lost),
        cmocka_unit_test(a_grant_that_races_a_deadline_is_not_lost),
    };
    return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
