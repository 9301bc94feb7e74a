/* SPDX-License-Identifier: MIT
 *
 * A job is one borrower from its beginning to its end, whatever it does meanwhile: what it borrowed
 * before, it can give back after. */
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A job of `shop` does all this. The executor of `other` is full: its only worker is held up. */
struct scene {
    struct workshop shop, other;
    struct held_job held, queued;
    lend_future *futures[2]; /* theirs */
};

static bool borrows_and_returns(lend_pool *pool) {
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    bool borrowed = lend_lease_ok(&lease);
    lend_release(&lease);
    return borrowed && !lend_lease_ok(&lease);
}

static bool borrow_another(struct scene *scene) {
    return borrows_and_returns(scene->shop.pool) && borrows_and_returns(scene->other.pool);
}

static bool wait_in_line(struct scene *scene) {
    struct lend_lease last = lend_acquire(scene->other.pool, LEND_NOW);
    struct lend_lease none = lend_acquire(scene->other.pool, lend_within_ms(1));
    bool waited = lend_lease_ok(&last) && lend_lease_error(&none) == ETIMEDOUT;
    lend_release(&none);
    lend_release(&last);
    return waited && !lend_lease_ok(&last);
}

static bool wait_for_a_job(struct scene *scene) {
    return lend_future_wait(scene->futures[0], lend_within_ms(1)) == ETIMEDOUT;
}

static bool wait_for_the_first_of_two(struct scene *scene) {
    size_t index;
    return lend_future_wait_any(scene->futures, 2, lend_within_ms(1), &index) == ETIMEDOUT;
}

static bool run_a_job_for_which_there_is_no_room(struct scene *scene) {
    lend_future *future;
    if (lend_submit(scene->other.executor, &LEND_JOB(.run = plain_job_run), &future) != 0)
        return false;
    bool ran = lend_future_outcome(future) == LEND_SUCCEEDED;
    lend_future_drop(future);
    return ran;
}

static bool run_a_job_that_it_waits_for(struct scene *scene) {
    lend_future *future;
    if (lend_submit(scene->shop.executor, &LEND_JOB(.run = plain_job_run), &future) != 0)
        return false;
    bool ran = lend_future_wait(future, LEND_FOREVER) == 0;
    lend_future_drop(future);
    return ran;
}

static bool hand_a_lease_over_to_itself(struct scene *scene) {
    struct lend_lease lease = lend_acquire(scene->shop.pool, LEND_NOW);
    bool handed = lend_lease_detach(&lease) == 0 && lend_lease_adopt(&lease) == 0;
    lend_release(&lease);
    return handed && !lend_lease_ok(&lease);
}

static void take_note(struct lend_lease *lease, void *told) {
    *(bool *)told = lend_lease_ok(lease);
}

static bool ask_and_be_told(struct scene *scene) {
    bool told = false;
    lend_completions *queue;
    if (lend_completions_open(&queue) != 0)
        return false;
    const struct lend_request_spec spec =
        LEND_REQUEST(.queue = queue, .acquired = take_note, .argument = &told);
    return lend_acquire_later(scene->shop.pool, LEND_NOW, &spec, NULL) == 0 &&
           lend_completions_run(queue, 1) == 1 && told && lend_completions_close(queue) == 0;
}

static const struct {
    const char *words;
    bool (*act)(struct scene *scene);
} acts[] = {
#define ACT(name)                                                                                  \
    { #name, name }
    ACT(borrow_another),
    ACT(wait_in_line),
    ACT(wait_for_a_job),
    ACT(wait_for_the_first_of_two),
    ACT(run_a_job_for_which_there_is_no_room),
    ACT(run_a_job_that_it_waits_for),
    ACT(hand_a_lease_over_to_itself),
    ACT(ask_and_be_told),
#undef ACT
};

static int act_all(void *model, void *scene, lend_job *job) {
    (void)model;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        struct lend_lease mine = lend_acquire(((struct scene *)scene)->shop.pool, LEND_NOW);
        bool acted = lend_lease_ok(&mine) && acts[i].act(scene);
        lend_release(&mine);
        if (!acted || lend_lease_ok(&mine))
            return lend_job_explain(job, EPERM, "%s", acts[i].words);
    }
    return 0;
}

static void a_job_can_give_back_what_it_borrowed_whatever_it_did_meanwhile(void **state) {
    (void)state;
    struct scene scene;
    held_job_init(&scene.held);
    held_job_init(&scene.queued);
    workshop_open(&scene.shop, 4, &LEND_EXECUTOR_OPTIONS(.workers = 1));
    workshop_open(
        &scene.other, 2,
        &LEND_EXECUTOR_OPTIONS(.workers = 1, .queue_max = 1, .when_full = LEND_FULL_RUN_HERE));
    scene.futures[0] = held_job_submit(&scene.other, &scene.held, LEND_FOREVER);
    assert_true(tally_wait(&scene.held.started, 1));
    scene.futures[1] = held_job_submit(&scene.other, &scene.queued, LEND_FOREVER);

    lend_future *future = workshop_run(&scene.shop, act_all, &scene);
    assert_string_equal(lend_future_reason(future), "");
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);

    tally_add(&scene.held.go);
    tally_add(&scene.queued.go);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lend_future_join(scene.futures[i], LEND_BY_DEFAULT), 0);
        lend_future_drop(scene.futures[i]);
    }
    workshop_close(&scene.shop);
    workshop_close(&scene.other);
    held_job_deinit(&scene.held);
    held_job_deinit(&scene.queued);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_can_give_back_what_it_borrowed_whatever_it_did_meanwhile),
    };
    return cmocka_run_group_tests_name("one_borrower", tests, NULL, NULL);
}
