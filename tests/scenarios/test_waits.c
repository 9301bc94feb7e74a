/* SPDX-License-Identifier: MIT
 *
 * Waits that never end in other pools, or end by a time that nobody asked for: for what the waiters
 * themselves hold, beside an idle resource, for a grant that a waiter took along, behind others who
 * overtake, in a storm of timeouts. Here each wait ends, in time and by name. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/pace.h"
#include "support/workshop.h"

#include <lend/scope.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check_all_free(lend_pool *pool, uint32_t models) {
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.models, models);
    assert_int_equal(stats.free, models);
    assert_int_equal(stats.waiting, 0);
}

/* each has one and wants another */

#define NESTERS 50

struct nester {
    lend_pool *pool;
    struct tally *holding;
    uint32_t wait_for; /* so many have their first when any asks for his second */
    int first, second; /* what they were told */
    bool shown;        /* the refusal came with its steps */
    struct test_thread thread;
};

static int nest(void *argument) {
    struct nester *self = argument;
    struct lend_lease first = lend_acquire(self->pool, LEND_FOREVER);
    tally_add(self->holding);
    tally_wait(self->holding, self->wait_for);
    struct lend_lease second = lend_acquire(self->pool, LEND_FOREVER);
    const struct lend_report *report = lend_lease_report(&second);
    self->first = lend_lease_error(&first);
    self->second = lend_lease_error(&second);
    self->shown = report != NULL && report->step_count > 0 &&
                  report->cause == LEND_CAUSE_DEADLOCK && report->holder_count > 0;
    lend_release(&second);
    lend_release(&first);
    return 0;
}

/* Returns how many were refused; all others got their second. */
static unsigned run_nesters(uint32_t count, uint32_t models, uint32_t wait_for) {
    struct fakes fakes = {0};
    struct tally holding;
    static struct nester nesters[NESTERS];
    unsigned refused = 0;
    tally_init(&holding);
    lend_pool *pool = fakes_pool(&fakes, .models = models, .waiters_max = 2 * NESTERS);
    for (uint32_t i = 0; i < count; i++) {
        nesters[i] = (struct nester){.pool = pool, .holding = &holding, .wait_for = wait_for};
        thread_start(&nesters[i].thread, nest, &nesters[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(thread_join(&nesters[i].thread), 0);
        assert_int_equal(nesters[i].first, 0);
        assert_true(nesters[i].second == 0 || nesters[i].second == EDEADLK);
        assert_true(nesters[i].shown == (nesters[i].second == EDEADLK));
        refused += nesters[i].second == EDEADLK;
    }
    check_all_free(pool, models);
    fakes_close(&fakes, pool);
    tally_deinit(&holding);
    return refused;
}

static void fifty_threads_that_each_hold_one_and_want_another_are_told(void **state) {
    (void)state;
    uint32_t count = (uint32_t)rounds(NESTERS, 10);
    unsigned refused = run_nesters(count, count, count);
    print_message("%u of %u refused\n", refused, count);
    assert_true(refused > 0);
    assert_true(refused < count);
}

static void fifty_threads_on_ten_models_that_want_two_each_all_end(void **state) {
    (void)state;
    uint32_t count = (uint32_t)rounds(NESTERS, 15);
    unsigned refused = run_nesters(count, 10, 10);
    print_message("%u of %u refused\n", refused, count);
    assert_true(refused > 0);
}

static void whoever_has_the_last_one_and_wants_one_more_is_told(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease held = borrow_now(pool);
    borrow_in_vain(pool, LEND_FOREVER, EDEADLK);
    lend_release(&held);
    check_all_free(pool, 1);
    fakes_close(&fakes, pool);
}

/* a grant to a waiter that is cancelled at that moment */

static void what_a_cancelled_waiter_was_granted_goes_to_the_next(void **state) {
    (void)state;
    struct workshop shop;
    unsigned ran = 0;
    int times = rounds(300, 20);
    workshop_open(&shop, 1, &LEND_EXECUTOR_OPTIONS(.workers = 2));
    for (int i = 0; i < times; i++) {
        struct lend_lease held = borrow_now(shop.pool);
        lend_future *first, *second;
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &first), 0);
        assert_true(eventually(stats_of(shop.pool).waiting == 1));
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &second), 0);
        assert_true(eventually(stats_of(shop.pool).waiting == 2));
        lend_release(&held); /* to the first, which may have it or may not when it is cancelled */
        lend_future_cancel(first);
        assert_int_equal(lend_future_join(second, lend_within_ms(PATIENCE_MS)), 0);
        assert_int_equal(lend_future_outcome(second), LEND_SUCCEEDED);
        assert_int_equal(lend_future_join(first, lend_within_ms(PATIENCE_MS)), 0);
        ran += lend_future_outcome(first) == LEND_SUCCEEDED;
        lend_future_drop(first);
        lend_future_drop(second);
        check_all_free(shop.pool, 1);
    }
    print_message("%u of %d ran before they were cancelled\n", ran, times);
    workshop_close(&shop);
}

