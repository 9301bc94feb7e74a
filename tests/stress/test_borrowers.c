/* SPDX-License-Identifier: MIT
 *
 * Eight threads on four models, with random patience, holds and mishaps: each model has one user at
 * a time and is reset between two, every snapshot is whole, in the end all models are back, and
 * what the borrowers were told adds up to what the pool has counted.
 *
 * LEND_STRESS_MS in the environment sets how long. The seed is fixed, the interleaving is not. */
#include "support/await.h"
#include "support/fake_model.h"
#include "support/thread.h"

#include <inttypes.h>
#include <lend/scope.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MODELS 4
#define WAITERS_MAX 3 /* fewer than may come, so that some are refused */
#define BORROWERS 8

/* What one borrower did and was told. */
struct account {
    uint64_t acquires, grants, timeouts, refusals;
    uint64_t broken;   /* models called broken */
    uint64_t copies;   /* leases released once more through a copy */
    uint64_t surprise; /* answers that are not in the list */
};

struct borrower {
    lend_pool *pool;
    const atomic_bool *over;
    uint64_t random; /* state of the generator */
    struct account account;
    struct test_thread thread;
};

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014):
 * a number below `limit`. */
static unsigned pick(struct borrower *borrower, unsigned limit) {
    uint64_t x = borrower->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((x ^ (x >> 31)) % limit);
}

static lend_deadline pick_deadline(struct borrower *borrower) {
    switch (pick(borrower, 8)) {
    case 0:
    case 1:
        return LEND_NOW;
    case 2:
    case 3:
        return lend_within_ms(1);
    case 4:
        return LEND_FOREVER;
    case 5:
        return (lend_deadline){1}; /* passed long ago */
    default:
        return lend_within_ms(1 + pick(borrower, 10));
    }
}

/* Use the model for nothing, a few microseconds, or as long as others take a few turns. */
static void hold(struct borrower *borrower, void *model) {
    fake_begin(model);
    unsigned kind = pick(borrower, 16);
    if (kind == 0)
        for (unsigned turns = pick(borrower, 50); turns > 0; turns--)
            sched_yield();
    else if (kind < 8)
        for (volatile unsigned work = pick(borrower, 2000); work > 0;)
            work = work - 1;
    fake_end(model);
}

static void note(struct account *account, int error) {
    account->acquires++;
    account->grants += error == 0;
    account->timeouts += error == ETIMEDOUT;
    bool refused = error == EBUSY || error == ENOBUFS || error == EIO;
    account->refusals += refused;
    account->surprise += error != 0 && error != ETIMEDOUT && !refused;
    if (refused)
        sched_yield(); /* rather than ask again before anything can have changed */
}

static void borrow_by_lease(struct borrower *borrower) {
    struct lend_lease lease = lend_acquire(borrower->pool, pick_deadline(borrower));
    bool served = lend_lease_ok(&lease);
    note(&borrower->account, lend_lease_error(&lease));
    borrower->account.surprise += served != (lend_lease_report(&lease) == NULL);
    if (served)
        hold(borrower, lease.model);
    if (served && pick(borrower, 512) == 0) {
        borrower->account.broken++;
        lend_release_broken(&lease, "a borrower says so");
        return;
    }
    struct lend_lease copy = lease;
    lend_release(&lease);
    if (served && pick(borrower, 64) == 0) {
        borrower->account.copies++;
        lend_release(&copy);
    }
}

static void borrow_by_block(struct borrower *borrower) {
    int error = 0;
    lend_with (page, borrower->pool, pick_deadline(borrower)) {
        hold(borrower, page.model);
    } lend_else {
        error = lend_lease_error(&page);
    } lend_end
    note(&borrower->account, error);
}

static int hold_once(void *model, void *borrower) {
    hold(borrower, model);
    return 0;
}

