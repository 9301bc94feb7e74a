/* SPDX-License-Identifier: MIT
 *
 * Leases that change hands, and leases whose owner ends without giving them back. */
#include "support/fake_model.h"
#include "support/pace.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int release(void *argument) {
    lend_release(argument);
    return 0;
}

static int adopt(void *argument) {
    return lend_lease_adopt(argument);
}

static int adopt_and_release(void *argument) {
    struct lend_lease *lease = argument;
    int error = lend_lease_adopt(lease);
    lend_release(lease);
    return error;
}

static void a_detached_lease_may_be_adopted_and_released_by_another_thread(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_int_equal(lend_lease_detach(&lease), 0);
    assert_int_equal(thread_run(adopt_and_release, &lease), 0);
    assert_int_equal(stats_of(shop.pool).free, 1);
    assert_int_equal(events_count(&shop.events), 0);
    workshop_close(&shop);
}

static void a_detached_lease_may_be_released_by_any_thread(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_int_equal(lend_lease_detach(&lease), 0);
    assert_int_equal(thread_run(release, &lease), 0);
    assert_int_equal(stats_of(shop.pool).free, 1);
    assert_int_equal(events_count(&shop.events), 0);
    workshop_close(&shop);
}

static void a_lease_that_was_not_detached_stays_its_owners(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_int_equal(thread_run(adopt, &lease), EPERM);
    assert_int_equal(lend_lease_adopt(&lease), 0);
    assert_int_equal(stats_of(shop.pool).lent, 1);
    lend_release(&lease);
    workshop_close(&shop);
}

static int detach(void *argument) {
    return lend_lease_detach(argument);
}

static void only_what_is_held_is_handed_over(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    struct lend_lease failed = lend_acquire(shop.pool, LEND_NOW);
    struct lend_lease empty = {0};
    assert_int_equal(lend_lease_detach(NULL), ESTALE);
    assert_int_equal(lend_lease_adopt(NULL), ESTALE);
    assert_int_equal(lend_lease_detach(&failed), ESTALE);
    assert_int_equal(lend_lease_adopt(&empty), ESTALE);
    assert_int_equal(thread_run(detach, &lease), EPERM);
    struct lend_lease copy = lease;
    lend_release(&lease);
    assert_int_equal(lend_lease_detach(&copy), ESTALE);
    assert_int_equal(lend_lease_adopt(&copy), ESTALE);
    lend_release(&failed);
    workshop_close(&shop);
}

struct rivals {
    struct lend_lease lease;
    struct tally ready;
    atomic_uint adopted;
};

static int rival(void *argument) {
    struct rivals *rivals = argument;
    struct lend_lease copy = rivals->lease;
    tally_add(&rivals->ready);
    tally_wait(&rivals->ready, 4);
    int error = lend_lease_adopt(&copy);
    if (error == 0) {
        atomic_fetch_add(&rivals->adopted, 1);
        lend_release(&copy);
    }
    return error;
}

static void of_several_who_adopt_a_lease_one_gets_it(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    for (int round = 0; round < rounds(200, 20); round++) {
        struct rivals rivals = {.lease = lend_acquire(shop.pool, LEND_NOW)};
        struct test_thread threads[4];
        tally_init(&rivals.ready);
        assert_int_equal(lend_lease_detach(&rivals.lease), 0);
        for (int i = 0; i < 4; i++)
            thread_start(&threads[i], rival, &rivals);
        for (int i = 0; i < 4; i++) {
            int error = thread_join(&threads[i]);
            assert_true(error == 0 || error == EPERM || error == ESTALE);
        }
        assert_int_equal(atomic_load(&rivals.adopted), 1);
        assert_int_equal(stats_of(shop.pool).free, 1);
        tally_deinit(&rivals.ready);
    }
    workshop_close(&shop);
}

static void a_report_says_that_nobody_has_a_detached_lease(void **state) {
    (void)state;
    struct workshop shop;
    char words[512];
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_int_equal(lend_lease_detach(&lease), 0);
    lend_pool_print(shop.pool, words, sizeof words);
    assert_non_null(strstr(words, "#0 nobody (detached by thread "));
    lend_release(&lease);
    workshop_close(&shop);
}

/* what is left behind */

