/* SPDX-License-Identifier: MIT
 *
 * Futures told through a completion queue, and waits for one or all of several. */
#include "support/loop.h"
#include "support/pace.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 4 };

/* Jobs held up, one for each model, and a queue. */
struct desk {
    struct workshop shop;
    lend_completions *queue;
    struct held_job held[MANY];
    lend_future *futures[MANY];
};

static void desk_open(struct desk *desk) {
    memset(desk, 0, sizeof *desk);
    workshop_open(&desk->shop, MANY, NULL);
    desk->queue = loop_open();
    for (int i = 0; i < MANY; i++) {
        held_job_init(&desk->held[i]);
        desk->futures[i] = held_job_submit(&desk->shop, &desk->held[i], LEND_FOREVER);
    }
}

/* All that is still held up goes on, all that is still kept is dropped. */
static void desk_close(struct desk *desk) {
    for (int i = 0; i < MANY; i++)
        tally_add(&desk->held[i].go);
    for (int i = 0; i < MANY; i++)
        lend_future_drop(desk->futures[i]);
    loop_close(desk->queue);
    workshop_close(&desk->shop);
    for (int i = 0; i < MANY; i++)
        held_job_deinit(&desk->held[i]);
}

/* What a continuation saw. */
struct note {
    unsigned count;
    uintptr_t thread;
    lend_future *future;
    enum lend_outcome outcome;
    int error;
};

static void take_note(lend_future *future, void *argument) {
    struct note *note = argument;
    note->count++;
    note->thread = thread_id();
    note->future = future;
    note->outcome = lend_future_outcome(future);
    note->error = lend_future_error(future);
}

static void a_queue_is_told_of_a_decision_once_on_its_own_thread(void **state) {
    (void)state;
    struct desk desk;
    struct note note = {0};
    desk_open(&desk);
    assert_int_equal(lend_future_then(desk.futures[0], desk.queue, take_note, &note), 0);
    assert_false(loop_is_readable(desk.queue));
    tally_add(&desk.held[0].go);
    assert_true(loop_until(desk.queue, note.count == 1));
    assert_int_equal(note.thread, thread_id());
    assert_ptr_equal(note.future, desk.futures[0]);
    assert_int_equal(note.outcome, LEND_SUCCEEDED);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 0);
    desk_close(&desk);
}

