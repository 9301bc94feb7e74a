/* SPDX-License-Identifier: MIT
 *
 * Closing a pool: with models out, with waiters, twice at once, while models are loaded. */
#include "scenario.h"

#include "fail.h"
#include "shop.h"
#include "threads.h"

#include "base/clock.h"

static struct shop shop;
static struct borrowing borrowings[3];
static int close_errors[2];

static void close_it(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_pool_close(shop.pool, LEND_FOREVER, NULL);
}

/* The last touch of the pool by a release is before the free. */
static void close_meets_release(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *closer = sim_start("closer", close_it, &close_errors[0]);
    shop_release(&shop, &lease);
    sim_join(closer);
    SIM_CHECK("CLOSED", close_errors[0] == 0, "close returned %d", close_errors[0]);
    shop_closed(&shop);
}

static void close_meets_waiters(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    borrowings[1] = (struct borrowing){.shop = &shop, .deadline = lend_within_ms(5)};
    struct sim_thread *waiters[2] = {sim_start("patient", shop_borrower, &borrowings[0]),
                                     sim_start("hasty", shop_borrower, &borrowings[1])};
    sim_settle(); /* no call may begin on a pool that may be closed meanwhile */
    struct sim_thread *closer = sim_start("closer", close_it, &close_errors[0]);
    shop_release(&shop, &lease);
    for (int i = 0; i < 2; i++)
        sim_join(waiters[i]);
    sim_join(closer);
    SIM_CHECK("ENDS", ONE_OF(borrowings[0].error, 0, ESHUTDOWN), "patient got %d",
              borrowings[0].error);
    SIM_CHECK("ENDS", ONE_OF(borrowings[1].error, 0, ESHUTDOWN, ETIMEDOUT), "hasty got %d",
              borrowings[1].error);
    SIM_CHECK("CLOSED", close_errors[0] == 0, "close returned %d", close_errors[0]);
    shop_closed(&shop);
}

static void close_soon(void *argument) {
    int *ret_error = argument;
    struct lend_report *report = NULL;
    int64_t until_ns = machine.now_ns + 5 * NS_PER_MS;
    *ret_error = lend_pool_close(shop.pool, lend_within_ms(5), &report);
    SIM_CHECK("TIME", *ret_error != EBUSY || machine.now_ns >= until_ns, "close gave up early");
    SIM_CHECK("CLOSED", *ret_error == EBUSY || report == NULL, "a report of nothing");
    lend_report_free(report);
}

/* Two closers: one closes, the other one is told so; one that gave up leaves it to the next. The
 * second may only begin while a lease is out, which keeps the pool from being freed. */
static void two_closers(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *closers[2] = {sim_start("closer", close_soon, &close_errors[0]),
                                     sim_start("other closer", close_soon, &close_errors[1])};
    sim_join(closers[0]);
    sim_join(closers[1]);
    SIM_CHECK("CLOSED", ONE_OF(close_errors[0], EBUSY, EALREADY), "one got %d", close_errors[0]);
    SIM_CHECK("CLOSED", ONE_OF(close_errors[1], EBUSY, EALREADY), "one got %d", close_errors[1]);
    SIM_CHECK("CLOSED", close_errors[0] == EBUSY || close_errors[1] == EBUSY, "nobody closed");
    struct sim_thread *closer = sim_start("last closer", close_it, &close_errors[0]);
    shop_release(&shop, &lease);
    sim_join(closer);
    SIM_CHECK("CLOSED", close_errors[0] == 0, "the last closer got %d", close_errors[0]);
    shop_closed(&shop);
}

/* A close that gives up as the lease comes back: the wake meant for it must not meet a parker that
 * is gone. */
