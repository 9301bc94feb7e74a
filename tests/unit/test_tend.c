/* SPDX-License-Identifier: MIT
 *
 * What there is to do for a pool, decided for one that has neither threads nor models. */
#include "pool/keeper.h"
#include "pool/mender.h"
#include "pool/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SLOTS_MAX 4
#define HOUR_NS (3600 * NS_PER_S)

/* A pool in that state, and its menders. */
struct plan {
    struct lend_pool pool;
    struct slot slots[SLOTS_MAX];
    struct mender menders[2];
};

/* `models` are wanted; there are slots in these states, and what is LOST is not due for an hour. */
static void plan_init(struct plan *plan, uint32_t models, const enum slot_state *states,
                      uint32_t count) {
    *plan = (struct plan){.pool = {.slots = plan->slots, .slot_count = count}};
    plan->pool.locked.models = models;
    parker_init(&plan->pool.keeper_parker);
    for (uint32_t i = 0; i < count; i++) {
        gate_become(&plan->slots[i], SLOT_ABSENT);
        lend__pool_move(&plan->pool, &plan->slots[i], states[i]);
        plan->slots[i].failures = 1;
        plan->slots[i].retry_at_ns = lend__clock_now_ns() + HOUR_NS;
    }
}

#define plan_with(plan, models, ...)                                                               \
    plan_init((plan), (models), (const enum slot_state[]){__VA_ARGS__},                            \
              sizeof((const enum slot_state[]){__VA_ARGS__}) / sizeof(enum slot_state))

static void join(struct plan *plan, struct mender *mender) {
    mender->pool = &plan->pool;
    parker_init(&mender->parker);
    list_append(&plan->pool.locked.menders, &mender->node);
}

static bool tend(struct plan *plan) {
    struct list woken = {0};
    lend_deadline until;
    bool gone = lend__pool_tend(&plan->pool, &woken, &until);
    assert_int_equal(woken.length, 0);
    return gone;
}

#define assert_states(plan, ...)                                                                   \
    do {                                                                                           \
        const enum slot_state expected_[] = {__VA_ARGS__};                                         \
        for (uint32_t i_ = 0; i_ < sizeof expected_ / sizeof expected_[0]; i_++)                   \
            assert_int_equal(slot_state(&(plan)->slots[i_]), expected_[i_]);                       \
    } while (0)

/* too many */

static void what_has_no_model_goes_first(void **state) {
    (void)state;
    struct plan plan;
    plan_with(&plan, 2, SLOT_LOST, SLOT_FREE, SLOT_FREE);
    assert_true(tend(&plan));
    assert_states(&plan, SLOT_ABSENT, SLOT_FREE, SLOT_FREE);
    plan_with(&plan, 2, SLOT_FREE, SLOT_FREE, SLOT_LOST);
    assert_true(tend(&plan));
    assert_states(&plan, SLOT_FREE, SLOT_FREE, SLOT_ABSENT);
}

static void as_many_go_as_are_too_many(void **state) {
    (void)state;
    struct plan plan;
    plan_with(&plan, 2, SLOT_LOST, SLOT_LOST, SLOT_LOST, SLOT_LOST);
    assert_true(tend(&plan));
    assert_states(&plan, SLOT_ABSENT, SLOT_ABSENT, SLOT_LOST, SLOT_LOST);
    assert_int_equal(plan.slots[2].failures, 1); /* it was not removed and added again */
    assert_int_equal(plan.slots[3].failures, 1);
}

static void then_what_is_about_to_lose_its_model(void **state) {
    (void)state;
    struct plan plan;
    plan_with(&plan, 2, SLOT_RETIRING, SLOT_FREE, SLOT_FREE);
    assert_false(tend(&plan));
    assert_states(&plan, SLOT_RETIRING, SLOT_FREE, SLOT_FREE);
    plan_with(&plan, 2, SLOT_FREE, SLOT_FREE, SLOT_RETIRING);
    assert_false(tend(&plan));
    assert_states(&plan, SLOT_FREE, SLOT_FREE, SLOT_RETIRING);
}

static void and_what_is_only_being_loaded(void **state) {
    (void)state;
    struct plan plan;
    plan_with(&plan, 2, SLOT_LOADING, SLOT_FREE, SLOT_FREE);
    plan.slots[0].work = WORK_LOAD;
    assert_false(tend(&plan));
    assert_states(&plan, SLOT_LOADING, SLOT_FREE, SLOT_FREE);
}

static void then_idle_ones_at_once(void **state) {
    (void)state;
    struct plan plan;
    plan_with(&plan, 1, SLOT_LOST, SLOT_FREE, SLOT_FREE, SLOT_FREE);
    assert_true(tend(&plan));
    assert_states(&plan, SLOT_ABSENT, SLOT_RETIRING, SLOT_RETIRING, SLOT_FREE);
}

/* One that is being checked will be lent again; if it is stuck, nobody counts on that. */
static void a_model_that_is_being_checked_counts_unless_it_is_stuck(void **state) {
    (void)state;
    struct plan plan;
    for (int stuck = 0; stuck < 2; stuck++) {
        plan_with(&plan, 2, SLOT_LOADING, SLOT_FREE, SLOT_FREE);
        plan.slots[0].model = &plan;
        plan.slots[0].work = WORK_CHECK;
        plan.slots[0].stuck = stuck != 0;
        assert_false(tend(&plan));
        assert_states(&plan, SLOT_LOADING, stuck ? SLOT_FREE : SLOT_RETIRING, SLOT_FREE);
    }
}

/* What is stuck does not count, and so is not one of those that are too many. */
static void one_that_is_stuck_goes_in_nobodys_place(void **state) {
    (void)state;
    struct plan plan;
    plan_with(&plan, 1, SLOT_RETIRING, SLOT_FREE, SLOT_FREE);
    plan.slots[0].work = WORK_UNLOAD;
    plan.slots[0].stuck = true;
    assert_false(tend(&plan));
    assert_states(&plan, SLOT_RETIRING, SLOT_RETIRING, SLOT_FREE);
}

/* who does it */

static void while_one_works_the_other_is_given_nothing(void **state) {
    (void)state;
    struct plan plan;
    plan_with(&plan, 3, SLOT_FREE, SLOT_RETIRING, SLOT_RETIRING);
    join(&plan, &plan.menders[0]);
    join(&plan, &plan.menders[1]);
    lend__mender_begin(&plan.menders[0], CHORE_REPLACE, &plan.slots[1]);
    tend(&plan);
    assert_int_equal(plan.menders[1].state, MENDER_IDLE);
    plan.slots[1].stuck = true;
    tend(&plan);
    assert_int_equal(plan.menders[1].state, MENDER_BUSY);
    assert_ptr_equal(plan.menders[1].chore.slot, &plan.slots[2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_model_goes_first),
        cmocka_unit_test(as_many_go_as_are_too_many),
        cmocka_unit_test(then_what_is_about_to_lose_its_model),
        cmocka_unit_test(and_what_is_only_being_loaded),
        cmocka_unit_test(then_idle_ones_at_once),
        cmocka_unit_test(a_model_that_is_being_checked_counts_unless_it_is_stuck),
        cmocka_unit_test(one_that_is_stuck_goes_in_nobodys_place),
        cmocka_unit_test(while_one_works_the_other_is_given_nothing),
    };
    return cmocka_run_group_tests_name("tend", tests, NULL, NULL);
}
