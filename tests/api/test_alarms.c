/* SPDX-License-Identifier: MIT
 *
 * What the pool tells of by itself: leases held for long, stalls; and what it does by itself:
 * checks of idle models, recycling, replacements for models whose job has overrun. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/events.h"
#include "support/fake_model.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_lease_that_is_held_for_long_is_told_once_and_stays_held(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .hold_alarm_ms = 20, .sink = events_record,
                                 .sink_context = &events);
    struct lend_lease first = borrow_now(pool);
    assert_true(eventually(events_count_of(&events, LEND_EVENT_HELD_LONG) == 1));
    struct recorded_event event = events_at(&events, 0);
    assert_non_null(strstr(event.text, "thread "));
    assert_non_null(strstr(event.site->file, "borrower.c"));
    assert_int_equal(event.slot, (int)first.slot);
    struct lend_lease second =
        borrow_now(pool); /* until it is late, the first is looked at again */
    assert_true(eventually(events_count_of(&events, LEND_EVENT_HELD_LONG) == 2));
    assert_int_equal(events_at(&events, 1).slot, (int)second.slot);
    assert_int_equal(stats_of(pool).lent, 2);
    lend_release(&second);
    lend_release(&first);
    assert_int_equal(events_count_of(&events, LEND_EVENT_HELD_LONG), 2);
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

/* It is looked for several times until the lease is held for long. */
static void a_stall_is_told_once_with_who_holds_what(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .stall_alarm_ms = 20, .hold_alarm_ms = 100,
                                 .sink = events_record, .sink_context = &events);
    struct lend_lease held = borrow_now(pool);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&waiter);
    assert_true(eventually(events_count_of(&events, LEND_EVENT_STALLED) == 1));
    struct recorded_event event = events_first_of(&events, LEND_EVENT_STALLED);
    assert_non_null(strstr(event.text, "1 of 1 lent: #0 thread "));
    assert_non_null(strstr(event.text, "1 waiting"));
    assert_true(eventually(events_count_of(&events, LEND_EVENT_HELD_LONG) == 1));
    lend_release(&held);
    assert_int_equal(borrower_join(&waiter), 0);
    assert_int_equal(events_count_of(&events, LEND_EVENT_STALLED), 1);
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

/* A grant is progress, though somebody waits all the while. */
static void a_stall_after_a_grant_is_another_one(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    struct gate leave;
    events_init(&events);
    gate_init(&leave);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .stall_alarm_ms = 20, .sink = events_record,
                                 .sink_context = &events);
    struct lend_lease held = borrow_now(pool);
    struct borrower first = {.pool = pool, .deadline = LEND_FOREVER, .leave = &leave};
    struct borrower second = {.pool = pool, .deadline = LEND_FOREVER};
    borrower_queue_up(&first);
    borrower_queue_up(&second);
    assert_true(eventually(events_count_of(&events, LEND_EVENT_STALLED) == 1));
    lend_release(&held); /* to the first one, and the second waits on */
    assert_true(eventually(events_count_of(&events, LEND_EVENT_STALLED) == 2));
    gate_open(&leave);
    assert_int_equal(borrower_join(&first), 0);
    assert_int_equal(borrower_join(&second), 0);
    fakes_close(&fakes, pool);
    gate_deinit(&leave);
    events_deinit(&events);
}

static void without_waiters_nothing_is_stalled(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .stall_alarm_ms = 1, .hold_alarm_ms = 50,
                                 .sink = events_record, .sink_context = &events);
    struct lend_lease held = borrow_now(pool);
    assert_true(eventually(events_count_of(&events, LEND_EVENT_HELD_LONG) == 1));
    assert_int_equal(events_count_of(&events, LEND_EVENT_STALLED), 0);
    lend_release(&held);
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

/* checks */

static void an_idle_model_is_checked_now_and_then(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .check_every_ms = 10);
    assert_true(eventually(atomic_load(&fakes.check.calls) >= 8));
    assert_true(eventually(stats_of(pool).free == 2));
    assert_int_equal(stats_of(pool).broken, 0);
    fakes_close(&fakes, pool);
}

