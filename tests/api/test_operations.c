/* SPDX-License-Identifier: MIT
 *
 * Operations on a pool that goes on lending: suspend and resume, reload, resize. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/pace.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool is_whole(lend_pool *pool) {
    struct lend_pool_stats stats = stats_of(pool);
    return stats.models == stats.free + stats.lent + stats.loading + stats.retiring + stats.lost;
}

static unsigned number_of(lend_pool *pool) {
    struct lend_lease lease = borrow_now(pool);
    unsigned number = ((const struct fake_model *)lease.model)->number;
    fake_use(lease.model);
    lend_release(&lease);
    return number;
}

/* suspend */

static void a_suspended_pool_lends_nothing_until_it_is_resumed(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    assert_int_equal(lend_pool_suspend(pool), 0);
    assert_int_equal(lend_pool_suspend(pool), 0);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    borrower_queue_up(&waiter);
    assert_int_equal(stats_of(pool).free, 1);
    assert_int_equal(lend_pool_resume(pool), 0);
    assert_int_equal(borrower_join(&waiter), 0);
    assert_int_equal(lend_pool_resume(pool), 0);
    fakes_close(&fakes, pool);
}

static void a_pool_that_is_resumed_serves_as_many_as_it_has_models(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate leave;
    struct tally turns;
    gate_init(&leave);
    tally_init(&turns);
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct borrower waiters[3];
    assert_int_equal(lend_pool_suspend(pool), 0);
    for (int i = 0; i < 3; i++) {
        waiters[i] = (struct borrower){
            .pool = pool, .deadline = LEND_FOREVER, .turns = &turns, .leave = &leave};
        borrower_queue_up(&waiters[i]);
    }
    assert_int_equal(lend_pool_resume(pool), 0);
    assert_int_equal(stats_of(pool).lent, 2);
    assert_true(tally_wait(&turns, 2));
    gate_open(&leave);
    borrowers_join(waiters, 3, 0);
    fakes_close(&fakes, pool);
    gate_deinit(&leave);
    tally_deinit(&turns);
}

static void what_comes_back_to_a_suspended_pool_stays_there(void **state) {
    (void)state;
    struct fakes fakes = {0};
    char words[256];
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    assert_int_equal(lend_pool_suspend(pool), 0);
    lend_release(&lease);
    assert_int_equal(stats_of(pool).free, 1);
    assert_int_equal(stats_of(pool).waiting, 1);
    lend_pool_print(pool, words, sizeof words);
    assert_string_equal(words, "pool \"ocr\": 0 of 1 lent, 1 free; 1 waiting of at most 8; "
                               "the pool is suspended");
    struct lend_lease refused = lend_acquire(pool, lend_within_ms(1));
    assert_int_equal(lend_lease_report(&refused)->cause, LEND_CAUSE_SUSPENDED);
    lend_release(&refused);
    assert_int_equal(lend_pool_resume(pool), 0);
    assert_int_equal(borrower_join(&waiter), 0);
    fakes_close(&fakes, pool);
}

static void a_suspended_pool_can_be_closed(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    assert_int_equal(lend_pool_suspend(pool), 0);
    borrower_queue_up(&waiter);
    fakes_close(&fakes, pool);
    assert_int_equal(borrower_join(&waiter), ESHUTDOWN);
    assert_int_equal(lend_pool_suspend(NULL), EINVAL);
    assert_int_equal(lend_pool_resume(NULL), EINVAL);
}

/* reload */

static void a_reload_replaces_every_model(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    assert_int_equal(lend_pool_reload(pool, LEND_FOREVER, &reason), 0);
    assert_int_equal(fakes.load.calls, 6);
    assert_true(number_of(pool) > 3);
    assert_int_equal(stats_of(pool).free, 3);
    assert_int_equal(stats_of(pool).loads, 6);
    assert_true(eventually(atomic_load(&fakes.unload.calls) == 3));
    fakes_close(&fakes, pool);
}

struct reload {
    lend_pool *pool;
    lend_deadline deadline;
    struct lend_reason reason;
    struct test_thread thread;
};

