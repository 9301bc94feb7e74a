/* SPDX-License-Identifier: MIT
 *
 * Statistics: every number of a snapshot, one by one and under load. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HOLD_MS 30
#define TICK_US 10000 /* the coarsest tick of the coarse clock */

/* How many waits and holds are in the histograms. */
static uint64_t waits_of(lend_pool *pool) {
    struct lend_pool_stats stats = stats_of(pool);
    return lend_histogram_count(&stats.waits);
}

static uint64_t holds_of(lend_pool *pool) {
    struct lend_pool_stats stats = stats_of(pool);
    return lend_histogram_count(&stats.holds);
}

static bool is_whole(const struct lend_pool_stats *stats) {
    return stats->models ==
           stats->free + stats->lent + stats->loading + stats->retiring + stats->lost;
}

static void a_new_pool_has_counted_its_loads_and_nothing_else(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    struct lend_pool_stats stats;
    memset(&stats, '#', sizeof stats);
    assert_int_equal(lend_pool_stats_get(pool, &stats), 0);
    assert_int_equal(stats.models, 3);
    assert_int_equal(stats.free, 3);
    assert_int_equal(stats.loads, 3);
    assert_true(is_whole(&stats));
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.grants + stats.queued + stats.timeouts + stats.refusals, 0);
    assert_int_equal(stats.broken + stats.load_failures + stats.bad_releases + stats.events, 0);
    assert_int_equal(lend_histogram_count(&stats.waits) + lend_histogram_count(&stats.holds), 0);
    fakes_close(&fakes, pool);
}

static void both_arguments_are_required(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_pool_stats stats;
    assert_int_equal(lend_pool_stats_get(NULL, &stats), EINVAL);
    assert_int_equal(lend_pool_stats_get(pool, NULL), EINVAL);
    fakes_close(&fakes, pool);
}

static void models_are_counted_where_they_are(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .models = 5);
    struct lend_lease leases[3] = {borrow_now(pool), borrow_now(pool), borrow_now(pool)};
    assert_int_equal(stats_of(pool).lent, 3);
    assert_int_equal(stats_of(pool).free, 2);
    fakes_hold(&fakes.load, &gate);
    lend_release_broken(&leases[0], "");
    lend_release_broken(&leases[1], "");
    assert_true(eventually(stats_of(pool).loading == 1));
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.models, 5);
    assert_int_equal(stats.free, 2);
    assert_int_equal(stats.lent, 1);
    assert_int_equal(stats.loading, 1);
    assert_int_equal(stats.retiring, 1);
    assert_int_equal(stats.lost, 0);
    gate_open(&gate);
    lend_release(&leases[2]);
    assert_true(eventually(stats_of(pool).free == 5));
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

static void every_grant_is_counted(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    for (unsigned i = 1; i <= 100; i++) {
        struct lend_lease lease = borrow_now(pool);
        assert_int_equal(stats_of(pool).grants, i);
        lend_release(&lease);
    }
    struct lend_lease leases[2] = {borrow_now(pool), borrow_now(pool)};
    assert_int_equal(stats_of(pool).grants, 102);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    lend_release(&leases[0]);
    assert_int_equal(borrower_join(&waiter), 0);
    lend_release(&leases[1]);
    assert_int_equal(stats_of(pool).grants, 103);
    fakes_close(&fakes, pool);
}

