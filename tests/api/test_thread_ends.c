/* SPDX-License-Identifier: MIT
 *
 * Ends of threads that hold a lease: by return, pthread_exit, cancellation, with a destructor of
 * the caller's that gives it back in one of the rounds; and processes that begin in the middle of
 * everything, by fork within a callback or by posix_spawn. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/child.h"
#include "support/shelf.h"
#include "support/workshop.h"

#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum way { BY_RETURN, BY_EXIT, BY_CANCEL };

struct leaver {
    lend_pool *pool;
    enum way way;
    struct gate holds;
};

/* The lease is plain, so that nothing but the end itself gives it back. AddressSanitizer would take
 * the frame, which a cancellation unwinds, for still being there. */
__attribute__((__no_sanitize_address__)) static int leave(void *argument) {
    struct leaver *leaver = argument;
    struct lend_lease lease = lend_acquire(leaver->pool, LEND_NOW);
    if (!lend_lease_ok(&lease))
        return 1;
    gate_open(&leaver->holds);
    if (leaver->way == BY_EXIT)
        pthread_exit(NULL);
    while (leaver->way == BY_CANCEL) {
        pthread_testcancel();
        sched_yield();
    }
    return 0;
}

static void check_end(enum way way) {
    struct shelf shelf;
    struct test_thread thread;
    shelf_open(&shelf, 1);
    struct leaver leaver = {.pool = shelf.pool, .way = way};
    gate_init(&leaver.holds);
    thread_start(&thread, leave, &leaver);
    assert_true(gate_wait(&leaver.holds));
    if (way == BY_CANCEL)
        thread_cancel(&thread);
    assert_int_equal(thread_join(&thread), way == BY_RETURN ? 0 : THREAD_LEFT);
    assert_int_equal(stats_of(shelf.pool).free, 1);
    assert_int_equal(events_count_of(&shelf.events, LEND_EVENT_LEASE_LEFT), 1);
    assert_int_equal(events_count(&shelf.events), 1);
    gate_deinit(&leaver.holds);
    shelf_close(&shelf);
}

static void a_thread_that_returns_with_a_lease_leaves_it_to_the_pool(void **state) {
    (void)state;
    check_end(BY_RETURN);
}

static void a_thread_that_exits_with_a_lease_leaves_it_to_the_pool(void **state) {
    (void)state;
    check_end(BY_EXIT);
}

static void a_thread_cancelled_with_a_lease_leaves_it_to_the_pool(void **state) {
    (void)state;
    check_end(BY_CANCEL);
}

/* A sink with a cancellation point. */
static void test_and_record(const struct lend_event *event, void *events) {
    pthread_testcancel();
    events_record(event, events);
}

static int leave_about_to_be_cancelled(void *pool) {
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    pthread_cancel(pthread_self());
    return lend_lease_error(&lease);
}

static void a_cancellation_at_the_end_does_not_keep_the_lease_from_the_pool(void **state) {
    (void)state;
    struct events events;
    struct fakes fakes = {0};
    events_init(&events);
    lend_pool *pool =
        fakes_pool(&fakes, .models = 1, .sink = test_and_record, .sink_context = &events);
    thread_run(leave_about_to_be_cancelled, pool);
    assert_int_equal(events_count_of(&events, LEND_EVENT_LEASE_LEFT), 1);
    assert_int_equal(stats_of(pool).free, 1);
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

/* destructors of the caller's */

static pthread_key_t key;

struct late {
    lend_pool *pool;
    struct lend_lease lease;
    unsigned round; /* in which it is given back; counted down */
};

static void release_in_its_round(void *argument) {
    struct late *late = argument;
    if (--late->round > 0)
        pthread_setspecific(key, late);
    else
        lend_release(&late->lease);
}

static int leave_to_destructor(void *argument) {
    struct late *late = argument;
    late->lease = lend_acquire(late->pool, LEND_NOW);
    pthread_setspecific(key, late);
    return lend_lease_error(&late->lease);
}

/* In the last round ThreadSanitizer has forgotten the thread, and fails at whatever it does. */
#define ROUNDS 4
#if defined(__SANITIZE_THREAD__)
#undef ROUNDS
#define ROUNDS 3
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#undef ROUNDS
#define ROUNDS 3
#endif
#endif

/* In the last rounds the pool may have been faster: then the release is refused, and the model is
 * back all the same. */
static void a_destructor_may_release_in_any_round(void **state) {
    (void)state;
    assert_int_equal(pthread_key_create(&key, release_in_its_round), 0);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        struct shelf shelf;
        shelf_open(&shelf, 1);
        struct late late = {.pool = shelf.pool, .round = round};
        assert_int_equal(thread_run(leave_to_destructor, &late), 0);
        assert_true(eventually(stats_of(shelf.pool).free == 1));
        uint32_t left = events_count_of(&shelf.events, LEND_EVENT_LEASE_LEFT);
        assert_int_equal(events_count_of(&shelf.events, LEND_EVENT_BAD_RELEASE),
                         left == 1 && late.round == 0 ? 1 : 0);
        assert_true(round > 2 || left == 0);
        shelf_close(&shelf);
    }
    pthread_key_delete(key);
}

