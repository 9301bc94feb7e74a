/* SPDX-License-Identifier: MIT
 *
 * Rings of threads that hold one model and wait for another. The oracle is asked in every state
 * whether anybody waits who cannot go on, and at each refusal whether it had to be. */
#include "scenario.h"

#include "fail.h"
#include "shop.h"
#include "threads.h"

static struct shop shops[3];

/* Takes one from each of two pools, and gives both back. */
struct crossing {
    struct shop *first, *second;
    lend_deadline deadline; /* of the second */
    int64_t hold_ms;        /* with both */
    int error;              /* out: of the second */
};

static struct crossing crossings[4];

static void cross(void *argument) {
    struct crossing *crossing = argument;
    struct lend_lease first = shop_acquire(crossing->first, LEND_FOREVER);
    SIM_CHECK("SOUND", lend_lease_ok(&first), "who holds nothing was refused: %d",
              lend_lease_error(&first));
    struct lend_lease second = shop_acquire(crossing->second, crossing->deadline);
    crossing->error = lend_lease_error(&second);
    if (lend_lease_ok(&second) && crossing->hold_ms > 0)
        sim_pause_ms(crossing->hold_ms);
    shop_release(crossing->second, &second);
    shop_release(crossing->first, &first);
}

static void cross_by(int count) {
    static const char *const names[] = {"first", "second", "third", "fourth"};
    struct sim_thread *threads[4];
    for (int i = 0; i < count; i++)
        threads[i] = sim_start(names[i], cross, &crossings[i]);
    for (int i = 0; i < count; i++)
        sim_join(threads[i]);
}

static int refused(int count) {
    int number = 0;
    for (int i = 0; i < count; i++) {
        SIM_CHECK("ENDS", ONE_OF(crossings[i].error, 0, EDEADLK, ETIMEDOUT), "somebody got %d",
                  crossings[i].error);
        number += crossings[i].error == EDEADLK;
    }
    return number;
}

static void two_pools(void *unused) {
    (void)unused;
    SHOP_OPEN(&shops[0], .models = 1, .name = "a");
    SHOP_OPEN(&shops[1], .models = 1, .name = "b");
    crossings[0] = (struct crossing){&shops[0], &shops[1], LEND_FOREVER, 0, 0};
    crossings[1] = (struct crossing){&shops[1], &shops[0], LEND_FOREVER, 0, 0};
    cross_by(2);
    SIM_CHECK("SOUND", refused(2) <= 1, "both were refused");
    shop_close(&shops[0]);
    shop_close(&shops[1]);
}

static void ring_of_three(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++)
        SHOP_OPEN(&shops[i], .models = 1);
    for (int i = 0; i < 3; i++)
        crossings[i] = (struct crossing){&shops[i], &shops[(i + 1) % 3], LEND_FOREVER, 0, 0};
    cross_by(3);
    SIM_CHECK("SOUND", refused(3) <= 1, "more than one was refused");
    for (int i = 0; i < 3; i++)
        shop_close(&shops[i]);
}

static void two_of_one_pool(void *unused) {
    (void)unused;
    SHOP_OPEN(&shops[0], .models = 2);
    for (int i = 0; i < 3; i++)
        crossings[i] = (struct crossing){&shops[0], &shops[0], LEND_FOREVER, 0, 0};
    cross_by(3);
    refused(3);
    shop_close(&shops[0]);
}

/* Some of them would end by themselves: the first of those is the one that is refused. */
static void ring_with_deadlines(void *unused) {
    (void)unused;
    SHOP_OPEN(&shops[0], .models = 1);
    SHOP_OPEN(&shops[1], .models = 1);
    crossings[0] = (struct crossing){&shops[0], &shops[1], lend_within_ms(20), 0, 0};
    crossings[1] = (struct crossing){&shops[1], &shops[0], LEND_FOREVER, 0, 0};
    crossings[2] = (struct crossing){&shops[0], &shops[1], lend_within_ms(10), 5, 0};
    cross_by(3);
    SIM_CHECK("SOUND", crossings[1].error == 0, "the patient one was refused");
    refused(3);
    shop_close(&shops[0]);
    shop_close(&shops[1]);
}

