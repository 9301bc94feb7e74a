/* SPDX-License-Identifier: MIT
 *
 * Acquire: who gets a model, in which order, and what the others are told. */
#include "support/await.h"
#include "support/fake_model.h"
#include "support/thread.h"

#include <lend/lease.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define WAITERS 5

/* A borrower on a thread of its own: acquires, notes its turn, waits at `leave` if there is one,
 * and gives the model back. */
struct borrower {
    lend_pool *pool;
    lend_deadline deadline;
    struct tally *turns; /* of all borrowers; NULL: nobody counts */
    struct gate *leave;
    uint32_t turn; /* from 1; 0 if it got no model */
    bool has_report;
    struct test_thread thread;
};

/* Returns what lend_lease_error said. */
static int borrow(void *argument) {
    struct borrower *borrower = argument;
    struct lend_lease lease = lend_acquire(borrower->pool, borrower->deadline);
    int error = lend_lease_error(&lease);
    borrower->has_report = lend_lease_report(&lease) != NULL;
    if (lend_lease_ok(&lease)) {
        fake_begin(lease.model);
        if (borrower->turns != NULL)
            borrower->turn = tally_add(borrower->turns);
        if (borrower->leave != NULL)
            gate_wait(borrower->leave);
        fake_end(lease.model);
    }
    lend_release(&lease);
    return error;
}

/* Start a borrower, who is in the queue when this returns. */
static void queue_up(struct borrower *borrower) {
    uint64_t before = stats_of(borrower->pool).queued;
    thread_start(&borrower->thread, borrow, borrower);
    assert_true(eventually(stats_of(borrower->pool).queued == before + 1));
}

static struct lend_lease take_model(lend_pool *pool) {
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_true(lend_lease_ok(&lease));
    return lease;
}

/* An acquire that fails with `error`, and a report. */
static void check_refused(lend_pool *pool, lend_deadline deadline, int error) {
    struct lend_lease lease = lend_acquire(pool, deadline);
    assert_false(lend_lease_ok(&lease));
    assert_null(lease.model);
    assert_int_equal(lend_lease_error(&lease), error);
    assert_non_null(lend_lease_report(&lease));
    assert_int_equal(lend_lease_report(&lease)->error, error);
    lend_release(&lease);
}

static void each_borrower_gets_a_model_of_its_own(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    struct lend_lease leases[3];
    for (int i = 0; i < 3; i++) {
        leases[i] = take_model(pool);
        assert_int_equal(lend_lease_error(&leases[i]), 0);
        assert_null(lend_lease_report(&leases[i]));
        fake_begin(leases[i].model);
        for (int j = 0; j < i; j++)
            assert_ptr_not_equal(leases[i].model, leases[j].model);
    }
    check_refused(pool, LEND_NOW, EBUSY);
    for (int i = 0; i < 3; i++) {
        fake_end(leases[i].model);
        lend_release(&leases[i]);
    }
    fakes_close(&fakes, pool);
}

static void a_free_model_is_lent_whatever_the_deadline(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = LEND_NO_WAITERS);
    const lend_deadline deadlines[] = {LEND_NOW,           LEND_BY_DEFAULT,    LEND_FOREVER,
                                       lend_within_ms(1),  lend_within_ms(-1), (lend_deadline){1},
                                       (lend_deadline){-9}};
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        struct lend_lease lease = lend_acquire(pool, deadlines[i]);
        assert_true(lend_lease_ok(&lease));
        lend_release(&lease);
    }
    fakes_close(&fakes, pool);
}

static void without_a_pool_there_is_no_model(void **state) {
    (void)state;
    struct lend_lease lease = lend_acquire(NULL, LEND_FOREVER);
    assert_false(lend_lease_ok(&lease));
    assert_int_equal(lend_lease_error(&lease), EINVAL);
    assert_null(lend_lease_report(&lease));
    lend_release(&lease);
    assert_int_equal(lend_lease_error(&lease), ESTALE);
}