static void failed_acquires_are_timeouts_or_refusals(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = 1);
    struct lend_lease lease = borrow_detached(pool);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    assert_int_equal(stats_of(pool).refusals, 1);
    borrow_in_vain(pool, lend_within_ms(1), ETIMEDOUT);
    borrow_in_vain(pool, (lend_deadline){1}, ETIMEDOUT);
    assert_int_equal(stats_of(pool).timeouts, 2);

    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    assert_int_equal(stats_of(pool).waiting, 1);
    borrow_in_vain(pool, LEND_FOREVER, ENOBUFS);
    assert_int_equal(stats_of(pool).refusals, 2);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    assert_int_equal(borrower_join(&waiter), ESHUTDOWN);
    borrow_in_vain(pool, LEND_FOREVER, ESHUTDOWN);
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.grants, 1);
    assert_int_equal(stats.queued, 3);
    assert_int_equal(stats.timeouts, 2);
    assert_int_equal(stats.refusals, 4);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void each_wait_is_in_the_histogram_whatever_came_of_it(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .wait_ms_default = HOLD_MS);
    struct lend_lease lease = borrow_detached(pool);
    assert_int_equal(waits_of(pool), 0);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    assert_int_equal(waits_of(pool), 0);
    borrow_in_vain(pool, LEND_BY_DEFAULT, ETIMEDOUT);
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(lend_histogram_count(&stats.waits), 1);
    assert_true(lend_histogram_quantile_us(&stats.waits, 1) >= HOLD_MS * 1000);

    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    lend_release(&lease);
    assert_int_equal(borrower_join(&waiter), 0);
    stats = stats_of(pool);
    assert_int_equal(stats.queued, 2);
    assert_int_equal(lend_histogram_count(&stats.waits), stats.queued);
    fakes_close(&fakes, pool);
}

static void each_of_few_leases_that_ended_is_in_the_histogram(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .wait_ms_default = HOLD_MS);
    struct lend_lease lease = borrow_detached(pool);
    assert_int_equal(holds_of(pool), 0);
    borrow_in_vain(pool, LEND_BY_DEFAULT, ETIMEDOUT); /* and so it is held for as long */
    lend_release(&lease);
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(lend_histogram_count(&stats.holds), 1);
    assert_true(lend_histogram_quantile_us(&stats.holds, 1) >= HOLD_MS * 1000 - TICK_US);

    lease = borrow_now(pool);
    lend_release_broken(&lease, "");
    assert_int_equal(holds_of(pool), 2);
    assert_true(eventually(stats_of(pool).free == 1));
    lease = borrow_now(pool);
    lend_release(&lease);
    lend_release(&lease);
    assert_int_equal(holds_of(pool), 3);
    fakes_close(&fakes, pool);
}

/* Of so many leases of one slot that have ended: the first 64, then every 16th. */
static uint64_t counted_of(uint64_t leases) {
    return leases <= 64 ? leases : 64 + (leases - 64) / 16;
}

static void check_share(const struct lend_model_ops *ops) {
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .ops = ops, .models = 1);
    uint64_t leases = 0;
    while (leases < 64 + 160) {
        struct lend_lease lease = borrow_now(pool);
        lend_release(&lease);
        assert_int_equal(holds_of(pool), counted_of(++leases));
    }
    while (leases < 64 + 160 + 16) {
        struct lend_lease lease = borrow_now(pool);
        lend_release_broken(&lease, "");
        assert_int_equal(holds_of(pool), counted_of(++leases));
        assert_true(eventually(stats_of(pool).free == 1));
    }
    fakes_close(&fakes, pool);
}

static void of_many_leases_a_share_is_in_the_histogram(void **state) {
    (void)state;
    check_share(&fake_ops);
    check_share(&fake_plain_ops);
}

static void what_breaks_and_what_is_loaded_is_counted(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    fakes_fail_next(&fakes.load, 2, EIO, "the shelf is empty");
    lend_release_broken(&lease, "");
    assert_int_equal(stats_of(pool).broken, 1);
    assert_true(eventually(stats_of(pool).free == 1));
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.loads, 2);
    assert_int_equal(stats.load_failures, 2);

    fakes_fail_next(&fakes.reset, 1, EIO, "it is stuck");
    fakes_fail_next(&fakes.check, 1, EIO, "it reads nothing");
    lease = borrow_now(pool);
    lend_release(&lease);
    assert_true(eventually(stats_of(pool).free == 1));
    stats = stats_of(pool);
    assert_int_equal(stats.broken, 2);
    assert_int_equal(stats.loads, 3);
    assert_int_equal(stats.load_failures, 3);
    fakes_close(&fakes, pool);
}