/* A second model of one pool is with somebody who needs nothing more: no ring. */
static void an_outsider_holds_one(void *unused) {
    (void)unused;
    SHOP_OPEN(&shops[0], .models = 2);
    SHOP_OPEN(&shops[1], .models = 1);
    struct lend_lease outside = shop_acquire(&shops[0], LEND_NOW);
    static const char *const names[] = {"first", "second"};
    struct sim_thread *threads[2];
    crossings[0] = (struct crossing){&shops[0], &shops[1], LEND_FOREVER, 0, 0};
    crossings[1] = (struct crossing){&shops[1], &shops[0], LEND_FOREVER, 0, 0};
    for (int i = 0; i < 2; i++)
        threads[i] = sim_start(names[i], cross, &crossings[i]);
    shop_release(&shops[0], &outside);
    for (int i = 0; i < 2; i++)
        sim_join(threads[i]);
    SIM_CHECK("SOUND", refused(2) == 0, "somebody was refused although one came back");
    shop_close(&shops[0]);
    shop_close(&shops[1]);
}

/* A pool that shrinks takes away what somebody waits for, though nobody begins to wait then. */
static void shrink_it(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_pool_resize(shops[0].pool, 1, LEND_FOREVER, NULL);
}

static void shrinking_makes_a_ring(void *unused) {
    (void)unused;
    int error = 0;
    SHOP_OPEN(&shops[0], .models = 2);
    struct lend_lease other = shop_acquire(&shops[0], LEND_NOW);
    crossings[0] = (struct crossing){&shops[0], &shops[0], LEND_FOREVER, 0, 0};
    struct sim_thread *crosser = sim_start("crosser", cross, &crossings[0]);
    struct sim_thread *shrinker = sim_start("shrinker", shrink_it, &error);
    sim_settle();
    shop_release(&shops[0], &other);
    sim_join(crosser);
    sim_join(shrinker);
    SIM_CHECK("ENDS", error == 0, "resize returned %d", error);
    SIM_CHECK("ENDS", ONE_OF(crossings[0].error, 0, EDEADLK), "got %d", crossings[0].error);
    shop_close(&shops[0]);
}

/* So it does if what it takes away cannot be loaded: the keeper does it then. */
static void shrinking_by_a_lost_one_makes_a_ring(void *unused) {
    (void)unused;
    int error = 0;
    SHOP_OPEN(&shops[0], .models = 2);
    struct lend_lease other = shop_acquire(&shops[0], LEND_NOW);
    shops[0].loads_fail = UINT32_MAX;
    shop_release_broken(&shops[0], &other);
    sim_settle();
    crossings[0] = (struct crossing){&shops[0], &shops[0], LEND_FOREVER, 0, 0};
    struct sim_thread *crosser = sim_start("crosser", cross, &crossings[0]);
    struct sim_thread *shrinker = sim_start("shrinker", shrink_it, &error);
    sim_join(crosser);
    sim_join(shrinker);
    SIM_CHECK("ENDS", ONE_OF(error, 0, EIO), "resize returned %d", error);
    SIM_CHECK("ENDS", crossings[0].error == EDEADLK, "got %d", crossings[0].error);
    shop_close(&shops[0]);
}

const struct scenario deadlock_scenarios[] = {
    {"of_two_who_cross_over_two_pools_one_at_most_is_refused", two_pools, 2},
    {"of_a_ring_of_three_one_at_most_is_refused", ring_of_three, 1},
    {"nested_borrowing_from_one_pool_never_hangs", two_of_one_pool, 1},
    {"a_ring_with_deadlines_refuses_who_would_end_first", ring_with_deadlines, 1},
    {"nobody_is_refused_while_an_outsider_may_give_back", an_outsider_holds_one, 1},
    {"a_pool_that_shrinks_refuses_whom_it_dooms", shrinking_makes_a_ring, 1},
    {"so_does_one_that_shrinks_by_a_lost_model", shrinking_by_a_lost_one_makes_a_ring, 1},
    {0},
};