static void now_never_waits(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    check_refused(pool, LEND_NOW, EBUSY);
    assert_int_equal(stats_of(pool).queued, 0);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_wait_ends_at_its_deadline_and_not_before(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    lend_deadline deadline = lend_within_ms(20);
    check_refused(pool, deadline, ETIMEDOUT);
    assert_int_equal(lend_deadline_left_ms(deadline), 0);
    check_refused(pool, deadline, ETIMEDOUT); /* it has passed already */
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_zeroed_deadline_is_the_patience_of_the_pool(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .wait_ms_default = 20);
    struct lend_lease lease = take_model(pool);
    lend_deadline not_before = lend_within_ms(20);
    check_refused(pool, LEND_BY_DEFAULT, ETIMEDOUT);
    assert_int_equal(lend_deadline_left_ms(not_before), 0);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void the_patience_of_a_pool_may_be_without_end(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .wait_ms_default = -1);
    struct lend_lease lease = take_model(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_BY_DEFAULT};
    queue_up(&waiter);
    lend_release(&lease);
    assert_int_equal(thread_join(&waiter.thread), 0);
    fakes_close(&fakes, pool);
}

static void waiters_are_served_in_the_order_of_their_arrival(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct tally turns;
    tally_init(&turns);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    struct borrower waiters[WAITERS];
    for (uint32_t i = 0; i < WAITERS; i++) {
        waiters[i] = (struct borrower){.pool = pool, .deadline = LEND_FOREVER, .turns = &turns};
        queue_up(&waiters[i]);
    }
    lend_release(&lease);
    for (uint32_t i = 0; i < WAITERS; i++) {
        assert_int_equal(thread_join(&waiters[i].thread), 0);
        assert_int_equal(waiters[i].turn, i + 1);
    }
    fakes_close(&fakes, pool);
    tally_deinit(&turns);
}

static void who_leaves_the_queue_lets_the_others_keep_their_order(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct tally turns;
    tally_init(&turns);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    struct borrower waiters[WAITERS];
    const uint32_t leaver = 2;
    for (uint32_t i = 0; i < WAITERS; i++) {
        lend_deadline deadline = i == leaver ? lend_within_ms(20) : LEND_FOREVER;
        waiters[i] = (struct borrower){.pool = pool, .deadline = deadline, .turns = &turns};
        queue_up(&waiters[i]);
    }
    assert_int_equal(thread_join(&waiters[leaver].thread), ETIMEDOUT);
    lend_release(&lease);
    for (uint32_t i = 0, turn = 0; i < WAITERS; i++) {
        if (i == leaver)
            continue;
        assert_int_equal(thread_join(&waiters[i].thread), 0);
        assert_int_equal(waiters[i].turn, ++turn);
    }
    fakes_close(&fakes, pool);
    tally_deinit(&turns);
}

static void a_model_that_comes_back_is_the_waiters_before_anybody_can_ask(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate leave;
    gate_init(&leave);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER, .leave = &leave};
    queue_up(&waiter);
    lend_release(&lease);
    assert_int_equal(stats_of(pool).waiting, 0);
    assert_int_equal(stats_of(pool).lent, 1);
    check_refused(pool, LEND_NOW, EBUSY);
    gate_open(&leave);
    assert_int_equal(thread_join(&waiter.thread), 0);
    fakes_close(&fakes, pool);
    gate_deinit(&leave);
}

static void now_does_not_overtake_who_waits(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    queue_up(&waiter);
    check_refused(pool, LEND_NOW, EBUSY);
    assert_int_equal(stats_of(pool).waiting, 1);
    lend_release(&lease);
    assert_int_equal(thread_join(&waiter.thread), 0);
    fakes_close(&fakes, pool);
}

static void several_models_serve_several_waiters_at_once(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate leave;
    gate_init(&leave);
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease leases[2] = {take_model(pool), take_model(pool)};
    struct borrower waiters[3];
    for (uint32_t i = 0; i < 3; i++) {
        waiters[i] = (struct borrower){.pool = pool, .deadline = LEND_FOREVER, .leave = &leave};
        queue_up(&waiters[i]);
    }
    lend_release(&leases[1]);
    lend_release(&leases[0]);
    assert_int_equal(stats_of(pool).lent, 2);
    assert_int_equal(stats_of(pool).waiting, 1);
    gate_open(&leave);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(thread_join(&waiters[i].thread), 0);
    assert_int_equal(stats_of(pool).free, 2);
    fakes_close(&fakes, pool);
    gate_deinit(&leave);
}