static void also_if_it_was_decided_before_and_as_often_as_it_was_asked(void **state) {
    (void)state;
    struct desk desk;
    struct note notes[3] = {{0}};
    desk_open(&desk);
    tally_add(&desk.held[0].go);
    assert_int_equal(lend_future_wait(desk.futures[0], LEND_FOREVER), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(lend_future_then(desk.futures[0], desk.queue, take_note, &notes[i]), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(notes[i].count, 0);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(notes[i].count, 1);
    desk_close(&desk);
}

static void a_future_that_was_dropped_is_valid_while_its_queue_is_told(void **state) {
    (void)state;
    struct desk desk;
    struct note note = {0};
    desk_open(&desk);
    desk.held[0].result = 4711;
    assert_int_equal(lend_future_then(desk.futures[0], desk.queue, take_note, &note), 0);
    lend_future_drop(desk.futures[0]);
    desk.futures[0] = NULL;
    tally_add(&desk.held[0].go);
    assert_true(loop_until(desk.queue, note.count == 1));
    assert_int_equal(note.outcome, LEND_FAILED);
    assert_int_equal(note.error, 4711);
    assert_int_equal(events_count_of(&desk.shop.events, LEND_EVENT_JOB_UNREAD), 0);
    desk_close(&desk);
}

static void do_not_look(lend_future *future, void *argument) {
    (void)future;
    *(bool *)argument = true;
}

static void a_failure_that_the_callback_does_not_read_goes_to_the_sink(void **state) {
    (void)state;
    struct desk desk;
    bool told = false;
    int error = 4711;
    lend_future *future;
    desk_open(&desk);
    tally_add(&desk.held[0].go);
    assert_int_equal(lend_submit(desk.shop.executor,
                                 &LEND_JOB(.run = plain_job_run, .argument = &error), &future),
                     0);
    assert_int_equal(lend_future_then(future, desk.queue, do_not_look, &told), 0);
    lend_future_drop(future);
    assert_true(loop_until(desk.queue, told));
    assert_true(eventually(events_count_of(&desk.shop.events, LEND_EVENT_JOB_UNREAD) == 1));
    desk_close(&desk);
}

static void what_is_cancelled_or_out_of_time_is_told_too(void **state) {
    (void)state;
    struct desk desk;
    struct held_job queued, late;
    struct note notes[2] = {{0}};
    desk_open(&desk);
    held_job_init(&queued);
    held_job_init(&late);
    lend_future *one = held_job_submit(&desk.shop, &queued, LEND_FOREVER);
    lend_future *other = held_job_submit(&desk.shop, &late, lend_within_ms(5));
    assert_int_equal(lend_future_then(one, desk.queue, take_note, &notes[0]), 0);
    assert_int_equal(lend_future_then(other, desk.queue, take_note, &notes[1]), 0);
    assert_int_equal(lend_future_cancel(one), 0);
    assert_true(loop_until(desk.queue, notes[0].count == 1 && notes[1].count == 1));
    assert_int_equal(notes[0].outcome, LEND_CANCELLED);
    assert_int_equal(notes[1].outcome, LEND_EXPIRED);
    lend_future_drop(one);
    lend_future_drop(other);
    desk_close(&desk);
    held_job_deinit(&queued);
    held_job_deinit(&late);
}

static void a_queue_can_be_told_after_the_executor_is_closed(void **state) {
    (void)state;
    struct desk desk;
    struct note note = {0};
    desk_open(&desk);
    assert_int_equal(lend_future_then(desk.futures[0], desk.queue, take_note, &note), 0);
    for (int i = 0; i < MANY; i++)
        tally_add(&desk.held[i].go);
    assert_int_equal(lend_executor_close(desk.shop.executor, LEND_FOREVER), 0);
    desk.shop.executor = NULL;
    lend_future_drop(desk.futures[0]);
    desk.futures[0] = NULL;
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 1);
    assert_int_equal(note.outcome, LEND_SUCCEEDED);
    desk_close(&desk);
}

static lend_completions *queue_of_done;
static struct note note_of_done;
static int error_of_done;

static void ask_in_done(lend_future *future, void *argument) {
    (void)argument;
    error_of_done = lend_future_then(future, queue_of_done, take_note, &note_of_done);
}

static void in_the_done_of_a_dropped_future_it_is_too_late(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    queue_of_done = desk.queue;
    tally_add(&desk.held[0].go);
    struct lend_job_spec spec = LEND_JOB(.run = plain_job_run, .done = ask_in_done);
    assert_int_equal(lend_submit(desk.shop.executor, &spec, NULL), 0);
    lend_future *future;
    assert_int_equal(lend_submit(desk.shop.executor, &LEND_JOB(.run = plain_job_run), &future), 0);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    lend_future_drop(future);
    desk_close(&desk); /* joins the other one */
    assert_int_equal(error_of_done, ESTALE);
    assert_int_equal(note_of_done.count, 0);
}

static void odd_calls_are_refused(void **state) {
    (void)state;
    struct desk desk;
    size_t index = 17;
    lend_future *const none[2] = {NULL, NULL};
    desk_open(&desk);
    assert_int_equal(lend_future_then(NULL, desk.queue, take_note, NULL), EINVAL);
    assert_int_equal(lend_future_then(desk.futures[0], NULL, take_note, NULL), EINVAL);
    assert_int_equal(lend_future_then(desk.futures[0], desk.queue, NULL, NULL), EINVAL);
    assert_int_equal(lend_future_wait_any(NULL, 1, LEND_NOW, &index), EINVAL);
    assert_int_equal(lend_future_wait_any(none, 2, LEND_NOW, &index), EINVAL);
    assert_int_equal(lend_future_wait_any(desk.futures, 0, LEND_NOW, &index), EINVAL);
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, LEND_NOW, NULL), EINVAL);
    assert_int_equal(lend_future_wait_any(desk.futures, (size_t)UINT32_MAX + 1, LEND_NOW, &index),
                     EINVAL);
    assert_int_equal(lend_future_wait_all(NULL, 1, LEND_NOW), EINVAL);
    assert_int_equal(lend_future_wait_all(NULL, 0, LEND_NOW), 0);
    assert_int_equal(lend_future_wait_all(none, 2, LEND_NOW), 0);
    assert_int_equal(index, 17);
    desk_close(&desk);
}

/* any and all */

struct release {
    struct desk *desk;
    int which;
};

static int let_go(void *argument) {
    struct release *release = argument;
    struct held_job *held = &release->desk->held[release->which];
    tally_wait(&held->started, 1);
    tally_add(&held->go);
    return 0;
}