/* The next one is due when the first ends. */
static void checks_do_not_keep_a_model_from_who_waits(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct gate checking, leave;
    struct tally turns;
    gate_init(&checking);
    gate_init(&leave);
    tally_init(&turns);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .check_every_ms = 1);
    unsigned held = fakes_hold(&fakes.check, &checking);
    assert_true(eventually(atomic_load(&fakes.check.calls) >= held));
    unsigned checks = atomic_load(&fakes.check.calls);
    struct borrower waiter = {
        .pool = pool, .deadline = LEND_FOREVER, .turns = &turns, .leave = &leave};
    borrower_queue_up(&waiter);
    await_tick();
    gate_open(&checking);
    assert_true(tally_wait(&turns, 1));
    assert_int_equal(atomic_load(&fakes.check.calls), checks);
    gate_open(&leave);
    assert_int_equal(borrower_join(&waiter), 0);
    fakes_close(&fakes, pool);
    tally_deinit(&turns);
    gate_deinit(&leave);
    gate_deinit(&checking);
}

/* The coarse clock ticks less often than that. */
static void a_model_is_checked_no_more_often_than_was_asked_for(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_deadline end = lend_within_ms(10000);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .check_every_ms = 1);
    while (lend_deadline_left_ms(end) > 10000 - 50 && await_pause(end))
        ;
    assert_true(eventually(atomic_load(&fakes.check.calls) >= 2));
    unsigned checks = atomic_load(&fakes.check.calls);
    assert_true(checks <= 10000 - lend_deadline_left_ms(end) + 2);
    fakes_close(&fakes, pool);
}

static void an_idle_model_that_is_found_unfit_is_replaced(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .check_every_ms = 10, .sink = events_record,
                                 .sink_context = &events);
    fakes_fail_next(&fakes.check, 1, EIO, "it has gone deaf");
    assert_true(eventually(stats_of(pool).loads == 2));
    assert_int_equal(stats_of(pool).broken, 1);
    struct recorded_event event = events_first_of(&events, LEND_EVENT_CHECK_FAILED);
    assert_string_equal(event.text, "it has gone deaf");
    assert_int_equal(event.error, EIO);
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

/* recycling */

static void a_model_is_loaded_anew_after_so_many_leases(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .recycle_lends = 3);
    for (unsigned lease = 1; lease <= 9; lease++) {
        struct lend_lease held = lend_acquire(pool, LEND_FOREVER);
        assert_int_equal(((const struct fake_model *)held.model)->number, (lease + 2) / 3);
        fake_use(held.model);
        lend_release(&held);
    }
    assert_int_equal(stats_of(pool).recycled, 3);
    assert_int_equal(stats_of(pool).broken, 0);
    fakes_close(&fakes, pool);
}

/* Though it has no reset, and its leases are not counted any more one by one. */
static void a_model_that_needs_nothing_else_is_loaded_anew_too(void **state) {
    (void)state;
    enum { LENDS = 70 };
    struct fakes fakes = {0};
    lend_pool *pool =
        fakes_pool(&fakes, .ops = &fake_plain_ops, .models = 1, .recycle_lends = LENDS);
    for (unsigned lease = 0; lease < 2 * LENDS; lease++) {
        struct lend_lease held = lend_acquire(pool, LEND_FOREVER);
        assert_int_equal(((const struct fake_model *)held.model)->number, 1 + lease / LENDS);
        lend_release(&held);
    }
    assert_int_equal(stats_of(pool).recycled, 2);
    fakes_close(&fakes, pool);
}

static void a_model_is_loaded_anew_at_an_age(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .recycle_ms = 30);
    struct lend_lease held = borrow_now(pool);
    lend_deadline old = lend_within_ms(60);
    assert_true(eventually(lend_deadline_left_ms(old) == 0));
    lend_release(&held);
    assert_int_equal(stats_of(pool).recycled, 1);
    assert_true(eventually(stats_of(pool).loads == 2));
    fakes_close(&fakes, pool);
}