static int reload(void *argument) {
    struct reload *self = argument;
    return lend_pool_reload(self->pool, self->deadline, &self->reason);
}

static void a_reload_waits_for_what_is_lent_and_the_others_are_lent_meanwhile(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease held = borrow_now(pool);
    struct reload operation = {.pool = pool, .deadline = LEND_FOREVER};
    thread_start(&operation.thread, reload, &operation);
    assert_true(eventually(stats_of(pool).loads == 3));
    assert_true(eventually(stats_of(pool).free == 1));
    assert_true(number_of(pool) > 2);
    assert_int_equal(lend_pool_reload(pool, LEND_NOW, NULL), EALREADY);
    assert_int_equal(stats_of(pool).lent, 1);
    lend_release(&held);
    assert_int_equal(thread_join(&operation.thread), 0);
    assert_int_equal(stats_of(pool).loads, 4);
    fakes_close(&fakes, pool);
}

static void a_reload_gets_its_turn_though_others_wait(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease held = borrow_now(pool);
    struct borrower waiters[3];
    for (int i = 0; i < 3; i++)
        waiters[i] = (struct borrower){.pool = pool};
    borrowers_queue_up(waiters, 3, pool);
    struct reload operation = {.pool = pool, .deadline = LEND_FOREVER};
    struct gate loading;
    gate_init(&loading);
    unsigned held_load = fakes_hold(&fakes.load, &loading);
    thread_start(&operation.thread, reload, &operation);
    assert_true(eventually(stats_of(pool).reloading));
    lend_release(&held);
    assert_true(eventually(atomic_load(&fakes.load.calls) >= held_load));
    assert_int_equal(stats_of(pool).waiting, 3);
    assert_true(is_whole(pool));
    gate_open(&loading);
    assert_int_equal(thread_join(&operation.thread), 0);
    borrowers_join(waiters, 3, 0);
    atomic_store(&fakes.load.gate, NULL);
    fakes_close(&fakes, pool);
    gate_deinit(&loading);
}

static void a_model_that_cannot_be_reloaded_stays(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    fakes_fail_next(&fakes.load, 1, EIO, "the new file is damaged");
    assert_int_equal(lend_pool_reload(pool, LEND_FOREVER, &reason), EIO);
    assert_int_equal(reason.error, EIO);
    assert_string_equal(reason.text, "the new file is damaged");
    assert_int_equal(stats_of(pool).free, 2);
    assert_int_equal(fakes.alive, 2);
    assert_true(number_of(pool) <= 2);
    assert_int_equal(lend_pool_reload(pool, LEND_FOREVER, &reason), 0);
    assert_true(number_of(pool) > 2);
    fakes_close(&fakes, pool);
}

static void a_reload_that_runs_out_of_time_leaves_the_rest_as_it_is(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease held = borrow_now(pool);
    struct reload operation = {.pool = pool, .deadline = lend_within_ms(50)};
    assert_int_equal(thread_run(reload, &operation), ETIMEDOUT);
    lend_release(&held);
    assert_int_equal(stats_of(pool).free, 2);
    assert_int_equal(stats_of(pool).loads, 3);
    fakes_close(&fakes, pool);
}

/* It was set aside to be the next one, and then there was no next one. */
static void a_model_that_came_back_during_a_reload_that_fails_is_lent_again(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate loading;
    gate_init(&loading);
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease held = borrow_now(pool);
    fakes_fail_next(&fakes.load, 1, EIO, "the new file is damaged");
    unsigned held_load = fakes_hold(&fakes.load, &loading);
    struct reload operation = {.pool = pool, .deadline = LEND_FOREVER};
    thread_start(&operation.thread, reload, &operation);
    assert_true(eventually(atomic_load(&fakes.load.calls) >= held_load));
    lend_release(&held);
    gate_open(&loading);
    assert_int_equal(thread_join(&operation.thread), EIO);
    assert_true(eventually(stats_of(pool).free == 2));
    atomic_store(&fakes.load.gate, NULL);
    fakes_close(&fakes, pool);
    gate_deinit(&loading);
}

/* The keeper is kept busy with the one, the other comes back to a reload, which then runs out of
 * time. */