static void the_first_that_is_decided_ends_a_wait_for_any(void **state) {
    (void)state;
    struct desk desk;
    struct test_thread thread;
    size_t index = 17;
    desk_open(&desk);
    struct release release = {&desk, 2};
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, LEND_NOW, &index), EBUSY);
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, lend_within_ms(5), &index),
                     ETIMEDOUT);
    assert_int_equal(index, 17);
    thread_start(&thread, let_go, &release);
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, LEND_FOREVER, &index), 0);
    assert_int_equal(index, 2);
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, LEND_NOW, &index), 0);
    assert_int_equal(thread_join(&thread), 0);
    lend_future *const gaps[] = {NULL, desk.futures[0], NULL, NULL, desk.futures[2]};
    assert_int_equal(lend_future_wait_any(gaps, 5, LEND_NOW, &index), 0);
    assert_int_equal(index, 4);
    lend_future_drop(desk.futures[2]);
    desk.futures[2] = NULL; /* passed over from here on */
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, LEND_NOW, &index), EBUSY);
    for (int i = 0; i < MANY; i++)
        tally_add(&desk.held[i].go);
    assert_int_equal(lend_future_wait_all(desk.futures, MANY, LEND_FOREVER), 0);
    desk_close(&desk);
}

static void the_last_that_is_decided_ends_a_wait_for_all(void **state) {
    (void)state;
    struct desk desk;
    struct test_thread threads[MANY];
    struct release releases[MANY];
    desk_open(&desk);
    assert_int_equal(lend_future_wait_all(desk.futures, MANY, lend_within_ms(5)), ETIMEDOUT);
    lend_future *const gaps[] = {NULL, NULL, desk.futures[0]};
    assert_int_equal(lend_future_wait_all(gaps, 3, LEND_NOW), EBUSY);
    for (int i = 0; i < MANY; i++) {
        releases[i] = (struct release){&desk, i};
        thread_start(&threads[i], let_go, &releases[i]);
    }
    assert_int_equal(lend_future_wait_all(desk.futures, MANY, LEND_FOREVER), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(lend_future_outcome(desk.futures[i]), LEND_SUCCEEDED);
        assert_int_equal(thread_join(&threads[i]), 0);
    }
    desk_close(&desk);
}

static void a_thread_that_must_not_wait_asks_without_waiting(void **state) {
    (void)state;
    struct desk desk;
    struct note note = {0};
    size_t index;
    desk_open(&desk);
    lend_thread_forbid_blocking(true);
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, LEND_FOREVER, &index), EWOULDBLOCK);
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, LEND_NOW, &index), EBUSY);
    assert_int_equal(lend_future_wait_all(desk.futures, MANY, LEND_FOREVER), EWOULDBLOCK);
    assert_int_equal(lend_future_then(desk.futures[0], desk.queue, take_note, &note), 0);
    tally_add(&desk.held[0].go);
    assert_true(loop_until(desk.queue, note.count == 1));
    assert_int_equal(lend_future_wait_any(desk.futures, MANY, LEND_FOREVER, &index), 0);
    assert_int_equal(index, 0);
    lend_thread_forbid_blocking(false);
    desk_close(&desk);
}

/* Decisions and deadlines at the same time: nothing is touched that is gone. */
static void waits_for_any_that_run_out_leave_nothing_behind(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, MANY, NULL);
    for (int round = 0; round < rounds(500, 50); round++) {
        lend_future *futures[MANY];
        size_t index;
        for (int i = 0; i < MANY; i++)
            assert_int_equal(
                lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &futures[i]), 0);
        lend_deadline deadline = round % 2 == 0 ? LEND_NOW : LEND_FOREVER;
        int error = lend_future_wait_any(futures, MANY, deadline, &index);
        assert_true(error == 0 || error == EBUSY);
        assert_int_equal(lend_future_wait_all(futures, MANY, LEND_FOREVER), 0);
        for (int i = 0; i < MANY; i++)
            lend_future_drop(futures[i]);
    }
    workshop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_is_told_of_a_decision_once_on_its_own_thread),
        cmocka_unit_test(also_if_it_was_decided_before_and_as_often_as_it_was_asked),
        cmocka_unit_test(a_future_that_was_dropped_is_valid_while_its_queue_is_told),
        cmocka_unit_test(a_failure_that_the_callback_does_not_read_goes_to_the_sink),
        cmocka_unit_test(what_is_cancelled_or_out_of_time_is_told_too),
        cmocka_unit_test(a_queue_can_be_told_after_the_executor_is_closed),
        cmocka_unit_test(in_the_done_of_a_dropped_future_it_is_too_late),
        cmocka_unit_test(odd_calls_are_refused),
        cmocka_unit_test(the_first_that_is_decided_ends_a_wait_for_any),
        cmocka_unit_test(the_last_that_is_decided_ends_a_wait_for_all),
        cmocka_unit_test(a_thread_that_must_not_wait_asks_without_waiting),
        cmocka_unit_test(waits_for_any_that_run_out_leave_nothing_behind),
    };
    return cmocka_run_group_tests_name("several", tests, NULL, NULL);
}
