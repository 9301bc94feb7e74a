/* SPDX-License-Identifier: MIT
 *
 * Suspending, resizing and reloading a pool under its borrowers. */
#include "scenario.h"

#include "fail.h"
#include "shop.h"
#include "threads.h"

static struct shop shop;
static struct borrowing borrowings[4];
static struct sim_thread *threads[4];
static int errors[2];

static void borrow_by(int count, lend_deadline deadline) {
    static const char *const names[] = {"first", "second", "third", "fourth"};
    for (int i = 0; i < count; i++) {
        borrowings[i] = (struct borrowing){.shop = &shop, .deadline = deadline};
        threads[i] = sim_start(names[i], shop_borrower, &borrowings[i]);
    }
}

static void join_served(int count) {
    for (int i = 0; i < count; i++) {
        sim_join(threads[i]);
        SIM_CHECK("ENDS", borrowings[i].error == 0, "got %d", borrowings[i].error);
    }
}

static void suspend_and_resume(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    borrow_by(2, LEND_FOREVER);
    SIM_CHECK("ENDS", lend_pool_suspend(shop.pool) == 0, "not suspended");
    sim_point("while it is suspended", NULL);
    SIM_CHECK("ENDS", lend_pool_resume(shop.pool) == 0, "not resumed");
    join_served(2);
    shop_close(&shop);
}

/* Who waits for a suspended pool times out on time, and takes nothing with him. */
static void suspended_timeouts(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    SIM_CHECK("ENDS", lend_pool_suspend(shop.pool) == 0, "not suspended");
    borrow_by(2, lend_within_ms(10));
    sim_pause_ms(10);
    SIM_CHECK("ENDS", lend_pool_resume(shop.pool) == 0, "not resumed");
    for (int i = 0; i < 2; i++) {
        sim_join(threads[i]);
        SIM_CHECK("ENDS", ONE_OF(borrowings[i].error, 0, ETIMEDOUT), "got %d", borrowings[i].error);
    }
    shop_close(&shop);
}

static void reload_it(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_pool_reload(shop.pool, LEND_FOREVER, NULL);
}

static void reload_soon(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_pool_reload(shop.pool, lend_within_ms(5), NULL);
}

static void shrink_it(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_pool_resize(shop.pool, 1, LEND_FOREVER, NULL);
}

static void grow_it(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_pool_resize(shop.pool, 2, LEND_FOREVER, NULL);
}

static void reload_under_borrowers(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2);
    struct sim_thread *operation = sim_start("operator", reload_it, &errors[0]);
    borrow_by(3, LEND_FOREVER);
    join_served(3);
    sim_join(operation);
    SIM_CHECK("ENDS", errors[0] == 0, "reload returned %d", errors[0]);
    SIM_CHECK("LOAD", shop.loads == 4, "%u loads", shop.loads);
    shop_close(&shop);
}

static void reload_that_fails(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2);
    shop.loads_fail = 1;
    shop.loads_may_fail = true;
    struct sim_thread *operation = sim_start("operator", reload_it, &errors[0]);
    borrow_by(2, LEND_FOREVER);
    join_served(2);
    sim_join(operation);
    SIM_CHECK("ENDS", ONE_OF(errors[0], 0, EIO), "reload returned %d", errors[0]);
    shop_close(&shop);
}

static void reload_out_of_time(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *operation = sim_start("operator", reload_soon, &errors[0]);
    sim_pause_ms(5);
    shop_release(&shop, &lease);
    sim_join(operation);
    SIM_CHECK("ENDS", ONE_OF(errors[0], 0, ETIMEDOUT), "reload returned %d", errors[0]);
    sim_settle();
    SIM_CHECK("ALIVE", shop_borrow(&shop, LEND_NOW) == 0, "the model is gone");
    shop_close(&shop);
}

static void shrink_under_borrowers(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 2);
    struct sim_thread *operation = sim_start("operator", shrink_it, &errors[0]);
    borrow_by(3, LEND_FOREVER);
    join_served(3);
    sim_join(operation);
    SIM_CHECK("ENDS", errors[0] == 0, "resize returned %d", errors[0]);
    SIM_CHECK("BOUND", shop.alive == 1, "%u models live", shop.alive);
    shop_close(&shop);
}

static void grow_under_waiters(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .models_max = 2);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    borrow_by(1, LEND_FOREVER);
    struct sim_thread *operation = sim_start("operator", grow_it, &errors[0]);
    join_served(1); /* by the new model: the other one is not given back before */
    shop_release(&shop, &lease);
    sim_join(operation);
    SIM_CHECK("ENDS", errors[0] == 0, "resize returned %d", errors[0]);
    shop_close(&shop);
}

static void two_operations(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1, .models_max = 2);
    struct sim_thread *operators[2] = {sim_start("reloads", reload_it, &errors[0]),
                                       sim_start("grows", grow_it, &errors[1])};
    for (int i = 0; i < 2; i++) {
        sim_join(operators[i]);
        SIM_CHECK("ENDS", ONE_OF(errors[i], 0, EALREADY), "an operation returned %d", errors[i]);
    }
    SIM_CHECK("ENDS", errors[0] == 0 || errors[1] == 0, "neither was done");
    shop_close(&shop);
}

static void operation_meets_close(void *unused) {
    (void)unused;
    SHOP_OPEN(&shop, .models = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *operation = sim_start("operator", reload_it, &errors[0]);
    sim_settle();
    shop_release(&shop, &lease);
    errors[1] = lend_pool_close(shop.pool, LEND_FOREVER, NULL);
    sim_join(operation);
    SIM_CHECK("ENDS", ONE_OF(errors[0], 0, ESHUTDOWN), "reload returned %d", errors[0]);
    SIM_CHECK("CLOSED", errors[1] == 0, "close returned %d", errors[1]);
    shop_closed(&shop);
}

const struct scenario operation_scenarios[] = {
    {"a_suspended_pool_lends_again_once_it_is_resumed", suspend_and_resume, 1},
    {"a_suspended_pool_holds_up_no_deadline", suspended_timeouts, 1},
    {"a_reload_under_borrowers_renews_each_model_once", reload_under_borrowers, 1},
    {"a_reload_that_fails_leaves_the_old_models", reload_that_fails, 1},
    {"a_reload_out_of_time_leaves_a_pool_that_lends", reload_out_of_time, 1},
    {"a_pool_that_shrinks_under_borrowers_serves_them_all", shrink_under_borrowers, 1},
    {"a_pool_that_grows_serves_who_waits", grow_under_waiters, 1},
    {"of_two_operations_one_is_told_of_the_other", two_operations, 1},
    {"a_close_ends_an_operation_before_it_frees", operation_meets_close, 1},
    {0},
};