static void what_a_reload_set_aside_is_lent_again_when_it_runs_out_of_time(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate loading;
    gate_init(&loading);
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease broken = borrow_now(pool), held = borrow_now(pool);
    unsigned held_load = fakes_hold(&fakes.load, &loading);
    lend_release_broken(&broken, NULL);
    assert_true(eventually(atomic_load(&fakes.load.calls) >= held_load));
    struct reload operation = {.pool = pool, .deadline = lend_within_ms(paced_ms(100))};
    thread_start(&operation.thread, reload, &operation);
    assert_true(eventually(stats_of(pool).reloading));
    lend_release(&held);
    assert_int_equal(thread_join(&operation.thread), ETIMEDOUT);
    assert_int_equal(stats_of(pool).free, 1);
    gate_open(&loading);
    assert_true(eventually(stats_of(pool).free == 2));
    assert_int_equal(stats_of(pool).loads, 3);
    fakes_close(&fakes, pool);
    gate_deinit(&loading);
}

static void a_model_whose_load_began_before_the_reload_is_not_a_new_one(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate loading;
    gate_init(&loading);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease broken = borrow_now(pool);
    unsigned held_load = fakes_hold(&fakes.load, &loading);
    lend_release_broken(&broken, NULL);
    assert_true(eventually(atomic_load(&fakes.load.calls) >= held_load));
    struct reload operation = {.pool = pool, .deadline = LEND_FOREVER};
    thread_start(&operation.thread, reload, &operation);
    assert_true(eventually(stats_of(pool).reloading));
    gate_open(&loading);
    assert_int_equal(thread_join(&operation.thread), 0);
    assert_int_equal(number_of(pool), 3);
    fakes_close(&fakes, pool);
    gate_deinit(&loading);
}

static void close_ends_a_reload(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease held = borrow_now(pool);
    struct reload operation = {.pool = pool, .deadline = LEND_FOREVER};
    thread_start(&operation.thread, reload, &operation);
    assert_true(eventually(stats_of(pool).reloading));
    assert_int_equal(lend_pool_close(pool, lend_within_ms(20), NULL), EBUSY);
    assert_int_equal(thread_join(&operation.thread), ESHUTDOWN);
    assert_int_equal(lend_pool_reload(pool, LEND_NOW, NULL), ESHUTDOWN);
    assert_int_equal(lend_pool_suspend(pool), ESHUTDOWN);
    lend_release(&held);
    fakes_close(&fakes, pool);
}

/* resize */

static void a_pool_grows_up_to_its_bound(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .models_max = 4);
    assert_int_equal(lend_pool_resize(pool, 4, LEND_FOREVER, NULL), 0);
    assert_int_equal(stats_of(pool).models, 4);
    assert_int_equal(stats_of(pool).free, 4);
    assert_int_equal(lend_pool_resize(pool, 5, LEND_FOREVER, NULL), EINVAL);
    assert_int_equal(lend_pool_resize(pool, 0, LEND_FOREVER, NULL), EINVAL);
    assert_int_equal(lend_pool_resize(NULL, 1, LEND_FOREVER, NULL), EINVAL);
    fakes_close(&fakes, pool);
}

static void a_waiter_gets_the_model_that_is_new(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .models_max = 2);
    struct lend_lease held = borrow_now(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    assert_int_equal(lend_pool_resize(pool, 2, LEND_FOREVER, NULL), 0);
    assert_int_equal(borrower_join(&waiter), 0);
    lend_release(&held);
    fakes_close(&fakes, pool);
}

static void a_pool_shrinks_by_idle_models_and_by_those_that_come_back(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 4);
    struct lend_lease held[3];
    for (int i = 0; i < 3; i++)
        held[i] = borrow_now(pool);
    assert_int_equal(lend_pool_resize(pool, 1, lend_within_ms(20), NULL), ETIMEDOUT);
    assert_true(eventually(stats_of(pool).models == 3)); /* it goes on by itself */
    assert_true(is_whole(pool));
    lend_release(&held[0]);
    lend_release(&held[1]);
    assert_int_equal(lend_pool_resize(pool, 1, LEND_FOREVER, NULL), 0);
    assert_int_equal(stats_of(pool).models, 1);
    assert_int_equal(stats_of(pool).lent, 1);
    assert_int_equal(fakes.alive, 1);
    lend_release(&held[2]);
    assert_int_equal(stats_of(pool).free, 1);
    assert_int_equal(lend_pool_resize(pool, 4, LEND_FOREVER, NULL), 0);
    assert_int_equal(stats_of(pool).free, 4);
    fakes_close(&fakes, pool);
}

