/* SPDX-License-Identifier: MIT
 *
 * Leases that leave their owner: threads that end with one, leases handed on, given back twice or
 * by the wrong thread, and a fork in between. */
#include "scenario.h"

#include "fail.h"
#include "forks.h"
#include "shop.h"
#include "threads.h"

#include "pool/state.h"

static struct shop shop;
static struct borrowing borrowings[2];
static struct lend_lease handed;
static int errors[2];

static void end_with_a_lease(void *unused) {
    (void)unused;
    struct lend_lease lease = shop_acquire(&shop, LEND_FOREVER);
    SIM_CHECK("ENDS", lend_lease_ok(&lease), "got %d", lend_lease_error(&lease));
    shop_use(&lease);
    shop_model_left(lease.model);
    if (sim_choose(2) != 0)
        sim_exit();
}

static void thread_ends_with_it(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *leaver = sim_start("leaver", end_with_a_lease, NULL);
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowings[0]);
    sim_join(leaver);
    sim_join(waiter);
    SIM_CHECK("RETURN", borrowings[0].error == 0, "the waiter got %d", borrowings[0].error);
    SIM_CHECK("NAMED", shop.events[LEND_EVENT_LEASE_LEFT] == 1, "nobody was told");
    shop_close(&shop);
}

/* The end of the thread is what the close waits for. */
static void thread_ends_during_close(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct sim_thread *leaver = sim_start("leaver", end_with_a_lease, NULL);
    sim_settle();
    SIM_CHECK("CLOSED", lend_pool_close(shop.pool, LEND_FOREVER, NULL) == 0, "not closed");
    shop_closed(&shop);
    sim_join(leaver);
}

static void adopt(void *argument) {
    int *ret_error = argument;
    struct lend_lease own = handed;
    *ret_error = lend_lease_adopt(&own);
    if (*ret_error == 0) {
        shop_use(&own);
        shop_release(&shop, &own);
    }
}

static void two_adopters(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    handed = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *adopters[2] = {sim_start("adopter", adopt, &errors[0]),
                                      sim_start("other", adopt, &errors[1])};
    int error = lend_lease_detach(&handed);
    SIM_CHECK("OWN", error == 0, "detach returned %d", error);
    for (int i = 0; i < 2; i++) {
        sim_join(adopters[i]);
        SIM_CHECK("OWN", ONE_OF(errors[i], 0, EPERM, ESTALE), "adopt returned %d", errors[i]);
    }
    SIM_CHECK("OWN", errors[0] != 0 || errors[1] != 0, "two adopted one lease");
    if (errors[0] != 0 && errors[1] != 0)
        adopt(&errors[0]);
    SIM_CHECK("OWN", errors[0] == 0 || errors[1] == 0, "nobody could adopt it");
    shop_close(&shop);
}

/* Between the look at a detached lease and the step that makes it one's own it may end, and another
 * one of the same slot may be detached by the same thread. */
static void an_adopter_is_late(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease own = shop_acquire(&shop, LEND_NOW);
    handed = own;
    SIM_CHECK("OWN", lend_lease_detach(&own) == 0, "not detached");
    struct sim_thread *adopter = sim_start("adopter", adopt, &errors[0]);
    bool adopts = lend_lease_adopt(&own) == 0;
    if (adopts) {
        shop_release(&shop, &own);
        own = shop_acquire(&shop, LEND_FOREVER);
        SIM_CHECK("OWN", lend_lease_detach(&own) == 0, "not detached");
    }
    sim_join(adopter);
    SIM_CHECK("OWN", (errors[0] == 0) != adopts, "%s adopted it", adopts ? "both" : "nobody");
    if (adopts) {
        SIM_CHECK("OWN", lend_lease_adopt(&own) == 0, "a late adopter has changed the owner");
        shop_release(&shop, &own);
    }
    shop_close(&shop);
}

/* A copy of a lease: one of the two gives it back, the other one changes nothing, whatever has
 * become of the slot meanwhile. */
static void release_handed(void *unused) {
    (void)unused;
    struct lend_lease own = handed;
    lend_release(&own);
}

static void a_copy_is_released_twice(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    handed = lease;
    struct sim_thread *other = sim_start("other", release_handed, NULL);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowings[0]);
    shop_release(&shop, &lease);
    sim_join(other);
    sim_join(waiter);
    SIM_CHECK("GEN", shop.events[LEND_EVENT_BAD_RELEASE] == 1, "nobody was told");
    SIM_CHECK("ENDS", borrowings[0].error == 0, "got %d", borrowings[0].error);
    shop_close(&shop);
}

