/* SPDX-License-Identifier: MIT
 *
 * Waiting for a model, and being granted one. The bugs meant here are the most repeated of all: a
 * grant that meets a timeout and is owned by nobody, a waiter who arrives as the last model is put
 * back, one who overtakes. And what is said meanwhile of who has it. */
#include "scenario.h"

#include "fail.h"
#include "shop.h"
#include "threads.h"

#include <stdio.h>
#include <string.h>

static struct shop shop;
static struct borrowing borrowings[6];
static const char *const names[] = {"first", "second", "third", "fourth", "fifth"};

/* Threads that borrow once each, and are joined. */
static void borrow_by(int count, const int64_t within_ms[]) {
    struct sim_thread *threads[6];
    for (int i = 0; i < count; i++) {
        borrowings[i] = (struct borrowing){
            .shop = &shop,
            .deadline = within_ms[i] < 0 ? LEND_FOREVER : lend_within_ms(within_ms[i])};
        threads[i] = sim_start(names[i], shop_borrower, &borrowings[i]);
    }
    for (int i = 0; i < count; i++)
        sim_join(threads[i]);
}

static void one_model_for_two(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    borrow_by(2, (int64_t[]){-1, -1});
    SIM_CHECK("ENDS", borrowings[0].error == 0 && borrowings[1].error == 0, "somebody got nothing");
    shop_close(&shop);
}

/* The gate is shut, or the stack is looked at, in the same step in which a waiter arrives. */
static void arrival_meets_return(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowings[0]);
    shop_release(&shop, &lease);
    sim_join(waiter);
    SIM_CHECK("ENDS", borrowings[0].error == 0, "the waiter got nothing");
    shop_close(&shop);
}

/* The same on the shortest ways, where the swap that puts it back is the last touch. */
static void arrival_meets_plain_return(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2, .ops = &shop_plain_operations);
    struct lend_lease leases[2] = {shop_acquire(&shop, LEND_NOW), shop_acquire(&shop, LEND_NOW)};
    struct sim_thread *threads[2];
    for (int i = 0; i < 2; i++) {
        borrowings[i] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
        threads[i] = sim_start(names[i], shop_borrower, &borrowings[i]);
    }
    shop_release(&shop, &leases[0]);
    shop_release(&shop, &leases[1]);
    for (int i = 0; i < 2; i++) {
        sim_join(threads[i]);
        SIM_CHECK("ENDS", borrowings[i].error == 0, "%s got nothing", names[i]);
    }
    shop_close(&shop);
}

static void grant_meets_timeout(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = lend_within_ms(10)};
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowings[0]);
    sim_pause_ms(10);
    shop_release(&shop, &lease);
    sim_join(waiter);
    SIM_CHECK("ENDS", ONE_OF(borrowings[0].error, 0, ETIMEDOUT), "the waiter got %d",
              borrowings[0].error);
    SIM_CHECK("HAND", shop_borrow(&shop, LEND_NOW) == 0, "the model is gone");
    shop_close(&shop);
}

/* Who takes the place of a head that gives up? The next one, with what came in between. */
static void the_head_gives_up(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = lend_within_ms(10)};
    borrowings[1] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *head = sim_start("head", shop_borrower, &borrowings[0]);
    struct sim_thread *next = sim_start("next", shop_borrower, &borrowings[1]);
    shop_release(&shop, &lease);
    sim_join(head);
    sim_join(next);
    SIM_CHECK("ENDS", borrowings[1].error == 0, "the next one got %d", borrowings[1].error);
    shop_close(&shop);
}

static void a_crowd(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2);
    borrow_by(5, (int64_t[]){-1, 20, 10, -1, 10});
    SIM_CHECK("ENDS", borrowings[0].error == 0 && borrowings[3].error == 0,
              "somebody who waits for ever got nothing");
    shop_close(&shop);
}

static void borrow_twice(void *unused) {
    (void)unused;
    SIM_CHECK("ENDS", shop_borrow(&shop, LEND_FOREVER) == 0, "got nothing");
    SIM_CHECK("ENDS", shop_borrow(&shop, LEND_FOREVER) == 0, "got nothing");
}

/* The shortest ways: a slot that went and came back is not taken for one that stayed. */
static void slots_come_and_go(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2, .ops = &shop_plain_operations);
    struct sim_thread *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = sim_start(names[i], borrow_twice, NULL);
    for (int i = 0; i < 3; i++)
        sim_join(threads[i]);
    shop_close(&shop);
}

