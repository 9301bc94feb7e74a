/* SPDX-License-Identifier: MIT
 *
 * Closing a pool: nothing new is lent, everybody who waits leaves, nothing is freed under a holder,
 * and whoever cannot be waited for is named. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/pace.h"

#include <lend/executor.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WAITERS 3

/* A close on a thread of its own. */
struct closer {
    lend_pool *pool;
    lend_deadline deadline;
    char report[256]; /* printed */
    struct test_thread thread;
};

static int close_pool(void *argument) {
    struct closer *closer = argument;
    struct lend_report *report = NULL;
    int error = lend_pool_close(closer->pool, closer->deadline, &report);
    lend_report_print(report, closer->report, sizeof closer->report);
    lend_report_free(report);
    return error;
}

/* Somebody must hold a model, or an executor be open: so the pool cannot be gone while it is asked
 * whether it closes. */
static bool is_closing(lend_pool *pool) {
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    bool closing = lend_lease_error(&lease) == ESHUTDOWN;
    lend_release(&lease);
    return closing;
}

static void start_closer(struct closer *closer) {
    thread_start(&closer->thread, close_pool, closer);
    assert_true(eventually(is_closing(closer->pool)));
}

static void a_pool_at_rest_closes_at_once(void **state) {
    (void)state;
    const lend_deadline deadlines[] = {LEND_NOW, LEND_BY_DEFAULT, LEND_FOREVER, {1}};
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        struct fakes fakes = {0};
        struct lend_report *report = NULL;
        lend_pool *pool = fakes_pool(&fakes, .models = 3);
        assert_int_equal(lend_pool_close(pool, deadlines[i], &report), 0);
        assert_null(report);
        assert_int_equal(atomic_load(&fakes.alive), 0);
        assert_int_equal(atomic_load(&fakes.unload.calls), 3);
        assert_int_equal(atomic_load(&fakes.wrongs), 0);
    }
}

static void no_pool_is_closed_already(void **state) {
    (void)state;
    struct lend_report *report = NULL;
    assert_int_equal(lend_pool_close(NULL, LEND_NOW, &report), 0);
    assert_int_equal(lend_pool_close(NULL, LEND_FOREVER, NULL), 0);
    assert_null(report);
}

static void models_are_unloaded_on_the_closing_thread(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
    assert_int_equal(atomic_load(&fakes.unload.thread), thread_id());
}

static void close_does_not_wait_longer_than_it_may(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .wait_ms_default = 20);
    struct lend_lease lease = borrow_now(pool);
    lend_deadline deadline = lend_within_ms(20);
    assert_int_equal(lend_pool_close(pool, deadline, NULL), EBUSY);
    assert_int_equal(lend_deadline_left_ms(deadline), 0);
    lend_deadline not_before = lend_within_ms(20);
    assert_int_equal(lend_pool_close(pool, LEND_BY_DEFAULT, NULL), EBUSY);
    assert_int_equal(lend_deadline_left_ms(not_before), 0);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void who_holds_up_a_close_is_named(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .name = "ocr", .models = 3);
    const struct lend_site *here = LEND_HERE;
    struct lend_lease lease = lend_acquire_at(pool, LEND_NOW, here);
    struct lend_report *report = NULL;
    assert_int_equal(lend_pool_close(pool, LEND_NOW, &report), EBUSY);
    assert_non_null(report);
    assert_int_equal(report->error, EBUSY);
    assert_int_equal(report->cause, LEND_CAUSE_LEASES);
    assert_string_equal(report->pool, "ocr");
    assert_int_equal(report->models, 3);
    assert_int_equal(report->lent, 1);
    assert_int_equal(report->free, 2);
    assert_int_equal(report->holder_count, 1);
    assert_ptr_equal(report->holders[0].site, here);
    lend_release(&lease);
    fakes_close(&fakes, pool);
    assert_string_equal(report->pool, "ocr"); /* it outlives the pool */
    assert_ptr_equal(report->holders[0].site, here);
    lend_report_free(report);
}

static void a_close_that_gave_up_leaves_holders_their_models(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease lease = borrow_now(pool);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    assert_int_equal(atomic_load(&fakes.unload.calls), 0);
    fake_use(lease.model);
    assert_int_equal(stats_of(pool).lent, 1);
    lend_release(&lease);
    assert_int_equal(atomic_load(&fakes.reset.calls), 1);
    fakes_close(&fakes, pool);
}

static void a_close_that_gave_up_leaves_the_pool_shut(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease lease = borrow_now(pool);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    assert_true(is_closing(pool));
    lend_release(&lease);
    assert_true(is_closing(pool));
    assert_int_equal(stats_of(pool).free, 2);
    fakes_close(&fakes, pool);
}