/* That one goes for good in the end, but whoever wants fewer models has that many at once. */
static void a_pool_that_shrinks_does_not_count_on_an_unload_that_is_stuck(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .models = 3, .load_alarm_ms = 100);
    struct lend_lease lease = borrow_now(pool);
    fakes_hold(&fakes.unload, &gate);
    lend_release_broken(&lease, "it does not stop");
    assert_true(eventually(stats_of(pool).stuck == 1 && atomic_load(&fakes.unload.calls) == 1));
    atomic_store(&fakes.unload.gate, NULL);
    assert_int_equal(lend_pool_resize(pool, 1, lend_within_ms(20), NULL), ETIMEDOUT);
    assert_true(eventually(stats_of(pool).free == 1));
    assert_int_equal(stats_of(pool).stuck, 1); /* it was not that one that came back */
    gate_open(&gate);
    assert_int_equal(lend_pool_resize(pool, 1, LEND_FOREVER, NULL), 0);
    assert_int_equal(stats_of(pool).free, 1);
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

static void what_comes_back_while_enough_others_go_stays(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate unloading;
    gate_init(&unloading);
    lend_pool *pool = fakes_pool(&fakes, .models = 4);
    struct lend_lease held[3] = {borrow_now(pool), borrow_now(pool), borrow_now(pool)};
    fakes_hold(&fakes.unload, &unloading);
    assert_int_equal(lend_pool_resize(pool, 3, LEND_NOW, NULL), ETIMEDOUT);
    assert_true(eventually(stats_of(pool).retiring == 1));
    for (int i = 0; i < 3; i++)
        lend_release(&held[i]);
    assert_int_equal(stats_of(pool).free, 3);
    gate_open(&unloading);
    assert_int_equal(lend_pool_resize(pool, 3, LEND_FOREVER, NULL), 0);
    assert_int_equal(stats_of(pool).loads, 4);
    fakes_close(&fakes, pool);
    gate_deinit(&unloading);
}

/* It is not to go in the place of one of which nobody knows whether it will ever come. */
static void an_idle_model_stays_while_enough_others_are_loaded(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate loading;
    gate_init(&loading);
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    fakes_fail_next(&fakes.load, UINT_MAX, EIO, "the shelf is empty");
    fakes_hold(&fakes.load, &loading);
    struct lend_lease lease = borrow_now(pool);
    lend_release_broken(&lease, "");
    assert_true(eventually(stats_of(pool).loading == 1));
    assert_int_equal(lend_pool_resize(pool, 1, lend_within_ms(5), NULL), ETIMEDOUT);
    assert_int_equal(stats_of(pool).free, 1);
    gate_open(&loading);
    assert_true(eventually(stats_of(pool).models == 1));
    assert_int_equal(stats_of(pool).free, 1);
    assert_int_equal(stats_of(pool).load_failures, 1);
    fakes_close(&fakes, pool);
    gate_deinit(&loading);
}

/* Hold a model of the pool and wait for another one. There are no alarms below, so that the keeper
 * looks when there is something to do for it, and not by chance. */
static int wait_beside_own(void *pool) {
    struct lend_lease own = lend_acquire(pool, LEND_FOREVER);
    struct lend_lease other = lend_acquire(pool, LEND_FOREVER);
    int error = lend_lease_error(&other);
    lend_release(&other);
    lend_release(&own);
    return error;
}

