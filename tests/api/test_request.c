/* SPDX-License-Identifier: MIT
 *
 * Requests: served in line with threads that wait, answered once, through the queue; cancelled,
 * timed out, refused; and whose their leases are. */
#include "support/loop.h"
#include "support/pace.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 6 };

struct desk {
    struct workshop shop;
    lend_completions *queue;
    struct told told[MANY];
};

static void desk_open(struct desk *desk, uint32_t models) {
    memset(desk, 0, sizeof *desk);
    workshop_open(&desk->shop, models, NULL);
    desk->queue = loop_open();
}

static void desk_close(struct desk *desk) {
    loop_close(desk->queue);
    for (int i = 0; i < MANY; i++)
        lend_release(&desk->told[i].lease);
    workshop_close(&desk->shop);
}

static int try_asking(struct desk *desk, int i, lend_deadline deadline,
                      lend_request **ret_request) {
    struct lend_request_spec spec = told_spec(desk->queue, &desk->told[i], 0);
    return lend_acquire_later(desk->shop.pool, deadline, &spec, ret_request);
}

static lend_request *ask(struct desk *desk, int i, lend_deadline deadline) {
    lend_request *request = NULL;
    assert_int_equal(try_asking(desk, i, deadline, &request), 0);
    return request;
}

static bool is_told(struct desk *desk, int i) {
    return loop_until(desk->queue, desk->told[i].count == 1);
}

static void a_model_that_is_free_is_told_by_the_queue_too(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    ask(&desk, 0, LEND_NOW);
    assert_int_equal(desk.told[0].count, 0);
    assert_int_equal(stats_of(desk.shop.pool).lent, 1);
    assert_int_equal(lend_completions_run(desk.queue, 1), 1);
    assert_int_equal(desk.told[0].count, 1);
    assert_int_equal(desk.told[0].error, 0);
    assert_true(lend_lease_ok(&desk.told[0].lease));
    lend_release(&desk.told[0].lease);
    assert_int_equal(stats_of(desk.shop.pool).free, 1);
    assert_int_equal(events_count(&desk.shop.events), 0);
    desk_close(&desk);
}

/* A thread between two requests: each gets the model when the one before has given it back. */
static int acquire(void *argument) {
    struct lend_lease lease = lend_acquire(argument, LEND_FOREVER);
    int error = lend_lease_error(&lease);
    lend_release(&lease);
    return error;
}

static void requests_and_threads_are_served_in_order_of_arrival(void **state) {
    (void)state;
    struct desk desk;
    struct test_thread thread;
    desk_open(&desk, 1);
    struct lend_lease first = lend_acquire(desk.shop.pool, LEND_NOW);
    ask(&desk, 0, LEND_FOREVER);
    thread_start(&thread, acquire, desk.shop.pool);
    assert_true(eventually(stats_of(desk.shop.pool).waiting == 2));
    ask(&desk, 1, LEND_FOREVER);
    lend_release(&first);
    assert_true(is_told(&desk, 0));
    assert_false(gate_is_open(&thread.ended));
    assert_int_equal(stats_of(desk.shop.pool).waiting, 2);
    lend_release(&desk.told[0].lease);
    assert_int_equal(thread_join(&thread), 0);
    assert_true(is_told(&desk, 1));
    assert_int_equal(desk.told[1].error, 0);
    struct lend_pool_stats stats = stats_of(desk.shop.pool);
    assert_int_equal(stats.queued, 3);
    assert_int_equal(lend_histogram_count(&stats.waits), 3);
    desk_close(&desk);
}

static void how_long_a_request_has_waited_is_counted(void **state) {
    (void)state;
    enum { WAIT_MS = 20 };
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    ask(&desk, 0, lend_within_ms(WAIT_MS));
    assert_true(is_told(&desk, 0));
    assert_int_equal(desk.told[0].error, ETIMEDOUT);
    struct lend_pool_stats stats = stats_of(desk.shop.pool);
    assert_int_equal(lend_histogram_count(&stats.waits), 1);
    assert_true(lend_histogram_quantile_us(&stats.waits, 1) >= WAIT_MS * 1000);
    lend_release(&lease);
    desk_close(&desk);
}