static void the_bound_on_waiters(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .waiters_max = 1);
    borrow_by(3, (int64_t[]){-1, -1, -1});
    int crowded = 0;
    for (int i = 0; i < 3; i++) {
        SIM_CHECK("ENDS", ONE_OF(borrowings[i].error, 0, ENOBUFS), "somebody got %d",
                  borrowings[i].error);
        crowded += borrowings[i].error == ENOBUFS;
    }
    SIM_CHECK("BOUND", crowded <= 1, "%d were too many", crowded);
    shop_close(&shop);
}

/* Who does not wait takes nothing from those who do. */
static void who_only_looks(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    borrowings[0] = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    borrowings[1] = (struct borrowing){.shop = &shop, .deadline = LEND_NOW};
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowings[0]);
    struct sim_thread *looker = sim_start("looker", shop_borrower, &borrowings[1]);
    shop_release(&shop, &lease);
    sim_join(waiter);
    sim_join(looker);
    SIM_CHECK("ENDS", borrowings[0].error == 0, "the waiter got %d", borrowings[0].error);
    SIM_CHECK("ENDS", ONE_OF(borrowings[1].error, 0, EBUSY), "the looker got %d",
              borrowings[1].error);
    shop_close(&shop);
}

/* Two who borrow the only model, each from a place of his own. */
static const struct lend_site places[2] = {{.file = "left.c", .line = 1, .function = "left"},
                                           {.file = "right.c", .line = 2, .function = "right"}};
static uint32_t tids[2];

static struct lend_lease acquire_from(int place) {
    struct lend_lease lease = lend_acquire_at(shop.pool, LEND_FOREVER, &places[place]);
    SIM_CHECK("ENDS", lend_lease_ok(&lease), "got %d", lend_lease_error(&lease));
    shop_model_taken(lease.model);
    shop.granted++;
    return lease;
}

static void borrow_from_the_right(void *unused) {
    (void)unused;
    struct lend_lease lease = acquire_from(1);
    shop_release(&shop, &lease);
}

/* Whoever has it is named with his own place. Nobody is, if it changes hands just then. */
static void read_report(void) {
    char words[256], who[32];
    lend_pool_print(shop.pool, words, sizeof words);
    for (int i = 0; i < 2; i++) {
        snprintf(who, sizeof who, "#0 thread %u for ", tids[i]);
        SIM_CHECK("NAMED", strstr(words, who) == NULL || strstr(words, places[1 - i].file) == NULL,
                  "who borrows at %s is said to have it: %s", places[i].file, words);
    }
}

static void read_twice(void *unused) {
    (void)unused;
    read_report();
    read_report();
}

/* The report is read from the slot while it changes hands, for which nobody needs a lock. */
static void a_slot_changes_hands_under_a_report(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .ops = &shop_plain_operations);
    struct lend_lease lease = acquire_from(0);
    struct sim_thread *reader = sim_start("reader", read_twice, NULL);
    struct sim_thread *other = sim_start("other", borrow_from_the_right, NULL);
    tids[0] = sim_tid(machine.running);
    tids[1] = sim_tid(other);
    shop_release(&shop, &lease);
    sim_join(reader);
    sim_join(other);
    shop_close(&shop);
}

const struct scenario waiting_scenarios[] = {
    {"one_model_serves_two_who_wait_for_ever", one_model_for_two, 1},
    {"a_waiter_who_arrives_as_the_last_model_comes_back_gets_it", arrival_meets_return, 1},
    {"models_put_back_in_one_step_reach_those_who_arrive", arrival_meets_plain_return, 1},
    {"a_grant_that_meets_a_timeout_is_taken_or_handed_on", grant_meets_timeout, 1},
    {"a_head_that_gives_up_leaves_the_model_to_the_next", the_head_gives_up, 1},
    {"a_crowd_is_served_in_order_and_on_time", a_crowd, 1},
    {"a_slot_that_went_and_came_back_is_nobodys_twice", slots_come_and_go, 1},
    {"the_bound_on_waiters_is_kept_and_told", the_bound_on_waiters, 1},
    {"who_only_looks_passes_nobody_who_waits", who_only_looks, 1},
    {"a_holder_in_a_report_is_never_a_mixture_of_two", a_slot_changes_hands_under_a_report, 1},
    {0},
};