static void who_waits_for_a_lost_model_is_refused_when_the_pool_does_without_it(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct test_thread waiter;
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .hold_alarm_ms = -1, .stall_alarm_ms = -1);
    fakes_fail_next(&fakes.load, UINT_MAX, EIO, "the shelf is empty");
    struct lend_lease lease = borrow_now(pool);
    lend_release_broken(&lease, "");
    assert_true(eventually(stats_of(pool).lost == 1));
    thread_start(&waiter, wait_beside_own, pool);
    assert_true(eventually(stats_of(pool).waiting == 1));
    int shrunk = lend_pool_resize(pool, 1, LEND_NOW, NULL);
    assert_true(shrunk == ETIMEDOUT || shrunk == 0 || shrunk == EIO); /* it is tried now and then */
    assert_int_equal(thread_join(&waiter), EDEADLK);
    fakes_close(&fakes, pool);
}

static void so_is_who_waits_for_a_load_when_that_fails(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate loading;
    struct test_thread waiter;
    gate_init(&loading);
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .hold_alarm_ms = -1, .stall_alarm_ms = -1);
    fakes_fail_next(&fakes.load, UINT_MAX, EIO, "the shelf is empty");
    fakes_hold(&fakes.load, &loading);
    struct lend_lease lease = borrow_now(pool);
    lend_release_broken(&lease, "");
    assert_true(eventually(stats_of(pool).loading == 1));
    thread_start(&waiter, wait_beside_own, pool);
    assert_true(eventually(stats_of(pool).waiting == 1));
    assert_int_equal(lend_pool_resize(pool, 1, LEND_NOW, NULL), ETIMEDOUT);
    gate_open(&loading);
    assert_int_equal(thread_join(&waiter), EDEADLK);
    fakes_close(&fakes, pool);
    gate_deinit(&loading);
}

static void growing_that_fails_says_why_and_goes_on_trying(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .models_max = 2);
    fakes_fail_next(&fakes.load, 1, ENOMEM, "no room for one more");
    assert_int_equal(lend_pool_resize(pool, 2, LEND_FOREVER, &reason), EIO);
    assert_string_equal(reason.text, "no room for one more");
    assert_true(is_whole(pool));
    assert_true(eventually(stats_of(pool).free == 2));
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suspended_pool_lends_nothing_until_it_is_resumed),
        cmocka_unit_test(a_pool_that_is_resumed_serves_as_many_as_it_has_models),
        cmocka_unit_test(what_comes_back_to_a_suspended_pool_stays_there),
        cmocka_unit_test(a_suspended_pool_can_be_closed),
        cmocka_unit_test(a_reload_replaces_every_model),
        cmocka_unit_test(a_reload_waits_for_what_is_lent_and_the_others_are_lent_meanwhile),
        cmocka_unit_test(a_reload_gets_its_turn_though_others_wait),
        cmocka_unit_test(a_model_that_cannot_be_reloaded_stays),
        cmocka_unit_test(a_reload_that_runs_out_of_time_leaves_the_rest_as_it_is),
        cmocka_unit_test(a_model_that_came_back_during_a_reload_that_fails_is_lent_again),
        cmocka_unit_test(what_a_reload_set_aside_is_lent_again_when_it_runs_out_of_time),
        cmocka_unit_test(a_model_whose_load_began_before_the_reload_is_not_a_new_one),
        cmocka_unit_test(close_ends_a_reload),
        cmocka_unit_test(a_pool_grows_up_to_its_bound),
        cmocka_unit_test(a_waiter_gets_the_model_that_is_new),
        cmocka_unit_test(a_pool_shrinks_by_idle_models_and_by_those_that_come_back),
        cmocka_unit_test(a_pool_that_shrinks_does_not_count_on_an_unload_that_is_stuck),
        cmocka_unit_test(what_comes_back_while_enough_others_go_stays),
        cmocka_unit_test(an_idle_model_stays_while_enough_others_are_loaded),
        cmocka_unit_test(who_waits_for_a_lost_model_is_refused_when_the_pool_does_without_it),
        cmocka_unit_test(so_is_who_waits_for_a_load_when_that_fails),
        cmocka_unit_test(growing_that_fails_says_why_and_goes_on_trying),
    };
    return cmocka_run_group_tests_name("operations", tests, NULL, NULL);
}