static int borrow_until_over(void *argument) {
    struct borrower *borrower = argument;
    while (!atomic_load(borrower->over)) {
        switch (pick(borrower, 4)) {
        case 0:
            borrow_by_block(borrower);
            break;
        case 1:
            note(&borrower->account,
                 lend_run(borrower->pool, pick_deadline(borrower), hold_once, borrower));
            break;
        default:
            borrow_by_lease(borrower);
        }
    }
    return 0;
}

static lend_deadline end_of_test(void) {
    const char *text = getenv("LEND_STRESS_MS");
    return lend_within_ms(text != NULL ? strtoll(text, NULL, 10) : 3000);
}

/* Until the deadline: let a load or a reset fail now and then, and look. Returns how many snapshots
 * did not add up. */
static uint64_t watch(struct fakes *fakes, lend_pool *pool, lend_deadline deadline) {
    uint64_t partial = 0;
    for (unsigned round = 0; await_pause(deadline); round++) {
        if (round % 4096 == 0)
            fakes_fail_next(&fakes->load, 1, EIO, "the shelf is empty");
        if (round % 128 == 0)
            fakes_fail_next(&fakes->reset, 1, EIO, "it is stuck");
        struct lend_pool_stats stats = stats_of(pool);
        partial += stats.models != MODELS || stats.waiting > WAITERS_MAX ||
                   stats.free + stats.lent + stats.loading + stats.retiring + stats.lost != MODELS;
    }
    fakes_fail_next(&fakes->load, 0, 0, NULL);
    fakes_fail_next(&fakes->reset, 0, 0, NULL);
    return partial;
}

static void add(struct account *sum, const struct account *account) {
    sum->acquires += account->acquires;
    sum->grants += account->grants;
    sum->timeouts += account->timeouts;
    sum->refusals += account->refusals;
    sum->broken += account->broken;
    sum->copies += account->copies;
    sum->surprise += account->surprise;
}

static void whatever_borrowers_do_the_models_come_back(void **state) {
    (void)state;
    struct fakes fakes = {0};
    atomic_bool over = false;
    lend_pool *pool = fakes_pool(&fakes, .models = MODELS, .waiters_max = WAITERS_MAX);
    struct borrower borrowers[BORROWERS];
    for (uint32_t i = 0; i < BORROWERS; i++) {
        borrowers[i] = (struct borrower){.pool = pool, .over = &over, .random = i};
        thread_start(&borrowers[i].thread, borrow_until_over, &borrowers[i]);
    }
    uint64_t partial = watch(&fakes, pool, end_of_test());
    atomic_store(&over, true);
    struct account sum = {0};
    for (uint32_t i = 0; i < BORROWERS; i++) {
        thread_join(&borrowers[i].thread);
        add(&sum, &borrowers[i].account);
    }
    assert_true(eventually(stats_of(pool).free == MODELS));

    struct lend_pool_stats stats = stats_of(pool);
    print_message("%" PRIu64 " acquires: %" PRIu64 " grants, %" PRIu64 " of %" PRIu64
                  " waits timed out, %" PRIu64 " refusals; %" PRIu64 " models replaced, %" PRIu64
                  " loads failed\n",
                  sum.acquires, stats.grants, stats.timeouts, stats.queued, stats.refusals,
                  stats.broken, stats.load_failures);
    assert_int_equal(partial, 0);
    assert_int_equal(sum.surprise, 0);
    assert_int_equal(sum.grants + sum.timeouts + sum.refusals, sum.acquires);
    assert_int_equal(stats.grants, sum.grants);
    assert_int_equal(stats.timeouts, sum.timeouts);
    assert_int_equal(stats.refusals, sum.refusals);
    assert_int_equal(stats.bad_releases, sum.copies);
    assert_true(stats.broken >= sum.broken);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.loads, MODELS + stats.broken);
    assert_int_equal(stats.loads + stats.load_failures, atomic_load(&fakes.load.calls));
    assert_int_equal(lend_histogram_count(&stats.waits), stats.queued);
    assert_in_range(lend_histogram_count(&stats.holds), stats.grants / 16, stats.grants);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_borrowers_do_the_models_come_back),
    };
    return cmocka_run_group_tests_name("borrowers", tests, NULL, NULL);
}