static void close_waits_for_the_last_model(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease leases[2] = {borrow_now(pool), borrow_now(pool)};
    struct closer closer = {.pool = pool, .deadline = LEND_FOREVER};
    start_closer(&closer);
    lend_release(&leases[1]);
    assert_false(gate_is_open(&closer.thread.ended));
    assert_int_equal(atomic_load(&fakes.unload.calls), 0);
    lend_release(&leases[0]);
    assert_int_equal(thread_join(&closer.thread), 0);
    assert_int_equal(atomic_load(&fakes.alive), 0);
    assert_int_equal(atomic_load(&fakes.wrongs), 0);
}

static void close_waits_for_a_model_that_comes_back_broken(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct closer closer = {.pool = pool, .deadline = LEND_FOREVER};
    start_closer(&closer);
    lend_release_broken(&lease, "");
    assert_int_equal(thread_join(&closer.thread), 0);
    assert_int_equal(atomic_load(&fakes.load.calls), 1);
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

static void every_waiter_leaves_when_close_begins(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct borrower waiters[WAITERS];
    borrowers_queue_up(waiters, WAITERS, pool);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    borrowers_join(waiters, WAITERS, ESHUTDOWN);
    for (uint32_t i = 0; i < WAITERS; i++)
        assert_int_equal(waiters[i].cause, LEND_CAUSE_CLOSING);
    assert_int_equal(stats_of(pool).waiting, 0);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

/* Each time the pool is freed as the last waiters are on their way out of it. */
static void a_pool_is_not_freed_under_those_who_leave_it(void **state) {
    (void)state;
    for (int round = 0; round < rounds(50, 10); round++) {
        struct fakes fakes = {0};
        lend_pool *pool = fakes_pool(&fakes, .models = 1);
        struct lend_lease lease = borrow_now(pool);
        struct borrower waiters[WAITERS];
        borrowers_queue_up(waiters, WAITERS, pool);
        struct closer closer = {.pool = pool, .deadline = LEND_FOREVER};
        thread_start(&closer.thread, close_pool, &closer);
        lend_deadline until = await_begin();
        while (!is_closing(pool) && lend_deadline_left_ms(until) > 0)
            ; /* no pause: the model is back before the waiters are awake */
        lend_release(&lease);
        borrowers_join(waiters, WAITERS, ESHUTDOWN);
        assert_int_equal(thread_join(&closer.thread), 0);
        assert_int_equal(atomic_load(&fakes.alive), 0);
    }
}

static void one_thread_closes_at_a_time(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct closer closer = {.pool = pool, .deadline = LEND_FOREVER};
    start_closer(&closer);
    struct lend_report *report = NULL;
    assert_int_equal(lend_pool_close(pool, LEND_NOW, &report), EALREADY);
    assert_int_equal(lend_pool_close(pool, LEND_FOREVER, &report), EALREADY);
    assert_null(report);
    lend_release(&lease);
    assert_int_equal(thread_join(&closer.thread), 0);
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

/* It would wait for itself. Nothing is changed by that, and with a deadline it may try. */
static void who_holds_a_model_cannot_close_the_pool_for_ever(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    struct lend_lease lease = borrow_now(pool), other = borrow_detached(pool);
    assert_int_equal(lend_pool_close(pool, LEND_FOREVER, NULL), EDEADLK);
    lend_release(&other);
    struct lend_lease again = borrow_now(pool);
    lend_release(&again);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    assert_int_equal(lend_pool_close(pool, LEND_FOREVER, NULL), EDEADLK);
    lend_release(&lease);
    assert_int_equal(lend_pool_close(pool, LEND_FOREVER, NULL), 0);
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

struct leaver {
    lend_pool *pool;
    struct gate has;
};

static int hold_until_it_closes(void *argument) {
    struct leaver *leaver = argument;
    struct lend_lease lease = lend_acquire(leaver->pool, LEND_NOW);
    gate_open(&leaver->has);
    bool closes = eventually(is_closing(leaver->pool));
    lend_release(&lease);
    return closes ? 0 : 1;
}

/* Whatever the closing thread holds of other pools. */
static void what_another_thread_holds_is_waited_for(void **state) {
    (void)state;
    struct fakes fakes = {0}, others = {0};
    struct test_thread thread;
    lend_pool *other = fakes_pool(&others, .models = 1);
    struct lend_lease lease = borrow_now(other);
    struct leaver leaver = {.pool = fakes_pool(&fakes, .models = 1)};
    gate_init(&leaver.has);
    thread_start(&thread, hold_until_it_closes, &leaver);
    assert_true(gate_wait(&leaver.has));
    assert_int_equal(lend_pool_close(leaver.pool, LEND_FOREVER, NULL), 0);
    assert_int_equal(thread_join(&thread), 0);
    lend_release(&lease);
    fakes_close(&others, other);
    gate_deinit(&leaver.has);
}

/* Each time the next close begins, and frees the pool, as soon as the one before allows it. */
static void a_close_that_gave_up_is_done_with_the_pool(void **state) {
    (void)state;
    for (int round = 0; round < rounds(50, 10); round++) {
        struct fakes fakes = {0};
        lend_pool *pool = fakes_pool(&fakes, .models = 1);
        struct lend_lease lease = borrow_now(pool);
        struct closer closer = {.pool = pool, .deadline = lend_within_ms(1)};
        start_closer(&closer);
        int error;
        while ((error = lend_pool_close(pool, LEND_NOW, NULL)) == EALREADY)
            sched_yield();
        assert_int_equal(error, EBUSY);
        lend_release(&lease);
        fakes_close(&fakes, pool);
        assert_int_equal(thread_join(&closer.thread), EBUSY);
        assert_non_null(strstr(closer.report, "1 of 1 lent"));
    }
}

static void after_one_thread_gave_up_another_may_close(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    struct closer closer = {.pool = pool, .deadline = LEND_NOW};
    assert_int_equal(thread_run(close_pool, &closer), EBUSY);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), EBUSY);
    lend_release(&lease);
    assert_int_equal(thread_run(close_pool, &closer), 0);
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

static void a_pool_with_an_executor_does_not_close(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    lend_executor *executor;
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .name = "night")), 0);
    struct lend_report *report = NULL;
    assert_int_equal(lend_pool_close(pool, LEND_NOW, &report), EBUSY);
    assert_int_equal(report->cause, LEND_CAUSE_TENANTS);
    assert_string_equal(report->tenant, "night");
    assert_int_equal(report->holder_count, 0);
    lend_report_free(report);
    lend_executor *late = NULL;
    assert_int_equal(lend_executor_open(&late, &LEND_EXECUTOR_OPTIONS(.pool = pool)), ESHUTDOWN);
    assert_null(late);
    assert_int_equal(lend_executor_close(executor, LEND_BY_DEFAULT), 0);
    fakes_close(&fakes, pool);
}