/* On the shortest way back, which begins after the leases that are all counted. */
static void a_copy_outlives_its_lease(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .ops = &shop_plain_operations);
    for (int i = 0; i < HOLDS_FIRST; i++)
        shop_borrow(&shop, LEND_NOW);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW), copy = lease;
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    shop_release(&shop, &lease);
    lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowings[0]);
    lend_release(&copy);
    SIM_CHECK("GEN", shop.events[LEND_EVENT_BAD_RELEASE] == 1, "nobody was told");
    shop_release(&shop, &lease);
    sim_join(waiter);
    SIM_CHECK("ENDS", borrowings[0].error == 0, "got %d", borrowings[0].error);
    shop_close(&shop);
}

/* Detached, it is anybody's to give back, and of two who do one succeeds. */
static void two_release_what_was_detached(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    handed = shop_acquire(&shop, LEND_NOW);
    SIM_CHECK("OWN", lend_lease_detach(&handed) == 0, "not detached");
    shop_model_left(handed.model);
    struct sim_thread *others[2] = {sim_start("one", release_handed, NULL),
                                    sim_start("other", release_handed, NULL)};
    sim_join(others[0]);
    sim_join(others[1]);
    SIM_CHECK("GEN", shop.events[LEND_EVENT_BAD_RELEASE] == 1, "told %u times",
              shop.events[LEND_EVENT_BAD_RELEASE]);
    SIM_CHECK("RETURN", shop_borrow(&shop, LEND_NOW) == 0, "the model is gone");
    shop_close(&shop);
}

static int use_and_be_cancelled(void *model, void *argument) {
    (void)argument;
    shop.granted++;
    shop_model_taken(model);
    sim_point("works", NULL);
    shop_model_left(model);
    sim_cancellation_point();
    return 0;
}

static void run_it(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_run(shop.pool, LEND_FOREVER, use_and_be_cancelled, NULL);
}

static void a_run_is_cancelled(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *runner = sim_start("runner", run_it, &errors[0]);
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowings[0]);
    sim_cancel(runner);
    sim_join(runner);
    sim_join(waiter);
    SIM_CHECK("RETURN", borrowings[0].error == 0, "the waiter got %d", borrowings[0].error);
    shop_close(&shop);
}

/* Where the fork would be, nobody is in the middle of what the child will look at. */
static void look(void) {
    lend_pool *pool = shop.pool;
    SIM_CHECK("FORK", pool == NULL || pool->entry.list != NULL, "forked while a pool was listed");
    for (uint32_t i = 0; i < THREADS_MAX; i++)
        SIM_CHECK("FORK", &machine.threads[i] == machine.running || machine.threads[i].locks <= 1,
                  "forked while %s held two locks", machine.threads[i].name);
}

static void fork_it(void *unused) {
    (void)unused;
    sim_fork(look);
}

static void fork_among_crossers(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2);
    struct lend_lease first = shop_acquire(&shop, LEND_NOW);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER, .hold_ms = 1};
    struct sim_thread *forker = sim_start("forker", fork_it, NULL);
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowings[0]);
    SIM_CHECK("ENDS", shop_borrow(&shop, LEND_FOREVER) == 0, "got nothing");
    shop_release(&shop, &first);
    sim_join(forker);
    sim_join(waiter);
    shop_close(&shop);
}

const struct scenario leaving_scenarios[] = {
    {"a_thread_that_ends_with_a_lease_leaves_it_to_who_waits", thread_ends_with_it, 1},
    {"a_close_waits_for_a_thread_that_ends_with_a_lease", thread_ends_during_close, 1},
    {"of_two_adopters_one_gets_the_lease", two_adopters, 1},
    {"a_late_adopter_does_not_get_the_next_lease", an_adopter_is_late, 1},
    {"a_copy_of_a_lease_changes_nothing", a_copy_is_released_twice, 1},
    {"a_lease_that_is_over_does_not_put_back_the_next_one", a_copy_outlives_its_lease, 1},
    {"of_two_who_release_a_detached_lease_one_does", two_release_what_was_detached, 1},
    {"a_cancelled_run_gives_its_model_back", a_run_is_cancelled, 1},
    {"a_fork_waits_until_nobody_walks_the_pools", fork_among_crossers, 1},
    {0},
};