/* timeouts */

struct stormer {
    lend_pool *pool;
    struct gate *over;
    uint64_t timed_out, strange;
    struct test_thread thread;
};

static int storm(void *argument) {
    struct stormer *self = argument;
    while (!gate_is_open(self->over)) {
        struct lend_lease lease = lend_acquire(self->pool, lend_within_ms(1));
        int error = lend_lease_error(&lease);
        self->timed_out += error == ETIMEDOUT;
        self->strange += error != 0 && error != ETIMEDOUT;
        lend_release(&lease);
    }
    return 0;
}

static void use_for_a_millisecond(struct lend_lease *lease) {
    lend_deadline end = lend_within_ms(1);
    fake_begin(lease->model);
    while (await_pause(end))
        ;
    fake_end(lease->model);
    lend_release(lease);
}

static void a_storm_of_timeouts_does_not_keep_a_patient_one_from_its_work(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate over;
    struct stormer stormers[16];
    uint64_t timed_out = 0, strange = 0;
    int times = rounds(500, 20);
    gate_init(&over);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = 32);
    for (int i = 0; i < 16; i++) {
        stormers[i] = (struct stormer){.pool = pool, .over = &over};
        thread_start(&stormers[i].thread, storm, &stormers[i]);
    }
    for (int i = 0; i < times; i++) {
        struct lend_lease lease = lend_acquire(pool, LEND_BY_DEFAULT);
        assert_true(lend_lease_ok(&lease));
        use_for_a_millisecond(&lease);
    }
    gate_open(&over);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(thread_join(&stormers[i].thread), 0);
        timed_out += stormers[i].timed_out;
        strange += stormers[i].strange;
    }
    print_message("%llu timeouts\n", (unsigned long long)timed_out);
    assert_true(timed_out > (uint64_t)times);
    assert_int_equal(strange, 0);
    assert_int_equal(stats_of(pool).timeouts, timed_out);
    check_all_free(pool, 1);
    fakes_close(&fakes, pool);
    gate_deinit(&over);
}

static void waiters_that_expire_together_all_leave_though_nothing_comes_back(void **state) {
    (void)state;
    struct fakes fakes = {0};
    static struct borrower waiters[64];
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = 64);
    struct lend_lease held = borrow_now(pool);
    lend_deadline all = lend_within_ms(100);
    for (int i = 0; i < 64; i++) {
        waiters[i] = (struct borrower){.pool = pool, .deadline = all};
        borrower_start(&waiters[i]);
    }
    borrowers_join(waiters, 64, ETIMEDOUT);
    assert_int_equal(lend_deadline_left_ms(all), 0);
    assert_int_equal(stats_of(pool).timeouts, 64);
    lend_release(&held);
    check_all_free(pool, 1);
    fakes_close(&fakes, pool);
}

/* idle resources, and waiters beside them */

struct alternator {
    lend_pool *pool;
    uint32_t turns;
    struct test_thread thread;
};

static int alternate(void *argument) {
    struct alternator *self = argument;
    int error = 0;
    for (uint32_t i = 0; i < self->turns && error == 0; i++) {
        struct lend_lease lease = lend_acquire(self->pool, lend_within_ms(PATIENCE_MS));
        error = lend_lease_error(&lease);
        if (error == 0)
            fake_use(lease.model);
        lend_release(&lease);
    }
    return error;
}