/* Its worker is idle, and it holds no model: it alone keeps the pool. */
static void a_close_that_waits_for_an_executor_ends_when_that_is_closed(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct closer closer = {.pool = fakes_pool(&fakes, .models = 1), .deadline = LEND_FOREVER};
    lend_executor *executor;
    assert_int_equal(lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = closer.pool)), 0);
    start_closer(&closer);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    assert_int_equal(thread_join(&closer.thread), 0);
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

static void a_close_that_waits_for_an_executor_and_a_model_waits_for_both(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct closer closer = {.pool = fakes_pool(&fakes, .models = 1), .deadline = LEND_FOREVER};
    struct lend_lease lease = borrow_now(closer.pool);
    lend_executor *executor;
    assert_int_equal(lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = closer.pool)), 0);
    start_closer(&closer);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    assert_true(is_closing(closer.pool));
    lend_release(&lease);
    assert_int_equal(thread_join(&closer.thread), 0);
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_at_rest_closes_at_once),
        cmocka_unit_test(no_pool_is_closed_already),
        cmocka_unit_test(models_are_unloaded_on_the_closing_thread),
        cmocka_unit_test(close_does_not_wait_longer_than_it_may),
        cmocka_unit_test(who_holds_up_a_close_is_named),
        cmocka_unit_test(a_close_that_gave_up_leaves_holders_their_models),
        cmocka_unit_test(a_close_that_gave_up_leaves_the_pool_shut),
        cmocka_unit_test(close_waits_for_the_last_model),
        cmocka_unit_test(close_waits_for_a_model_that_comes_back_broken),
        cmocka_unit_test(every_waiter_leaves_when_close_begins),
        cmocka_unit_test(a_pool_is_not_freed_under_those_who_leave_it),
        cmocka_unit_test(one_thread_closes_at_a_time),
        cmocka_unit_test(who_holds_a_model_cannot_close_the_pool_for_ever),
        cmocka_unit_test(what_another_thread_holds_is_waited_for),
        cmocka_unit_test(a_close_that_gave_up_is_done_with_the_pool),
        cmocka_unit_test(after_one_thread_gave_up_another_may_close),
        cmocka_unit_test(a_pool_with_an_executor_does_not_close),
        cmocka_unit_test(a_close_that_waits_for_an_executor_ends_when_that_is_closed),
        cmocka_unit_test(a_close_that_waits_for_an_executor_and_a_model_waits_for_both),
    };
    return cmocka_run_group_tests_name("pool_close", tests, NULL, NULL);
}