static void what_is_known_at_once_is_returned_and_the_callback_never_runs(void **state) {
    (void)state;
    struct desk desk;
    lend_request *untouched = NULL;
    desk_open(&desk, 1);
    struct lend_request_spec spec = told_spec(desk.queue, &desk.told[0], 0);
    lend_pool *pool = desk.shop.pool;
    assert_int_equal(lend_acquire_later(NULL, LEND_NOW, &spec, &untouched), EINVAL);
    assert_int_equal(lend_acquire_later(pool, LEND_NOW, NULL, &untouched), EINVAL);
    struct lend_request_spec wrong = spec;
    wrong.queue = NULL;
    assert_int_equal(lend_acquire_later(pool, LEND_NOW, &wrong, &untouched), EINVAL);
    wrong = spec;
    wrong.acquired = NULL;
    assert_int_equal(lend_acquire_later(pool, LEND_NOW, &wrong, &untouched), EINVAL);
    wrong = spec;
    wrong.task = LEND_TASK_MAX + 1;
    assert_int_equal(lend_acquire_later(pool, LEND_NOW, &wrong, &untouched), EINVAL);
    struct {
        struct lend_request_spec spec;
        int more;
    } newer = {.spec = spec, .more = 1};
    newer.spec.size = sizeof newer;
    assert_int_equal(lend_acquire_later(pool, LEND_NOW, &newer.spec, &untouched), E2BIG);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_int_equal(lend_acquire_later(pool, LEND_NOW, &spec, &untouched), EBUSY);
    assert_null(untouched);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 0);
    assert_int_equal(lend_completions_close(desk.queue), 0);
    desk.queue = loop_open();
    lend_release(&lease);
    desk_close(&desk);
}

static void the_bound_on_waiters_holds_for_requests(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_pool_options options;
    assert_int_equal(lend_pool_options_get(desk.shop.pool, &options), 0);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    lend_request *requests[64];
    struct told told[64] = {0};
    assert_true(options.waiters_max < 64);
    for (uint32_t i = 0; i < options.waiters_max; i++) {
        struct lend_request_spec spec = told_spec(desk.queue, &told[i], 0);
        assert_int_equal(lend_acquire_later(desk.shop.pool, LEND_FOREVER, &spec, &requests[i]), 0);
    }
    assert_int_equal(try_asking(&desk, 0, LEND_FOREVER, NULL), ENOBUFS);
    for (uint32_t i = 0; i < options.waiters_max; i++)
        assert_int_equal(lend_request_cancel(requests[i]), 0);
    assert_int_equal(stats_of(desk.shop.pool).waiting, 0);
    lend_release(&lease);
    desk_close(&desk);
}

/* answers without a model */

static void a_request_whose_deadline_passes_is_told_with_a_report(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    lend_deadline by = lend_within_ms(20);
    ask(&desk, 0, by);
    ask(&desk, 1, LEND_FOREVER);
    ask(&desk, 2, lend_within_ms(5));
    assert_true(is_told(&desk, 0));
    assert_int_equal(lend_deadline_left_ms(by), 0);
    assert_int_equal(desk.told[0].error, ETIMEDOUT);
    assert_true(desk.told[2].turn < desk.told[0].turn);
    const struct lend_report *report = lend_lease_report(&desk.told[0].lease);
    assert_non_null(report);
    assert_true(report->waited_ns >= 19000000);
    assert_non_null(strstr(desk.told[0].words, "no model within "));
    assert_non_null(strstr(desk.told[0].words, "at test_request.c:"));
    assert_int_equal(stats_of(desk.shop.pool).timeouts, 2);
    assert_int_equal(stats_of(desk.shop.pool).waiting, 1);
    ask(&desk, 3, lend_within_ms(1)); /* the keeper, with no other to expect, is called for it */
    assert_true(is_told(&desk, 3));
    lend_release(&lease);
    assert_true(is_told(&desk, 1));
    desk_close(&desk);
}

