/* SPDX-License-Identifier: MIT
 *
 * Ways in which other pools lose count of what they have, or do not notice that there is more of
 * it: capacity that comes from elsewhere than a return, a count that is taken down twice, a factory
 * that fails, and one that is stuck. Here the count is right, and whoever waits gets it or is told.
 */
#include "support/await.h"
#include "support/borrower.h"
#include "support/events.h"
#include "support/fake_model.h"
#include "support/shelf.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool is_whole(lend_pool *pool) {
    struct lend_pool_stats stats = stats_of(pool);
    return stats.models == stats.free + stats.lent + stats.loading + stats.retiring + stats.lost;
}

static void check_all_free(lend_pool *pool, uint32_t models) {
    assert_true(eventually(stats_of(pool).free == models));
    assert_int_equal(stats_of(pool).models, models);
}

/* capacity that does not come from a return */

static void waiters_hear_of_capacity_that_a_load_brought(void **state) {
    (void)state;
    struct shelf shelf;
    struct borrower waiters[3];
    shelf_open(&shelf, 1);
    struct lend_lease held = borrow_now(shelf.pool);
    borrowers_queue_up(waiters, 3, shelf.pool);
    lend_release_broken(&held, "worn out");
    borrowers_join(waiters, 3, 0);
    assert_int_equal(stats_of(shelf.pool).loads, 2);
    check_all_free(shelf.pool, 1);
    shelf_close(&shelf);
}

static void a_load_that_fails_does_not_leave_waiters_beside_one_that_succeeds(void **state) {
    (void)state;
    struct shelf shelf;
    struct borrower waiters[2];
    shelf_open(&shelf, 2);
    struct lend_lease broken = borrow_now(shelf.pool), kept = borrow_detached(shelf.pool);
    borrowers_queue_up(waiters, 2, shelf.pool);
    fakes_fail_next(&shelf.fakes.load, 2, EIO, "not yet");
    lend_release_broken(&broken, NULL);
    borrowers_join(waiters, 2, 0); /* by the third load: the other model never came back */
    assert_int_equal(stats_of(shelf.pool).load_failures, 2);
    lend_release(&kept);
    check_all_free(shelf.pool, 2);
    shelf_close(&shelf);
}

static void waiters_hear_of_capacity_that_a_resize_brought(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct borrower waiters[2];
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .models_max = 3);
    struct lend_lease held = borrow_now(pool);
    borrowers_queue_up(waiters, 2, pool);
    assert_int_equal(lend_pool_resize(pool, 3, LEND_FOREVER, NULL), 0);
    borrowers_join(waiters, 2, 0);
    lend_release(&held);
    check_all_free(pool, 3);
    fakes_close(&fakes, pool);
}

/* counts */

static void no_release_however_wrong_takes_the_count_below_zero(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    for (int i = 0; i < 1000; i++) {
        struct lend_lease lease = borrow_now(pool), again = lease, broken = lease;
        fake_use(lease.model);
        lend_release(&lease);
        lend_release(&lease);
        lend_release(&again); /* a copy, which does not know that it is over */
        lend_release_broken(&broken, "and another one");
        assert_int_equal(stats_of(pool).free, 3);
    }
    assert_int_equal(stats_of(pool).bad_releases, 2000);
    assert_int_equal(stats_of(pool).broken, 0);
    struct lend_lease leases[3];
    for (int i = 0; i < 3; i++)
        leases[i] = borrow_now(pool);
    borrow_in_vain(pool, LEND_NOW, EBUSY);
    for (int i = 0; i < 3; i++)
        lend_release(&leases[i]);
    check_all_free(pool, 3);
    fakes_close(&fakes, pool);
}

/* a factory that fails */