static int release_lease(void *lease) {
    lend_release(lease);
    return 0;
}

static void refused_releases_and_events_are_counted(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct lend_lease copy = lease;
    thread_run(release_lease, &lease);
    assert_int_equal(stats_of(pool).bad_releases, 1);
    lend_release(&lease);
    lend_release(&copy);
    assert_int_equal(stats_of(pool).bad_releases, 2);
    assert_int_equal(stats_of(pool).events, 2);
    fakes_close(&fakes, pool);
}

/* Borrowers who break something now and then, until they are told to stop. */
struct traffic {
    lend_pool *pool;
    atomic_bool over;
    atomic_uint asked;
};

static int borrow_until_over(void *argument) {
    struct traffic *traffic = argument;
    for (unsigned round = 0; !atomic_load(&traffic->over); round++) {
        lend_deadline deadline = round % 7 == 0 ? LEND_NOW : lend_within_ms(5);
        struct lend_lease lease = lend_acquire(traffic->pool, deadline);
        atomic_fetch_add(&traffic->asked, 1);
        if (lend_lease_ok(&lease))
            fake_use(lease.model);
        if (round % 50 == 0)
            lend_release_broken(&lease, "");
        else
            lend_release(&lease);
    }
    return 0;
}

static bool only_grows(const struct lend_pool_stats *before, const struct lend_pool_stats *now) {
    return now->grants >= before->grants && now->queued >= before->queued &&
           now->timeouts >= before->timeouts && now->refusals >= before->refusals &&
           now->broken >= before->broken && now->loads >= before->loads &&
           now->load_failures >= before->load_failures && now->events >= before->events;
}

static void each_snapshot_is_whole_while_models_come_and_go(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct traffic traffic = {.pool = fakes_pool(&fakes, .models = 3)};
    struct test_thread threads[4];
    for (int i = 0; i < 4; i++)
        thread_start(&threads[i], borrow_until_over, &traffic);
    struct lend_pool_stats before = stats_of(traffic.pool);
    unsigned partial = 0, shrunk = 0;
    for (int i = 0; i < rounds(5000, 200); i++) {
        struct lend_pool_stats now = stats_of(traffic.pool);
        partial += !is_whole(&now) || now.models != 3;
        shrunk += !only_grows(&before, &now);
        before = now;
    }
    bool busy = eventually(atomic_load(&traffic.asked) >= 1000);
    atomic_store(&traffic.over, true);
    for (int i = 0; i < 4; i++)
        thread_join(&threads[i]);
    assert_true(busy);
    assert_int_equal(partial, 0);
    assert_int_equal(shrunk, 0);

    assert_true(eventually(stats_of(traffic.pool).free == 3));
    struct lend_pool_stats stats = stats_of(traffic.pool);
    assert_int_equal(stats.grants + stats.timeouts + stats.refusals, atomic_load(&traffic.asked));
    assert_int_equal(lend_histogram_count(&stats.waits), stats.queued);
    assert_in_range(lend_histogram_count(&stats.holds), stats.grants / 16, stats.grants);
    assert_int_equal(stats.loads, 3 + stats.broken);
    fakes_close(&fakes, traffic.pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_pool_has_counted_its_loads_and_nothing_else),
        cmocka_unit_test(both_arguments_are_required),
        cmocka_unit_test(models_are_counted_where_they_are),
        cmocka_unit_test(every_grant_is_counted),
        cmocka_unit_test(failed_acquires_are_timeouts_or_refusals),
        cmocka_unit_test(each_wait_is_in_the_histogram_whatever_came_of_it),
        cmocka_unit_test(each_of_few_leases_that_ended_is_in_the_histogram),
        cmocka_unit_test(of_many_leases_a_share_is_in_the_histogram),
        cmocka_unit_test(what_breaks_and_what_is_loaded_is_counted),
        cmocka_unit_test(refused_releases_and_events_are_counted),
        cmocka_unit_test(each_snapshot_is_whole_while_models_come_and_go),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