static void no_more_may_wait_than_the_bound_says(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = 2);
    struct lend_lease lease = take_model(pool);
    struct borrower waiters[2];
    for (uint32_t i = 0; i < 2; i++) {
        waiters[i] = (struct borrower){.pool = pool, .deadline = LEND_FOREVER};
        queue_up(&waiters[i]);
    }
    check_refused(pool, LEND_FOREVER, ENOBUFS);
    check_refused(pool, LEND_BY_DEFAULT, ENOBUFS);
    check_refused(pool, LEND_NOW, EBUSY);
    assert_int_equal(stats_of(pool).waiting, 2);
    lend_release(&lease);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(thread_join(&waiters[i].thread), 0);
    fakes_close(&fakes, pool);
}

static void a_place_that_became_free_can_be_waited_in(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = 1);
    struct lend_lease lease = take_model(pool);
    check_refused(pool, lend_within_ms(1), ETIMEDOUT);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    queue_up(&waiter);
    check_refused(pool, LEND_FOREVER, ENOBUFS);
    lend_release(&lease);
    assert_int_equal(thread_join(&waiter.thread), 0);
    fakes_close(&fakes, pool);
}

static void without_waiters_whoever_finds_no_model_is_refused(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .waiters_max = LEND_NO_WAITERS);
    struct lend_lease lease = take_model(pool);
    check_refused(pool, LEND_FOREVER, ENOBUFS);
    assert_int_equal(stats_of(pool).queued, 0);
    lend_release(&lease);
    lease = take_model(pool);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_timed_out_waiter_never_owns_a_model(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    struct borrower waiter = {.pool = pool, .deadline = lend_within_ms(1)};
    assert_int_equal(thread_run(borrow, &waiter), ETIMEDOUT);
    assert_true(waiter.has_report);
    assert_int_equal(stats_of(pool).waiting, 0);
    lend_release(&lease);
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.free, 1);
    assert_int_equal(stats.grants, 1);
    assert_int_equal(stats.timeouts, 1);
    fakes_close(&fakes, pool);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The model comes back as the waiter's patience ends, or up to 200 us later, by when a machine at
 * rest has woken the waiter: so some are granted and some time out. */
static void a_grant_that_races_a_deadline_is_not_lost(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    uint64_t granted = 0, timed_out = 0;
    for (int64_t i = 0; i < 300; i++) {
        struct lend_lease lease = take_model(pool);
        struct borrower waiter = {.pool = pool, .deadline = lend_within_ms(1)};
        thread_start(&waiter.thread, borrow, &waiter);
        while (now_ns() < waiter.deadline.at_ns + i % 100 * 2000)
            sched_yield();
        lend_release(&lease);
        int error = thread_join(&waiter.thread);
        assert_true(error == 0 || error == ETIMEDOUT);
        granted += error == 0;
        timed_out += error == ETIMEDOUT;
        assert_int_equal(stats_of(pool).free, 1);
        assert_int_equal(stats_of(pool).waiting, 0);
    }
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.grants, 300 + granted);
    assert_int_equal(stats.timeouts, timed_out);
    print_message("granted %d, timed out %d\n", (int)granted, (int)timed_out);
    fakes_close(&fakes, pool);
}

static void a_closing_pool_lends_nothing(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease lease = take_model(pool);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    check_refused(pool, LEND_NOW, ESHUTDOWN);
    check_refused(pool, LEND_FOREVER, ESHUTDOWN);
    lend_release(&lease);
    check_refused(pool, LEND_FOREVER, ESHUTDOWN);
    fakes_close(&fakes, pool);
}

static void a_lease_knows_where_it_was_asked_for(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease with = take_model(pool);
    struct lend_lease without = (lend_acquire)(pool, LEND_NOW);
    struct lend_lease failed = lend_acquire(pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->holder_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct lend_site *site = report->holders[i].site;
        if (report->holders[i].slot == 0)
            assert_string_equal(site->function, "take_model");
        else
            assert_null(site);
    }
    lend_release(&failed);
    lend_release(&with);
    lend_release(&without);
    fakes_close(&fakes, pool);
}