static void a_loader_that_fails_is_not_tried_in_a_loop_and_callers_are_told(void **state) {
    (void)state;
    struct shelf shelf;
    struct borrower waiter;
    shelf_open(&shelf, 1);
    struct lend_lease held = borrow_now(shelf.pool);
    borrowers_queue_up(&waiter, 1, shelf.pool);
    unsigned before = atomic_load(&shelf.fakes.load.calls);
    lend_deadline end = lend_within_ms(300);
    fakes_fail_next(&shelf.fakes.load, UINT32_MAX, ENOSPC, "the disk is gone");
    lend_release_broken(&held, NULL);
    assert_int_equal(borrower_join(&waiter), EIO); /* he waited for ever */
    assert_int_equal(waiter.cause, LEND_CAUSE_LOADER);
    while (lend_deadline_left_ms(end) > 0) {
        struct lend_lease refused = lend_acquire(shelf.pool, LEND_FOREVER);
        assert_int_equal(lend_lease_error(&refused), EIO);
        assert_string_equal(lend_lease_report(&refused)->loader.text, "the disk is gone");
        assert_int_equal(lend_lease_report(&refused)->loader.error, ENOSPC);
        lend_release(&refused);
    }
    assert_true(atomic_load(&shelf.fakes.load.calls) - before <= 6); /* 3, were it on time */
    fakes_fail_next(&shelf.fakes.load, 0, 0, NULL);
    check_all_free(shelf.pool, 1); /* without anybody's asking */
    shelf_close(&shelf);
}

static void what_fails_at_the_start_fails_the_start_with_its_own_words(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct lend_reason reason = {0};
    lend_pool *pool = NULL;
    fakes_fail_nth(&fakes.load, 3, ENOENT, "no such model");
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &fake_ops, .ops_context = &fakes,
                                                 .models = 4, .reason = &reason)),
        EIO);
    assert_null(pool);
    assert_int_equal(reason.error, ENOENT);
    assert_string_equal(reason.text, "no such model");
    assert_int_equal(atomic_load(&fakes.alive), 0);
}

/* a factory that is stuck */

static void while_one_load_is_stuck_the_other_models_are_lent(void **state) {
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, 2);
    struct lend_lease broken = borrow_now(shelf.pool);
    unsigned stuck = fakes_hold(&shelf.fakes.load, &shelf.gate);
    lend_release_broken(&broken, NULL);
    assert_true(eventually(atomic_load(&shelf.fakes.load.calls) >= stuck));
    for (int i = 0; i < 1000; i++) {
        struct lend_lease lease = lend_acquire(shelf.pool, LEND_NOW);
        assert_true(lend_lease_ok(&lease));
        fake_use(lease.model);
        lend_release(&lease);
    }
    assert_int_equal(stats_of(shelf.pool).loading, 1);
    assert_true(is_whole(shelf.pool));
    gate_open(&shelf.gate);
    check_all_free(shelf.pool, 2);
    shelf_close(&shelf);
}

static void a_pool_that_has_drained_into_a_stuck_load_says_so(void **state) {
    (void)state;
    struct shelf shelf;
    char words[512];
    struct lend_report *report = NULL;
    shelf_open(&shelf, 2);
    struct lend_lease leases[2] = {borrow_now(shelf.pool), borrow_now(shelf.pool)};
    unsigned stuck = fakes_hold(&shelf.fakes.load, &shelf.gate);
    for (int i = 0; i < 2; i++)
        lend_release_broken(&leases[i], NULL);
    assert_true(eventually(atomic_load(&shelf.fakes.load.calls) >= stuck));
    struct lend_lease refused = lend_acquire(shelf.pool, lend_within_ms(50));
    assert_int_equal(lend_lease_error(&refused), ETIMEDOUT);
    assert_int_equal(lend_lease_report(&refused)->cause, LEND_CAUSE_LOADING);
    lend_release(&refused);
    lend_pool_print(shelf.pool, words, sizeof words);
    assert_non_null(strstr(words, "0 of 2 lent, 1 loading, 1 retiring"));
    assert_int_equal(lend_pool_close(shelf.pool, lend_within_ms(50), &report), EBUSY);
    assert_non_null(report);
    assert_int_equal(report->loading, 1);
    assert_int_equal(report->lent, 0);
    lend_report_free(report);
    gate_open(&shelf.gate);
    shelf_close(&shelf);
}