static void a_deadline_that_has_passed_already_is_told_too(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    ask(&desk, 0, (lend_deadline){1});
    assert_true(is_told(&desk, 0));
    assert_int_equal(desk.told[0].error, ETIMEDOUT);
    lend_release(&lease);
    desk_close(&desk);
}

static void
a_pool_that_closes_tells_whom_it_keeps_waiting_and_does_not_wait_for_that(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    for (int i = 0; i < MANY; i++)
        ask(&desk, i, LEND_FOREVER);
    assert_int_equal(lend_executor_close(desk.shop.executor, LEND_FOREVER), 0);
    assert_int_equal(lend_pool_close(desk.shop.pool, LEND_NOW, NULL), EBUSY);
    assert_int_equal(try_asking(&desk, 0, LEND_FOREVER, NULL), ESHUTDOWN);
    lend_release(&lease);
    assert_int_equal(lend_pool_close(desk.shop.pool, LEND_NOW, NULL), 0);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(desk.told[i].count, 1);
        assert_int_equal(desk.told[i].error, ESHUTDOWN);
        assert_non_null(strstr(desk.told[i].words, "the pool is closing"));
        lend_release(&desk.told[i].lease);
    }
    loop_close(desk.queue);
    events_deinit(&desk.shop.events);
}

static void when_no_model_can_be_loaded_requests_are_told_the_loaders_words(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    ask(&desk, 0, LEND_FOREVER);
    atomic_store(&desk.shop.loads_fail, true);
    lend_release_broken(&lease, "torn");
    assert_true(is_told(&desk, 0));
    assert_int_equal(desk.told[0].error, EIO);
    assert_non_null(strstr(desk.told[0].words, "the shelf is empty"));
    assert_int_equal(try_asking(&desk, 1, LEND_FOREVER, NULL), EIO);
    desk_close(&desk);
}

/* cancelling */

static void a_cancelled_request_leaves_the_line_and_is_never_told(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    lend_request *first = ask(&desk, 0, LEND_FOREVER);
    ask(&desk, 1, LEND_FOREVER);
    lend_request *last = ask(&desk, 2, lend_within_ms(3600000));
    assert_int_equal(lend_request_cancel(first), 0);
    assert_int_equal(lend_request_cancel(last), 0);
    assert_int_equal(stats_of(desk.shop.pool).waiting, 1);
    lend_release(&lease);
    assert_true(is_told(&desk, 1));
    assert_int_equal(desk.told[0].count + desk.told[2].count, 0);
    assert_int_equal(lend_request_cancel(NULL), EINVAL);
    desk_close(&desk);
}

static void a_grant_that_meets_a_cancel_goes_to_who_waits_next(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    lend_request *first = ask(&desk, 0, LEND_FOREVER);
    ask(&desk, 1, LEND_FOREVER);
    lend_release(&lease);
    assert_true(loop_is_readable(desk.queue));
    assert_int_equal(stats_of(desk.shop.pool).waiting, 1);
    assert_int_equal(lend_request_cancel(first), 0);
    assert_true(is_told(&desk, 1));
    assert_int_equal(desk.told[0].count, 0);
    assert_int_equal(desk.told[1].error, 0);
    desk_close(&desk);
}

static void a_grant_that_nobody_else_waits_for_goes_back_to_the_pool(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lend_request_cancel(ask(&desk, 0, LEND_FOREVER)), 0);
        assert_int_equal(stats_of(desk.shop.pool).free, 1);
    }
    assert_false(loop_is_readable(desk.queue));
    desk_close(&desk);
}

static void
a_failure_that_was_not_told_so_far_can_be_cancelled_after_its_pool_is_gone(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
    lend_request *request = ask(&desk, 0, lend_within_ms(1));
    assert_true(loop_wait(desk.queue));
    lend_release(&lease);
    workshop_close(&desk.shop);
    assert_int_equal(lend_request_cancel(request), 0);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 0);
    assert_int_equal(lend_completions_close(desk.queue), 0);
}

struct self_cancel {
    lend_request *request;
    int error;
};

static void cancel_self(struct lend_lease *lease, void *argument) {
    struct self_cancel *self = argument;
    (void)lease;
    self->error = lend_request_cancel(self->request);
}