/* processes */

static bool child_is_told(lend_pool *pool) {
    pid_t child = child_fork();
    if (child == 0) {
        alarm(20);
        struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
        int wrong = lend_lease_error(&lease) != EOWNERDEAD;
        lend_release(&lease);
        _exit(wrong + (lend_pool_suspend(pool) != EOWNERDEAD) +
              (lend_pool_close(pool, LEND_FOREVER, NULL) != EOWNERDEAD));
    }
    return child_status(child) == 0;
}

static lend_pool *forking;
static bool told;

static int reset_and_fork(void *model, void *context, struct lend_reason *reason) {
    (void)model, (void)context, (void)reason;
    told = child_is_told(forking);
    return 0;
}

static int make(void **ret_model, void *context, struct lend_reason *reason) {
    (void)reason;
    *ret_model = context;
    return 0;
}

static void unmake(void *model, void *context) {
    (void)model, (void)context;
}

static void a_fork_within_an_operation_of_a_model_harms_neither(void **state) {
    (void)state;
    static const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = make, .unload = unmake, .reset = reset_and_fork);
    int object;
    assert_int_equal(
        lend_pool_open(&forking,
                       &LEND_POOL_OPTIONS(.ops = &ops, .ops_context = &object, .models = 1)),
        0);
    struct lend_lease lease = borrow_now(forking);
    lend_release(&lease);
    assert_true(told);
    assert_int_equal(stats_of(forking).free, 1);
    assert_int_equal(lend_pool_close(forking, LEND_NOW, NULL), 0);
}

static int fork_in_job(void *model, void *argument, lend_job *job) {
    (void)model, (void)job;
    return child_is_told(argument) ? 0 : 1;
}

static void a_fork_within_a_job_harms_neither(void **state) {
    (void)state;
    struct workshop shop;
    lend_future *future;
    workshop_open(&shop, 1, NULL);
    assert_int_equal(
        lend_submit(shop.executor, &LEND_JOB(.run = fork_in_job, .argument = shop.pool), &future),
        0);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    assert_int_equal(lend_future_error(future), 0);
    lend_future_drop(future);
    workshop_close(&shop);
}

static void a_program_may_be_spawned_while_others_wait(void **state) {
    (void)state;
    extern char **environ;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease held = borrow_detached(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    char name[] = "true", *arguments[] = {name, NULL};
    pid_t child;
    assert_int_equal(posix_spawnp(&child, name, NULL, NULL, arguments, environ), 0);
    assert_int_equal(child_status(child), 0);
    lend_release(&held);
    assert_int_equal(borrower_join(&waiter), 0);
    fakes_close(&fakes, pool);
}

struct parting {
    lend_pool *pool;
    struct lend_lease detached;
};

static int detach_one_and_leave_one(void *argument) {
    struct parting *parting = argument;
    parting->detached = lend_acquire(parting->pool, LEND_NOW);
    struct lend_lease left = lend_acquire(parting->pool, LEND_NOW);
    return lend_lease_error(&left) + lend_lease_detach(&parting->detached);
}

static void what_was_detached_outlives_the_thread_that_leaves_another(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 2);
    struct parting parting = {.pool = shelf.pool};
    assert_int_equal(thread_run(detach_one_and_leave_one, &parting), 0);
    assert_int_equal(events_count_of(&shelf.events, LEND_EVENT_LEASE_LEFT), 1);
    assert_int_equal(stats_of(shelf.pool).lent, 1);
    assert_int_equal(lend_lease_adopt(&parting.detached), 0);
    lend_release(&parting.detached);
    assert_int_equal(stats_of(shelf.pool).free, 2);
    shelf_close(&shelf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_returns_with_a_lease_leaves_it_to_the_pool),
        cmocka_unit_test(a_thread_that_exits_with_a_lease_leaves_it_to_the_pool),
        cmocka_unit_test(a_thread_cancelled_with_a_lease_leaves_it_to_the_pool),
        cmocka_unit_test(a_cancellation_at_the_end_does_not_keep_the_lease_from_the_pool),
        cmocka_unit_test(a_destructor_may_release_in_any_round),
        cmocka_unit_test(a_fork_within_an_operation_of_a_model_harms_neither),
        cmocka_unit_test(a_fork_within_a_job_harms_neither),
        cmocka_unit_test(a_program_may_be_spawned_while_others_wait),
        cmocka_unit_test(what_was_detached_outlives_the_thread_that_leaves_another),
    };
    return cmocka_run_group_tests_name("thread_ends", tests, NULL, NULL);
}