/* The thread that would have loaded the second one is inside the first. */
static void a_pool_that_has_drained_refills_though_its_loader_is_stuck(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    struct gate gate;
    struct borrower waiters[3];
    gate_init(&gate);
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 3, .load_alarm_ms = 200, .sink = events_record,
                                 .sink_context = &events);
    struct lend_lease leases[3] = {borrow_detached(pool), borrow_detached(pool),
                                   borrow_detached(pool)};
    borrowers_queue_up(waiters, 3, pool);
    unsigned stuck = fakes_hold(&fakes.load, &gate);
    lend_release_broken(&leases[0], NULL);
    assert_true(eventually(atomic_load(&fakes.load.calls) >= stuck));
    atomic_store(&fakes.load.gate, NULL);
    for (int i = 1; i < 3; i++)
        lend_release_broken(&leases[i], NULL);
    borrowers_join(waiters, 3, 0);
    assert_true(eventually(stats_of(pool).free == 2));
    assert_true(is_whole(pool));
    assert_int_equal(stats_of(pool).stuck, 1);
    assert_true(events_count_of(&events, LEND_EVENT_LOAD_STUCK) >= 1);
    gate_open(&gate);
    check_all_free(pool, 3);
    fakes_close(&fakes, pool);
    events_deinit(&events);
    gate_deinit(&gate);
}

static void a_pool_whose_every_load_is_stuck_refuses_at_once_and_says_why(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .load_alarm_ms = 50);
    struct lend_lease leases[2] = {borrow_now(pool), borrow_now(pool)};
    fakes_hold(&fakes.load, &gate);
    for (int i = 0; i < 2; i++)
        lend_release_broken(&leases[i], NULL);
    assert_true(eventually(atomic_load(&fakes.load.under_way) == 2));
    assert_true(eventually(stats_of(pool).stuck == 2));
    struct lend_lease refused = lend_acquire(pool, LEND_FOREVER);
    assert_int_equal(lend_lease_error(&refused), EIO);
    assert_int_equal(lend_lease_report(&refused)->cause, LEND_CAUSE_STUCK);
    assert_string_equal(lend_lease_report(&refused)->loader.text,
                        "a load has not returned for 50 ms");
    lend_release(&refused);
    assert_true(is_whole(pool));
    gate_open(&gate);
    check_all_free(pool, 2);
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

/* The workers go on with what is left. */
static void a_load_takes_no_worker_from_the_jobs(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    lend_executor *executor;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .workers = 2)), 0);
    struct lend_lease broken = borrow_now(pool);
    unsigned stuck = fakes_hold(&fakes.load, &gate);
    lend_release_broken(&broken, NULL);
    assert_true(eventually(atomic_load(&fakes.load.calls) >= stuck));
    for (int i = 0; i < 100; i++) {
        lend_future *future;
        assert_int_equal(lend_submit(executor, &LEND_JOB(.run = plain_job_run), &future), 0);
        assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
        assert_int_equal(lend_future_error(future), 0);
        lend_future_drop(future);
    }
    assert_int_equal(stats_of(pool).loading, 1);
    gate_open(&gate);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    check_all_free(pool, 2);
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

/* more threads than cores: slower by a factor, and nothing to see of it */

static void a_pool_that_wants_more_cores_than_there_are_is_told_so(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .model_threads = 100000,
                                 .sink = events_record, .sink_context = &events);
    assert_int_equal(events_count(&events), 1);
    struct recorded_event told = events_first_of(&events, LEND_EVENT_OVERSUBSCRIBED);
    assert_non_null(strstr(told.text, "2 models x 100000 threads on "));
    fakes_close(&fakes, pool);
    pool = fakes_pool(&fakes, .models = LEND_MODELS_AUTO, .model_threads = 100000);
    assert_int_equal(stats_of(pool).models, 1);
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

/* a return that is stuck: the model is with the thread that gives it back */

static void a_reset_that_is_stuck_is_named_with_the_line_that_borrowed(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    struct gate gate;
    gate_init(&gate);
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .hold_alarm_ms = 20, .stall_alarm_ms = 20,
                                 .sink = events_record, .sink_context = &events);
    struct borrower stuck = {.pool = pool, .deadline = LEND_NOW};
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    unsigned call = fakes_hold(&fakes.reset, &gate);
    borrower_start(&stuck);
    assert_true(eventually(atomic_load(&fakes.reset.calls) >= call));
    borrower_queue_up(&waiter);
    assert_true(eventually(events_count_of(&events, LEND_EVENT_HELD_LONG) == 1));
    assert_true(eventually(events_count_of(&events, LEND_EVENT_STALLED) == 1));
    assert_non_null(
        strstr(events_first_of(&events, LEND_EVENT_HELD_LONG).site->file, "borrower.c"));
    struct lend_lease refused = lend_acquire(pool, lend_within_ms(50));
    assert_int_equal(lend_lease_error(&refused), ETIMEDOUT);
    assert_int_equal(lend_lease_report(&refused)->cause, LEND_CAUSE_HOLDERS);
    lend_release(&refused);
    gate_open(&gate);
    assert_int_equal(borrower_join(&stuck), 0);
    assert_int_equal(borrower_join(&waiter), 0);
    check_all_free(pool, 1);
    fakes_close(&fakes, pool);
    events_deinit(&events);
    gate_deinit(&gate);
}

