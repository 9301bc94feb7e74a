/* SPDX-License-Identifier: MIT
 *
 * Models that break, and loads that fail while others wait. Pools that forgot whom to tell then
 * left their borrowers waiting for ever. */
#include "scenario.h"

#include "fail.h"
#include "shop.h"
#include "threads.h"

static struct shop shop;
static struct borrowing borrowings[4];
static struct sim_thread *threads[4];

static void wait_by(int count) {
    static const char *const names[] = {"first", "second", "third", "fourth"};
    for (int i = 0; i < count; i++) {
        borrowings[i] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
        threads[i] = sim_start(names[i], shop_borrower, &borrowings[i]);
    }
}

static void join(int count) {
    for (int i = 0; i < count; i++)
        sim_join(threads[i]);
}

/* Whoever waits is told EIO, or is served once a later load succeeds. */
static void a_load_fails(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    shop.loads_fail = 1;
    shop.loads_may_fail = true;
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    wait_by(2);
    shop_release_broken(&shop, &lease);
    join(2);
    for (int i = 0; i < 2; i++)
        SIM_CHECK("ENDS", ONE_OF(borrowings[i].error, 0, EIO), "got %d", borrowings[i].error);
    sim_pause_ms(1000);
    sim_settle();
    SIM_CHECK("ALIVE", shop_borrow(&shop, LEND_NOW) == 0, "the model was not replaced");
    shop_close(&shop);
}

static void all_loads_fail(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    shop.loads_fail = 100;
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    wait_by(2);
    shop_release_broken(&shop, &lease);
    join(2);
    for (int i = 0; i < 2; i++)
        SIM_CHECK("ENDS", borrowings[i].error == EIO, "got %d", borrowings[i].error);
    SIM_CHECK("HOPE", shop_borrow(&shop, LEND_FOREVER) == EIO, "borrowed what is not there");
    shop_close(&shop);
}

/* One model breaks, the other one comes back: the waiter needs one of the two. */
static void broken_beside_good(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2);
    shop.loads_fail = 1;
    shop.loads_may_fail = true;
    struct lend_lease bad = shop_acquire(&shop, LEND_NOW);
    struct lend_lease good = shop_acquire(&shop, LEND_NOW);
    wait_by(2);
    shop_release_broken(&shop, &bad);
    shop_release(&shop, &good);
    join(2);
    for (int i = 0; i < 2; i++)
        SIM_CHECK("ENDS", borrowings[i].error == 0, "got %d", borrowings[i].error);
    shop_close(&shop);
}

static void a_reset_fails(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    shop.resets_fail = 1;
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    wait_by(2);
    shop_release(&shop, &lease);
    join(2);
    for (int i = 0; i < 2; i++)
        SIM_CHECK("ENDS", borrowings[i].error == 0, "got %d", borrowings[i].error);
    SIM_CHECK("NAMED", shop.events[LEND_EVENT_RESET_FAILED] == 1, "nobody was told");
    shop_close(&shop);
}

/* A reset that takes its time holds up nobody who could be served otherwise. */
static void a_reset_is_slow(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2);
    shop.reset_ms = 50;
    wait_by(3);
    join(3);
    for (int i = 0; i < 3; i++)
        SIM_CHECK("ENDS", borrowings[i].error == 0, "got %d", borrowings[i].error);
    shop_close(&shop);
}

static void worn_models(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .recycle_lends = 1);
    wait_by(3);
    join(3);
    for (int i = 0; i < 3; i++)
        SIM_CHECK("ENDS", borrowings[i].error == 0, "got %d", borrowings[i].error);
    sim_settle();
    SIM_CHECK("LOAD", shop.loads == 4, "%u loads for 3 leases of one each", shop.loads);
    shop_close(&shop);
}

/* The keeper takes idle models to check them, under the eyes of borrowers. */
static void checks_of_the_idle(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .check_every_ms = 10);
    shop.models[0].unfit = true;
    sim_pause_ms(10);
    wait_by(2);
    join(2);
    for (int i = 0; i < 2; i++)
        SIM_CHECK("ENDS", borrowings[i].error == 0, "got %d", borrowings[i].error);
    shop_close(&shop);
}

/* A load that does not return is given up, and another one loads in its place; what it loads when
 * it returns after all is one too many, and goes. */
static void a_load_is_stuck(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .spares = 1, .load_alarm_ms = 10);
    machine.early = sim_choose(2) != 0;
    shop.load_ms = 500;
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    wait_by(2);
    shop_release_broken(&shop, &lease);
    sim_pause_ms(11);
    shop.load_ms = 0;
    join(2);
    for (int i = 0; i < 2; i++)
        SIM_CHECK("ENDS", ONE_OF(borrowings[i].error, 0, EIO), "got %d", borrowings[i].error);
    sim_pause_ms(300);
    SIM_CHECK("ALIVE", machine.early || shop_borrow(&shop, LEND_NOW) == 0,
              "nothing stood in for the load that was late");
    sim_pause_ms(2000);
    sim_settle();
    SIM_CHECK("ALIVE", shop_borrow(&shop, LEND_NOW) == 0, "the model was not replaced");
    SIM_CHECK("BOUND", shop.alive == 1, "%u models live", shop.alive);
    shop_close(&shop);
}

/* An unload that does not return: another mender goes on with the others. */
static void an_unload_is_stuck(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2, .load_alarm_ms = 10);
    shop.unload_ms = 300;
    struct lend_lease leases[2] = {shop_acquire(&shop, LEND_NOW), shop_acquire(&shop, LEND_NOW)};
    wait_by(2);
    for (int i = 0; i < 2; i++)
        shop_release_broken(&shop, &leases[i]);
    join(2);
    for (int i = 0; i < 2; i++)
        SIM_CHECK("ENDS", ONE_OF(borrowings[i].error, 0, EIO), "got %d", borrowings[i].error);
    sim_pause_ms(2000);
    sim_settle();
    SIM_CHECK("BOUND", shop.alive == 2, "%u models live", shop.alive);
    shop.unload_ms = 0;
    shop_close(&shop);
}

const struct scenario broken_scenarios[] = {
    {"a_load_that_fails_while_others_wait_is_told_to_them", a_load_fails, 1},
    {"without_a_model_that_can_be_loaded_nobody_waits", all_loads_fail, 1},
    {"a_broken_model_takes_no_waiter_along", broken_beside_good, 1},
    {"a_failed_reset_costs_a_model_and_no_waiter", a_reset_fails, 1},
    {"a_slow_reset_holds_up_only_its_own_model", a_reset_is_slow, 1},
    {"a_worn_model_is_replaced_between_two_borrowers", worn_models, 1},
    {"an_idle_model_is_checked_by_the_keeper_alone", checks_of_the_idle, 1},
    {"a_load_that_is_late_is_stood_in_for", a_load_is_stuck, 1},
    {"an_unload_that_is_late_leaves_the_rest_to_another", an_unload_is_stuck, 1},
    {0},
};