/* There is no other traffic that could free one who missed his wake. */
static void of_two_threads_on_one_model_none_sleeps_beside_it(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct alternator alternators[2];
    uint32_t turns = (uint32_t)rounds(50000, 500);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .ops = &fake_plain_ops);
    for (int i = 0; i < 2; i++) {
        alternators[i] = (struct alternator){.pool = pool, .turns = turns};
        thread_start(&alternators[i].thread, alternate, &alternators[i]);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_join(&alternators[i].thread), 0);
    assert_int_equal(stats_of(pool).grants, 2 * turns);
    check_all_free(pool, 1);
    fakes_close(&fakes, pool);
}

static void whoever_gives_back_and_asks_again_overtakes_nobody(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease mine = borrow_now(pool);
    for (int round = 0; round < rounds(30, 5); round++) {
        struct borrower waiters[4];
        struct tally turns;
        tally_init(&turns);
        for (uint32_t i = 0; i < 4; i++) {
            waiters[i] = (struct borrower){.pool = pool, .deadline = LEND_FOREVER, .turns = &turns};
            borrower_queue_up(&waiters[i]);
        }
        lend_release(&mine);
        mine = lend_acquire(pool, LEND_BY_DEFAULT);
        assert_true(lend_lease_ok(&mine));
        assert_int_equal(tally_count(&turns), 4);
        borrowers_join(waiters, 4, 0);
        for (uint32_t i = 0; i < 4; i++)
            assert_int_equal(waiters[i].turn, i + 1);
        tally_deinit(&turns);
    }
    lend_release(&mine);
    check_all_free(pool, 1);
    fakes_close(&fakes, pool);
}

/* waits that nobody asked for */

static void nobody_waits_for_longer_than_the_pool_says_unless_he_spells_it(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_pool_options options;
    struct lend_lease none = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    assert_int_equal(lend_pool_options_get(pool, &options), 0);
    assert_int_equal(options.wait_ms_default, 30000);
    fakes_close(&fakes, pool);

    pool = fakes_pool(&fakes, .models = 1, .wait_ms_default = 50);
    struct lend_lease held = borrow_detached(pool);
    none = lend_acquire(pool, (lend_deadline){0});
    assert_int_equal(lend_lease_error(&none), ETIMEDOUT);
    assert_true(lend_lease_report(&none)->waited_ns >= INT64_C(50000000));
    assert_true(lend_lease_report(&none)->waited_ns < INT64_C(5000000000));
    lend_release(&none);
    lend_release(&held);
    fakes_close(&fakes, pool);
}

/* Queueing, waiting for a model, running: each for a part of the time, and all within it. */
static void one_deadline_covers_all_that_a_job_waits_for(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct lend_lease held = borrow_detached(shop.pool);
    lend_deadline both = lend_within_ms(1000);
    lend_future *borrowing, *queued;
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .deadline = both), &borrowing),
        0);
    assert_true(eventually(stats_of(shop.pool).waiting == 1));
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run, .deadline = both), &queued), 0);
    assert_int_equal(lend_future_wait(borrowing, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_wait(queued, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_deadline_left_ms(both), 0);
    assert_int_equal(lend_future_outcome(borrowing), LEND_EXPIRED);
    assert_int_equal(lend_future_outcome(queued), LEND_EXPIRED);
    assert_int_equal(stats_of(shop.pool).lent, 1); /* nothing came back in between */
    lend_future_drop(borrowing);
    lend_future_drop(queued);
    lend_release(&held);
    workshop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_threads_that_each_hold_one_and_want_another_are_told),
        cmocka_unit_test(fifty_threads_on_ten_models_that_want_two_each_all_end),
        cmocka_unit_test(whoever_has_the_last_one_and_wants_one_more_is_told),
        cmocka_unit_test(what_a_cancelled_waiter_was_granted_goes_to_the_next),
        cmocka_unit_test(a_storm_of_timeouts_does_not_keep_a_patient_one_from_its_work),
        cmocka_unit_test(waiters_that_expire_together_all_leave_though_nothing_comes_back),
        cmocka_unit_test(of_two_threads_on_one_model_none_sleeps_beside_it),
        cmocka_unit_test(whoever_gives_back_and_asks_again_overtakes_nobody),
        cmocka_unit_test(nobody_waits_for_longer_than_the_pool_says_unless_he_spells_it),
        cmocka_unit_test(one_deadline_covers_all_that_a_job_waits_for),
    };
    return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