static void while_a_reset_is_stuck_the_other_models_are_lent(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    struct gate gate;
    gate_init(&gate);
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .hold_alarm_ms = 20, .sink = events_record,
                                 .sink_context = &events);
    struct borrower stuck = {.pool = pool, .deadline = LEND_NOW};
    unsigned call = fakes_hold(&fakes.reset, &gate);
    borrower_start(&stuck);
    assert_true(eventually(atomic_load(&fakes.reset.calls) >= call));
    atomic_store(&fakes.reset.gate, NULL);
    assert_true(eventually(events_count_of(&events, LEND_EVENT_HELD_LONG) == 1));
    struct recorded_event told = events_first_of(&events, LEND_EVENT_HELD_LONG);
    assert_non_null(strstr(told.site->file, "borrower.c"));
    for (int i = 0; i < 1000; i++) {
        struct lend_lease lease = lend_acquire(pool, LEND_NOW);
        assert_true(lend_lease_ok(&lease));
        assert_int_not_equal((int)lease.slot, told.slot);
        fake_use(lease.model);
        lend_release(&lease);
    }
    gate_open(&gate);
    assert_int_equal(borrower_join(&stuck), 0);
    check_all_free(pool, 2);
    fakes_close(&fakes, pool);
    events_deinit(&events);
    gate_deinit(&gate);
}

static void a_reset_that_is_stuck_after_a_job_costs_no_capacity_if_there_is_a_spare(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate gate;
    lend_executor *executor;
    lend_future *future;
    gate_init(&gate);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .spares = 1);
    assert_int_equal(lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool)), 0);
    unsigned call = fakes_hold(&fakes.reset, &gate);
    assert_int_equal(lend_submit(executor,
                                 &LEND_JOB(.run = plain_job_run, .deadline = lend_within_ms(1000)),
                                 &future),
                     0);
    assert_true(eventually(atomic_load(&fakes.reset.calls) >= call));
    assert_int_equal(lend_future_wait(future, lend_within_ms(PATIENCE_MS)), 0);
    struct lend_lease lease = lend_acquire(pool, LEND_BY_DEFAULT); /* of the spare */
    assert_true(lend_lease_ok(&lease));
    assert_int_equal(stats_of(pool).models, 2);
    assert_true(is_whole(pool));
    gate_open(&gate);
    lend_release(&lease);
    assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
    lend_future_drop(future);
    assert_true(eventually(stats_of(pool).models == 1));
    check_all_free(pool, 1);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    fakes_close(&fakes, pool);
    gate_deinit(&gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_hear_of_capacity_that_a_load_brought),
        cmocka_unit_test(a_load_that_fails_does_not_leave_waiters_beside_one_that_succeeds),
        cmocka_unit_test(waiters_hear_of_capacity_that_a_resize_brought),
        cmocka_unit_test(no_release_however_wrong_takes_the_count_below_zero),
        cmocka_unit_test(a_loader_that_fails_is_not_tried_in_a_loop_and_callers_are_told),
        cmocka_unit_test(what_fails_at_the_start_fails_the_start_with_its_own_words),
        cmocka_unit_test(while_one_load_is_stuck_the_other_models_are_lent),
        cmocka_unit_test(a_pool_that_has_drained_into_a_stuck_load_says_so),
        cmocka_unit_test(a_pool_that_has_drained_refills_though_its_loader_is_stuck),
        cmocka_unit_test(a_pool_whose_every_load_is_stuck_refuses_at_once_and_says_why),
        cmocka_unit_test(a_load_takes_no_worker_from_the_jobs),
        cmocka_unit_test(a_pool_that_wants_more_cores_than_there_are_is_told_so),
        cmocka_unit_test(a_reset_that_is_stuck_is_named_with_the_line_that_borrowed),
        cmocka_unit_test(while_a_reset_is_stuck_the_other_models_are_lent),
        cmocka_unit_test(a_reset_that_is_stuck_after_a_job_costs_no_capacity_if_there_is_a_spare),
    };
    return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