/* spares */

static void a_model_whose_job_overruns_is_replaced_until_it_comes_back(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct held_job stuck, next;
    held_job_init(&stuck);
    held_job_init(&next);
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .spares = 1);
    lend_executor *executor;
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .workers = 2)), 0);
    struct lend_job_spec spec = held_job_spec(&stuck, lend_within_ms(500));
    lend_future *overrun, *after;
    assert_int_equal(lend_submit(executor, &spec, &overrun), 0);
    assert_true(tally_wait(&stuck.started, 1));
    assert_int_equal(lend_future_wait(overrun, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(overrun), LEND_EXPIRED);

    spec = held_job_spec(&next, LEND_FOREVER);
    assert_int_equal(lend_submit(executor, &spec, &after), 0);
    assert_true(tally_wait(&next.started, 1)); /* on a model that was not there before */
    assert_int_equal(stats_of(pool).models, 2);
    tally_add(&next.go);
    assert_int_equal(lend_future_join(after, LEND_FOREVER), 0);

    tally_add(&stuck.go);
    assert_int_equal(lend_future_join(overrun, LEND_FOREVER), 0);
    assert_true(eventually(stats_of(pool).models == 1));
    assert_true(eventually(stats_of(pool).free == 1));
    assert_int_equal(fakes.alive, 1);
    lend_future_drop(overrun);
    lend_future_drop(after);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    fakes_close(&fakes, pool);
    held_job_deinit(&stuck);
    held_job_deinit(&next);
}

/* It has several thousandths of that age; on a machine that stood still, perhaps all of it. */
static void a_model_is_kept_until_it_has_that_age(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_deadline old = lend_within_ms(2000);
    lend_pool *pool = fakes_pool(&fakes, .ops = &fake_plain_ops, .models = 1, .recycle_ms = 2000);
    struct lend_lease lease = borrow_now(pool);
    for (int i = 0; i < 3; i++)
        await_tick();
    lend_release(&lease);
    assert_true(stats_of(pool).recycled == 0 || lend_deadline_left_ms(old) == 0);
    fakes_close(&fakes, pool);
}

static void without_a_check_an_interval_for_it_says_nothing(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .ops = &fake_plain_ops, .models = 1, .check_every_ms = 1);
    lend_deadline many_intervals = lend_within_ms(50);
    assert_true(eventually(lend_deadline_left_ms(many_intervals) == 0));
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.free, 1);
    assert_int_equal(stats.loads, 1);
    assert_int_equal(stats.events, 0);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_that_is_held_for_long_is_told_once_and_stays_held),
        cmocka_unit_test(a_stall_is_told_once_with_who_holds_what),
        cmocka_unit_test(a_stall_after_a_grant_is_another_one),
        cmocka_unit_test(without_waiters_nothing_is_stalled),
        cmocka_unit_test(an_idle_model_is_checked_now_and_then),
        cmocka_unit_test(checks_do_not_keep_a_model_from_who_waits),
        cmocka_unit_test(a_model_is_checked_no_more_often_than_was_asked_for),
        cmocka_unit_test(an_idle_model_that_is_found_unfit_is_replaced),
        cmocka_unit_test(a_model_is_loaded_anew_after_so_many_leases),
        cmocka_unit_test(a_model_that_needs_nothing_else_is_loaded_anew_too),
        cmocka_unit_test(a_model_is_loaded_anew_at_an_age),
        cmocka_unit_test(a_model_whose_job_overruns_is_replaced_until_it_comes_back),
        cmocka_unit_test(a_model_is_kept_until_it_has_that_age),
        cmocka_unit_test(without_a_check_an_interval_for_it_says_nothing),
    };
    return cmocka_run_group_tests_name("alarms", tests, NULL, NULL);
}
