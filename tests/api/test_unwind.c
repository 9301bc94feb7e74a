/* SPDX-License-Identifier: MIT
 *
 * A thread that ends in the middle of a scope, by pthread_exit or because it is cancelled, gives
 * its model back: lend_run with any compiler, the guards where callers are built with -fexceptions.
 */
#include "support/await.h"
#include "support/fake_model.h"
#include "support/thread.h"

#include <lend/scope.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A thread that borrows and then leaves. */
struct leaver {
    lend_pool *pool;
    void (*leave)(struct leaver *leaver);
    struct gate inside; /* opened when it can be cancelled */
};

static void leave_by_exit(struct leaver *leaver) {
    (void)leaver;
    pthread_exit(NULL);
}

/* Not in a blocking call: ThreadSanitizer sees no locks of a thread that was cancelled in one. */
static void leave_when_cancelled(struct leaver *leaver) {
    gate_open(&leaver->inside);
    for (;;) {
        pthread_testcancel();
        sched_yield();
    }
}

static int use_and_leave(void *model, void *argument) {
    struct leaver *leaver = argument;
    fake_use(model);
    leaver->leave(leaver);
    return 0;
}

static int leave_from_run(void *argument) {
    struct leaver *leaver = argument;
    return lend_run(leaver->pool, LEND_NOW, use_and_leave, leaver);
}

static int leave_from_block(void *argument) {
    struct leaver *leaver = argument;
    lend_with (page, leaver->pool, LEND_NOW) {
        return use_and_leave(page.model, leaver);
    } lend_else {
        return lend_lease_error(&page);
    } lend_end
}

static int leave_from_scope(void *argument) {
    struct leaver *leaver = argument;
    lend_scoped_lease page = lend_acquire(leaver->pool, LEND_NOW);
    return use_and_leave(page.model, leaver);
}

/* On the way out and not afterwards: what a thread left behind, the pool takes back and tells. */
static void check_given_back(lend_pool *pool) {
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.grants, 1);
    assert_int_equal(stats.free, 1);
    assert_int_equal(stats.events, 0);
}

static void check_exit_gives_back(test_function *function) {
    struct fakes fakes = {0};
    struct leaver leaver = {.pool = fakes_pool(&fakes, .models = 1), .leave = leave_by_exit};
    assert_int_equal(thread_run(function, &leaver), THREAD_LEFT);
    check_given_back(leaver.pool);
    fakes_close(&fakes, leaver.pool);
}

static void check_cancel_gives_back(test_function *function) {
    struct fakes fakes = {0};
    struct leaver leaver = {.pool = fakes_pool(&fakes, .models = 1), .leave = leave_when_cancelled};
    struct test_thread thread;
    gate_init(&leaver.inside);
    thread_start(&thread, function, &leaver);
    assert_true(gate_wait(&leaver.inside));
    assert_int_equal(stats_of(leaver.pool).lent, 1);
    thread_cancel(&thread);
    assert_int_equal(thread_join(&thread), THREAD_LEFT);
    check_given_back(leaver.pool);
    fakes_close(&fakes, leaver.pool);
    gate_deinit(&leaver.inside);
}

/* musl's pthread_exit and pthread_cancel call cleanup handlers, and unwind nothing. */
static void skip_where_threads_do_not_unwind(void) {
#ifndef __GLIBC__
    print_message("skipped: the stack of a thread that ends is not unwound here\n");
    skip();
#endif
}

static void pthread_exit_in_run_gives_back(void **state) {
    (void)state;
    check_exit_gives_back(leave_from_run);
}

static void pthread_exit_in_a_block_gives_back(void **state) {
    (void)state;
    skip_where_threads_do_not_unwind();
    check_exit_gives_back(leave_from_block);
}

static void pthread_exit_with_a_scoped_lease_gives_back(void **state) {
    (void)state;
    skip_where_threads_do_not_unwind();
    check_exit_gives_back(leave_from_scope);
}

static void a_thread_cancelled_in_run_gives_back(void **state) {
    (void)state;
    check_cancel_gives_back(leave_from_run);
}

static void a_thread_cancelled_in_a_block_gives_back(void **state) {
    (void)state;
    skip_where_threads_do_not_unwind();
    check_cancel_gives_back(leave_from_block);
}

static void a_thread_cancelled_with_a_scoped_lease_gives_back(void **state) {
    (void)state;
    skip_where_threads_do_not_unwind();
    check_cancel_gives_back(leave_from_scope);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pthread_exit_in_run_gives_back),
        cmocka_unit_test(pthread_exit_in_a_block_gives_back),
        cmocka_unit_test(pthread_exit_with_a_scoped_lease_gives_back),
        cmocka_unit_test(a_thread_cancelled_in_run_gives_back),
        cmocka_unit_test(a_thread_cancelled_in_a_block_gives_back),
        cmocka_unit_test(a_thread_cancelled_with_a_scoped_lease_gives_back),
    };
    return cmocka_run_group_tests_name("unwind", tests, NULL, NULL);
}