static int leave_with_a_lease(void *argument) {
    struct workshop *shop = argument;
    struct lend_lease lease = lend_acquire(shop->pool, LEND_NOW);
    return lend_lease_error(&lease);
}

static int wait_and_leave_with_a_lease(void *argument) {
    struct workshop *shop = argument;
    struct lend_lease lease = lend_acquire(shop->pool, LEND_FOREVER);
    return lend_lease_error(&lease);
}

static int exit_with_a_lease(void *argument) {
    leave_with_a_lease(argument);
    pthread_exit(NULL);
}

struct stay {
    struct workshop *shop;
    struct tally here;
};

static int wait_to_be_cancelled(void *argument) {
    struct stay *stay = argument;
    struct lend_lease lease = lend_acquire(stay->shop->pool, LEND_NOW);
    tally_add(&stay->here);
    for (;;)
        pthread_testcancel();
    return lend_lease_error(&lease);
}

static void assert_left(struct workshop *shop, const char *words, unsigned count) {
    assert_true(eventually(stats_of(shop->pool).free == 1));
    assert_int_equal(events_count_of(&shop->events, LEND_EVENT_LEASE_LEFT), count);
    struct recorded_event event = events_at(&shop->events, count - 1);
    assert_non_null(strstr(event.text, words));
    assert_non_null(strstr(event.site->file, "test_handover.c"));
}

static void a_thread_that_ends_with_a_lease_leaves_it_to_the_pool(void **state) {
    (void)state;
    struct workshop shop;
    struct stay stay = {.shop = &shop};
    struct test_thread thread;
    tally_init(&stay.here);
    workshop_open(&shop, 1, NULL);
    assert_int_equal(thread_run(leave_with_a_lease, &shop), 0);
    assert_left(&shop, "ended with it", 1);
    assert_int_equal(thread_run(exit_with_a_lease, &shop), THREAD_LEFT);
    assert_left(&shop, "ended with it", 2);
    thread_start(&thread, wait_to_be_cancelled, &stay);
    assert_true(tally_wait(&stay.here, 1));
    thread_cancel(&thread);
    assert_int_equal(thread_join(&thread), THREAD_LEFT);
    assert_left(&shop, "ended with it", 3);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_true(lend_lease_ok(&lease));
    thread_start(&thread, wait_and_leave_with_a_lease, &shop);
    assert_true(eventually(stats_of(shop.pool).waiting == 1));
    lend_release(&lease);
    assert_int_equal(thread_join(&thread), 0);
    assert_left(&shop, "ended with it", 4);
    lease = lend_acquire(shop.pool, LEND_NOW);
    assert_true(lend_lease_ok(&lease));
    lend_release(&lease);
    workshop_close(&shop);
    tally_deinit(&stay.here);
}

static int leave_with_a_fake(void *argument) {
    struct lend_lease lease = lend_acquire(argument, LEND_NOW);
    return lend_lease_error(&lease);
}

static void a_model_that_was_left_behind_is_checked_and_if_need_be_replaced(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    unsigned checks = fakes.check.calls;
    assert_int_equal(thread_run(leave_with_a_fake, pool), 0);
    assert_true(eventually(stats_of(pool).free == 1));
    assert_int_equal(fakes.check.calls, checks + 1);
    assert_int_equal(fakes.reset.calls, 1);
    fakes_fail_next(&fakes.check, 1, EIO, "left in the middle of a page");
    assert_int_equal(thread_run(leave_with_a_fake, pool), 0);
    assert_true(eventually(stats_of(pool).loads == 2));
    assert_int_equal(stats_of(pool).broken, 1);
    fakes_close(&fakes, pool);
}

static void jump_out_of_a_borrow(struct workshop *shop, jmp_buf *out) {
    lend_with (lease, shop->pool, LEND_NOW) {
        longjmp(*out, 1);
    }
    lend_else {
    }
    lend_end
}

static int jump_past_a_guard(void *argument) {
    jmp_buf out;
    if (setjmp(out) == 0)
        jump_out_of_a_borrow(argument, &out);
    return 0;
}

static void what_a_longjmp_skipped_comes_back_when_the_thread_ends(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    assert_int_equal(thread_run(jump_past_a_guard, &shop), 0);
    assert_left(&shop, "ended with it", 1);
    workshop_close(&shop);
}

static int return_with_a_lease(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    return leave_with_a_lease(argument);
}