/* Cancelled while it waits in acquire: it gets the model, gives it back, and then ends. The lease
 * is not on the thread's stack: AddressSanitizer takes frames that were unwound by a cancellation
 * for living ones. */
struct cancelled {
    lend_pool *pool;
    struct lend_lease lease;
    bool served;
};

static int borrow_and_end(void *argument) {
    struct cancelled *cancelled = argument;
    cancelled->lease = lend_acquire(cancelled->pool, LEND_FOREVER);
    cancelled->served = lend_lease_ok(&cancelled->lease);
    lend_release(&cancelled->lease);
    pthread_testcancel();
    return 0;
}

static void waiting_is_not_a_cancellation_point(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    struct cancelled cancelled = {.pool = pool};
    struct test_thread thread;
    thread_start(&thread, borrow_and_end, &cancelled);
    assert_true(eventually(stats_of(pool).waiting == 1));
    thread_cancel(&thread);
    lend_release(&lease);
    assert_int_equal(thread_join(&thread), THREAD_LEFT);
    assert_true(cancelled.served);
    assert_int_equal(stats_of(pool).free, 1);
    fakes_close(&fakes, pool);
}

static int borrow_while_cancelled(void *argument) {
    pthread_cancel(pthread_self());
    return borrow_and_end(argument);
}

static void a_thread_that_is_to_end_can_still_borrow_and_give_back(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = take_model(pool);
    struct cancelled cancelled = {.pool = pool};
    struct test_thread thread;
    thread_start(&thread, borrow_while_cancelled, &cancelled);
    assert_true(eventually(stats_of(pool).waiting == 1));
    lend_release(&lease);
    assert_int_equal(thread_join(&thread), THREAD_LEFT);
    assert_true(cancelled.served);
    fakes_close(&fakes, pool);
}

static void errno_is_left_alone(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    errno = 4711;
    struct lend_lease lease = take_model(pool);
    check_refused(pool, LEND_NOW, EBUSY);
    check_refused(pool, lend_within_ms(1), ETIMEDOUT);
    lend_release(&lease);
    assert_int_equal(errno, 4711);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_borrower_gets_a_model_of_its_own),
        cmocka_unit_test(a_free_model_is_lent_whatever_the_deadline),
        cmocka_unit_test(without_a_pool_there_is_no_model),
        cmocka_unit_test(now_never_waits),
        cmocka_unit_test(a_wait_ends_at_its_deadline_and_not_before),
        cmocka_unit_test(a_zeroed_deadline_is_the_patience_of_the_pool),
        cmocka_unit_test(the_patience_of_a_pool_may_be_without_end),
        cmocka_unit_test(waiters_are_served_in_the_order_of_their_arrival),
        cmocka_unit_test(who_leaves_the_queue_lets_the_others_keep_their_order),
        cmocka_unit_test(a_model_that_comes_back_is_the_waiters_before_anybody_can_ask),
        cmocka_unit_test(now_does_not_overtake_who_waits),
        cmocka_unit_test(several_models_serve_several_waiters_at_once),
        cmocka_unit_test(no_more_may_wait_than_the_bound_says),
        cmocka_unit_test(a_place_that_became_free_can_be_waited_in),
        cmocka_unit_test(without_waiters_whoever_finds_no_model_is_refused),
        cmocka_unit_test(a_timed_out_waiter_never_owns_a_model),
        cmocka_unit_test(a_grant_that_races_a_deadline_is_not_lost),
        cmocka_unit_test(a_closing_pool_lends_nothing),
        cmocka_unit_test(a_lease_knows_where_it_was_asked_for),
        cmocka_unit_test(waiting_is_not_a_cancellation_point),
        cmocka_unit_test(a_thread_that_is_to_end_can_still_borrow_and_give_back),
        cmocka_unit_test(errno_is_left_alone),
    };
    return cmocka_run_group_tests_name("acquire", tests, NULL, NULL);
}