static void in_its_callback_a_request_cannot_be_cancelled_any_more(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct self_cancel self = {0};
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = desk.queue, .acquired = cancel_self, .argument = &self);
    assert_int_equal(lend_acquire_later(desk.shop.pool, LEND_FOREVER, &spec, &self.request), 0);
    assert_int_equal(lend_completions_run(desk.queue, 1), 1);
    assert_int_equal(self.error, EALREADY);
    assert_int_equal(stats_of(desk.shop.pool).free, 1); /* what the callback left was released */
    assert_int_equal(events_count(&desk.shop.events), 0);
    desk_close(&desk);
}

/* A model is handed on among requests that are cancelled while a thread gives it back. */
static int release_soon(void *argument) {
    lend_release(argument);
    return 0;
}

static void a_cancel_and_a_grant_at_the_same_time_never_strand_the_model(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    for (int round = 0; round < rounds(300, 20); round++) {
        lend_request *requests[3];
        struct test_thread thread;
        struct lend_lease lease = lend_acquire(desk.shop.pool, LEND_NOW);
        assert_true(lend_lease_ok(&lease));
        for (int i = 0; i < 3; i++)
            requests[i] = ask(&desk, i, LEND_FOREVER);
        assert_int_equal(lend_lease_detach(&lease), 0);
        thread_start(&thread, release_soon, &lease);
        for (int i = 0; i < 3; i++)
            assert_int_equal(lend_request_cancel(requests[i]), 0);
        assert_int_equal(thread_join(&thread), 0);
        assert_int_equal(stats_of(desk.shop.pool).free, 1);
        assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 0);
    }
    assert_int_equal(lend_completions_close(desk.queue), 0);
    desk.queue = loop_open();
    desk_close(&desk);
}

static void cancel_other(struct lend_lease *lease, void *argument) {
    lend_request **other = argument;
    lend_release(lease);
    if (lend_request_cancel(*other) == 0)
        *other = NULL;
}

static void a_callback_may_withdraw_the_answer_that_comes_next(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 2);
    lend_request *other = NULL;
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = desk.queue, .acquired = cancel_other, .argument = &other);
    assert_int_equal(lend_acquire_later(desk.shop.pool, LEND_FOREVER, &spec, NULL), 0);
    other = ask(&desk, 0, LEND_FOREVER);
    assert_int_equal(stats_of(desk.shop.pool).lent, 2);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 1);
    assert_null(other);
    assert_int_equal(desk.told[0].count, 0);
    assert_int_equal(stats_of(desk.shop.pool).free, 2);
    assert_false(loop_is_readable(desk.queue));
    desk_close(&desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_is_free_is_told_by_the_queue_too),
        cmocka_unit_test(requests_and_threads_are_served_in_order_of_arrival),
        cmocka_unit_test(how_long_a_request_has_waited_is_counted),
        cmocka_unit_test(what_is_known_at_once_is_returned_and_the_callback_never_runs),
        cmocka_unit_test(the_bound_on_waiters_holds_for_requests),
        cmocka_unit_test(a_request_whose_deadline_passes_is_told_with_a_report),
        cmocka_unit_test(a_deadline_that_has_passed_already_is_told_too),
        cmocka_unit_test(a_pool_that_closes_tells_whom_it_keeps_waiting_and_does_not_wait_for_that),
        cmocka_unit_test(when_no_model_can_be_loaded_requests_are_told_the_loaders_words),
        cmocka_unit_test(a_cancelled_request_leaves_the_line_and_is_never_told),
        cmocka_unit_test(a_grant_that_meets_a_cancel_goes_to_who_waits_next),
        cmocka_unit_test(a_grant_that_nobody_else_waits_for_goes_back_to_the_pool),
        cmocka_unit_test(
            a_failure_that_was_not_told_so_far_can_be_cancelled_after_its_pool_is_gone),
        cmocka_unit_test(in_its_callback_a_request_cannot_be_cancelled_any_more),
        cmocka_unit_test(a_cancel_and_a_grant_at_the_same_time_never_strand_the_model),
        cmocka_unit_test(a_callback_may_withdraw_the_answer_that_comes_next),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