static int jump_in_a_job(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)job;
    return jump_past_a_guard(argument);
}

static void a_job_that_returns_with_a_lease_leaves_it_to_the_pool(void **state) {
    (void)state;
    struct workshop shop;
    lend_job_function *const jobs[] = {return_with_a_lease, jump_in_a_job};
    workshop_open(&shop, 2, NULL);
    for (unsigned i = 0; i < 2; i++) {
        lend_future *future;
        assert_int_equal(
            lend_submit(shop.executor, &LEND_JOB(.run = jobs[i], .argument = &shop), &future), 0);
        assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
        assert_int_equal(stats_of(shop.pool).free, 2);
        assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
        lend_future_drop(future);
        assert_int_equal(events_count_of(&shop.events, LEND_EVENT_LEASE_LEFT), i + 1);
        assert_non_null(strstr(events_at(&shop.events, i).text, "returned with it"));
    }
    workshop_close(&shop);
}

static void what_a_job_leaves_is_found_behind_what_others_have(void **state) {
    (void)state;
    enum { MODELS = 3 };
    struct workshop shop;
    struct lend_lease leases[MODELS];
    workshop_open(&shop, MODELS, NULL);
    for (int i = 0; i < MODELS; i++)
        leases[i] = lend_acquire(shop.pool, LEND_NOW);
    for (int i = 0; i < MODELS; i++)
        if (leases[i].slot != 0)
            lend_release(&leases[i]);
    lend_future_drop(workshop_run(&shop, return_with_a_lease, &shop));
    assert_int_equal(stats_of(shop.pool).lent, 1);
    assert_int_equal(events_count_of(&shop.events, LEND_EVENT_LEASE_LEFT), 1);
    for (int i = 0; i < MODELS; i++)
        lend_release(&leases[i]);
    workshop_close(&shop);
}

/* A lease that a thread keeps where a destructor of its own finds it is given back by that. */
static pthread_key_t own_key;

static void release_kept(void *kept) {
    lend_release(kept);
    free(kept);
}

static int keep_in_own_data(void *argument) {
    struct workshop *shop = argument;
    struct lend_lease *kept = malloc(sizeof *kept);
    if (kept == NULL)
        return ENOMEM;
    *kept = lend_acquire(shop->pool, LEND_NOW);
    return pthread_setspecific(own_key, kept);
}

static void a_lease_that_a_destructor_gives_back_is_not_left(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    assert_int_equal(pthread_key_create(&own_key, release_kept), 0);
    assert_int_equal(thread_run(keep_in_own_data, &shop), 0);
    assert_true(eventually(stats_of(shop.pool).free == 1));
    assert_int_equal(events_count(&shop.events), 0);
    pthread_key_delete(own_key);
    workshop_close(&shop);
}

static void a_lease_of_a_slot_that_there_is_not_is_stale(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    struct lend_lease forged = lease;
    forged.slot = 1;
    assert_int_equal(lend_lease_detach(&forged), ESTALE);
    assert_int_equal(lend_lease_adopt(&forged), ESTALE);
    lend_release(&lease);
    workshop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detached_lease_may_be_adopted_and_released_by_another_thread),
        cmocka_unit_test(a_detached_lease_may_be_released_by_any_thread),
        cmocka_unit_test(a_lease_that_was_not_detached_stays_its_owners),
        cmocka_unit_test(only_what_is_held_is_handed_over),
        cmocka_unit_test(of_several_who_adopt_a_lease_one_gets_it),
        cmocka_unit_test(a_report_says_that_nobody_has_a_detached_lease),
        cmocka_unit_test(a_thread_that_ends_with_a_lease_leaves_it_to_the_pool),
        cmocka_unit_test(a_model_that_was_left_behind_is_checked_and_if_need_be_replaced),
        cmocka_unit_test(what_a_longjmp_skipped_comes_back_when_the_thread_ends),
        cmocka_unit_test(a_job_that_returns_with_a_lease_leaves_it_to_the_pool),
        cmocka_unit_test(what_a_job_leaves_is_found_behind_what_others_have),
        cmocka_unit_test(a_lease_that_a_destructor_gives_back_is_not_left),
        cmocka_unit_test(a_lease_of_a_slot_that_there_is_not_is_stale),
    };
    return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