static void close_gives_up_as_it_comes_back(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *closer = sim_start("closer", close_soon, &close_errors[0]);
    sim_pause_ms(5);
    shop_release(&shop, &lease);
    sim_join(closer);
    SIM_CHECK("CLOSED", ONE_OF(close_errors[0], 0, EBUSY), "close returned %d", close_errors[0]);
    if (close_errors[0] == EBUSY)
        close_it(&close_errors[0]);
    SIM_CHECK("CLOSED", close_errors[0] == 0, "close returned %d", close_errors[0]);
    shop_closed(&shop);
}

static void close_meets_replacement(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2);
    shop.loads_fail = 2;
    shop.loads_may_fail = true;
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    shop_release_broken(&shop, &lease);
    close_it(&close_errors[0]);
    SIM_CHECK("CLOSED", close_errors[0] == 0, "close returned %d", close_errors[0]);
    shop_closed(&shop);
}

/* A mender that is busy for long holds a close up, and no longer than it is. */
static void close_meets_slow_load(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .load_alarm_ms = 10);
    shop.load_ms = 20;
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    shop_release_broken(&shop, &lease);
    sim_pause_ms(sim_choose(2) == 0 ? 5 : 15);
    close_soon(&close_errors[0]);
    SIM_CHECK("CLOSED", ONE_OF(close_errors[0], 0, EBUSY), "close returned %d", close_errors[0]);
    if (close_errors[0] == EBUSY)
        close_it(&close_errors[0]);
    SIM_CHECK("CLOSED", close_errors[0] == 0, "close returned %d", close_errors[0]);
    shop_closed(&shop);
}

/* Opening by two loading threads, one load of which may fail: nothing is left then. */
static void opening_by_many(void *unused) {
    (void)unused;
    shop = (struct shop){.loads_fail = 1, .loads_may_fail = true};
    int error = shop_try_open(&shop, &LEND_POOL_OPTIONS(.models = 3, .loaders = 2));
    SIM_CHECK("OPEN", ONE_OF(error, 0, EIO), "open returned %d", error);
    if (error != 0) {
        shop_closed(&shop);
        return;
    }
    close_it(&close_errors[0]);
    SIM_CHECK("CLOSED", close_errors[0] == 0, "close returned %d", close_errors[0]);
    shop_closed(&shop);
}

static void dump(void *unused) {
    (void)unused;
    char words[2000];
    size_t length = lend_dump(words, sizeof words);
    SIM_CHECK("DUMP", length > 0 && words[length] == '\0', "a dump of %zu bytes", length);
}

/* Whoever asks walks all pools while one is closed. */
static void close_meets_dump(void *unused) {
    (void)unused;
    struct shop other;
    SHOP_OPEN(&shop, .models = 1, .name = "one");
    SHOP_OPEN(&other, .models = 1, .name = "other");
    struct sim_thread *dumper = sim_start("dumper", dump, NULL);
    borrowings[0] = (struct borrowing){.shop = &other, .deadline = LEND_FOREVER};
    struct sim_thread *borrower = sim_start("borrower", shop_borrower, &borrowings[0]);
    close_it(&close_errors[0]);
    sim_join(dumper);
    sim_join(borrower);
    SIM_CHECK("CLOSED", close_errors[0] == 0, "close returned %d", close_errors[0]);
    shop_closed(&shop);
    shop_close(&other);
}

const struct scenario closing_scenarios[] = {
    {"a_close_that_meets_a_release_frees_after_its_last_touch", close_meets_release, 1},
    {"a_close_sends_waiters_away_and_waits_for_them", close_meets_waiters, 1},
    {"of_two_closers_one_closes_and_the_other_is_told", two_closers, 1},
    {"a_close_that_gives_up_is_woken_no_more", close_gives_up_as_it_comes_back, 1},
    {"a_close_waits_for_a_replacement_under_way", close_meets_replacement, 1},
    {"a_close_waits_for_a_load_that_is_late", close_meets_slow_load, 1},
    {"a_dump_walks_no_pool_that_is_gone", close_meets_dump, 1},
    {"a_pool_that_does_not_open_leaves_nothing", opening_by_many, 1},
    {0},
};
