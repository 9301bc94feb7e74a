/* SPDX-License-Identifier: MIT
 *
 * Completion queues: when the descriptor is readable, how much one run does, and what a callback
 * may do. What is asked for is always a model. */
#include "support/child.h"
#include "support/loop.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 5 };

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

/* The i-th asks for a model, for ever. */
static lend_request *ask(struct desk *desk, int i) {
    lend_request *request = NULL;
    struct lend_request_spec spec = told_spec(desk->queue, &desk->told[i], 0);
    assert_int_equal(lend_acquire_later(desk->shop.pool, LEND_FOREVER, &spec, &request), 0);
    return request;
}

static void a_queue_has_its_answer_for_odd_calls(void **state) {
    (void)state;
    assert_int_equal(lend_completions_open(NULL), EINVAL);
    assert_int_equal(lend_completions_close(NULL), 0);
    assert_int_equal(lend_completions_descriptor(NULL), -1);
    assert_int_equal(lend_completions_run(NULL, 1), 0);
    lend_completions *queue = loop_open();
    assert_int_equal(lend_completions_run(queue, UINT32_MAX), 0);
    assert_int_equal(lend_completions_close(queue), 0);
}

static void its_descriptor_is_readable_exactly_while_answers_are_in_it(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, MANY);
    assert_false(loop_is_readable(desk.queue));
    for (int i = 0; i < MANY; i++) {
        ask(&desk, i);
        assert_true(loop_is_readable(desk.queue));
    }
    for (int i = 0; i < MANY; i++) {
        assert_true(loop_is_readable(desk.queue));
        assert_int_equal(lend_completions_run(desk.queue, 0), 0);
        assert_int_equal(lend_completions_run(desk.queue, 1), 1);
    }
    assert_false(loop_is_readable(desk.queue));
    desk_close(&desk);
}

static void a_withdrawn_answer_leaves_it_unreadable(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, MANY);
    lend_request *one = ask(&desk, 0), *two = ask(&desk, 1);
    assert_int_equal(lend_request_cancel(one), 0);
    assert_true(loop_is_readable(desk.queue));
    assert_int_equal(lend_request_cancel(two), 0);
    assert_false(loop_is_readable(desk.queue));
    assert_int_equal(stats_of(desk.shop.pool).free, MANY);
    ask(&desk, 2);
    assert_true(loop_is_readable(desk.queue));
    desk_close(&desk);
}

/* The descriptor counts its rings; nobody but a test should look. */
static uint64_t rings_of(lend_completions *queue) {
    uint64_t rings = 0;
    ssize_t got = read(lend_completions_descriptor(queue), &rings, sizeof rings);
    return got == (ssize_t)sizeof rings ? rings : 0;
}

static void a_burst_wakes_the_loop_once(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, MANY);
    for (int i = 0; i < MANY - 1; i++)
        ask(&desk, i);
    assert_int_equal(rings_of(desk.queue), 1);
    assert_int_equal(lend_completions_run(desk.queue, 2), 2);
    assert_int_equal(rings_of(desk.queue), 0);
    assert_int_equal(lend_completions_run(desk.queue, 2), 2);
    ask(&desk, MANY - 1);
    assert_int_equal(rings_of(desk.queue), 1);
    assert_int_equal(lend_completions_run(desk.queue, 1), 1);
    desk_close(&desk);
}

/* One that is told of changes only, and runs the queue until nothing is left. */
static void an_edge_triggered_loop_hears_of_each_answer(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, MANY);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(
        epoll_ctl(loop, EPOLL_CTL_ADD, lend_completions_descriptor(desk.queue), &event), 0);
    for (int i = 0; i < MANY; i++) {
        ask(&desk, i);
        assert_int_equal(epoll_wait(loop, &event, 1, PATIENCE_MS), 1);
        while (lend_completions_run(desk.queue, 1) > 0)
            ;
        assert_int_equal(desk.told[i].count, 1);
    }
    close(loop);
    desk_close(&desk);
}

static void a_run_calls_back_oldest_first_and_no_more_than_its_budget(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, MANY);
    for (int i = 0; i < MANY; i++)
        ask(&desk, i);
    assert_int_equal(lend_completions_run(desk.queue, 3), 3);
    assert_int_equal(desk.told[3].count, 0);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), MANY - 3);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(desk.told[i].count, 1);
        assert_int_equal(desk.told[i].turn, desk.told[0].turn + (unsigned)i);
        assert_int_equal(desk.told[i].thread, thread_id());
    }
    desk_close(&desk);
}

/* callbacks */

struct asker {
    struct desk *desk;
    unsigned count;
    int close_error;
    uint32_t ran;
    bool held;
};

/* Gives back what it got and asks again: with a model free, it is told again at once. */
static void ask_again(struct lend_lease *lease, void *argument) {
    struct asker *asker = argument;
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = asker->desk->queue, .acquired = ask_again, .argument = asker);
    lend_release(lease);
    if (++asker->count < 3)
        asker->held = lend_acquire_later(asker->desk->shop.pool, LEND_FOREVER, &spec, NULL) == 0;
}

static void what_is_asked_in_a_callback_is_answered_by_the_next_run(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    struct asker asker = {.desk = &desk};
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = desk.queue, .acquired = ask_again, .argument = &asker);
    assert_int_equal(lend_acquire_later(desk.shop.pool, LEND_FOREVER, &spec, NULL), 0);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 1);
        assert_int_equal(asker.count, i);
    }
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 0);
    desk_close(&desk);
}

/* The child returns from the callback, too. */
static void fork_here(struct lend_lease *lease, void *argument) {
    (void)lease;
    *(pid_t *)argument = child_fork();
}

static void a_child_forked_in_a_callback_is_called_for_nothing_else(void **state) {
    (void)state;
    struct desk desk;
    pid_t child = -1;
    desk_open(&desk, 3);
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = desk.queue, .acquired = fork_here, .argument = &child);
    assert_int_equal(lend_acquire_later(desk.shop.pool, LEND_FOREVER, &spec, NULL), 0);
    ask(&desk, 0);
    uint32_t ran = lend_completions_run(desk.queue, 1 + MANY);
    if (child == 0)
        _exit((ran != 1) + (desk.told[0].count != 0) +
              (lend_completions_run(desk.queue, MANY) != 0));
    assert_int_equal(child_status(child), 0);
    assert_int_equal(ran, 2);
    ask(&desk, 1);
    assert_true(loop_is_readable(desk.queue));
    assert_int_equal(lend_completions_run(desk.queue, MANY), 1);
    desk_close(&desk);
}

static void fork_when_told(lend_future *future, void *argument) {
    (void)future;
    *(pid_t *)argument = child_fork();
}

static void a_child_forked_when_told_of_a_future_leaves_it_to_its_parent(void **state) {
    (void)state;
    struct desk desk;
    pid_t child = -1;
    desk_open(&desk, 1);
    lend_future *future = workshop_run(&desk.shop, plain_job_run, NULL);
    assert_int_equal(lend_future_then(future, desk.queue, fork_when_told, &child), 0);
    lend_future_drop(future);
    uint32_t ran = lend_completions_run(desk.queue, MANY);
    if (child == 0)
        _exit(ran != 1);
    assert_int_equal(child_status(child), 0);
    assert_int_equal(ran, 1);
    desk_close(&desk);
}

static void close_and_run(struct lend_lease *lease, void *argument) {
    struct asker *asker = argument;
    (void)lease;
    asker->close_error = lend_completions_close(asker->desk->queue);
    asker->ran = lend_completions_run(asker->desk->queue, UINT32_MAX);
}

static void a_callback_can_neither_close_nor_run_its_own_queue(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 2);
    struct asker asker = {.desk = &desk, .ran = 17};
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = desk.queue, .acquired = close_and_run, .argument = &asker);
    assert_int_equal(lend_acquire_later(desk.shop.pool, LEND_FOREVER, &spec, NULL), 0);
    ask(&desk, 0);
    assert_int_equal(lend_completions_run(desk.queue, 1), 1);
    assert_int_equal(asker.close_error, EDEADLK);
    assert_int_equal(asker.ran, 0);
    assert_int_equal(desk.told[0].count, 0);
    desk_close(&desk);
}

struct stay {
    struct desk *desk;
    struct gate inside, go;
};

static void stay_inside(struct lend_lease *lease, void *argument) {
    struct stay *stay = argument;
    (void)lease;
    gate_open(&stay->inside);
    gate_wait(&stay->go);
}

static int run_once(void *argument) {
    return (int)lend_completions_run(argument, 1);
}

static void one_thread_at_a_time_runs_a_queue(void **state) {
    (void)state;
    struct desk desk;
    struct stay stay = {.desk = &desk};
    struct test_thread other;
    desk_open(&desk, 2);
    gate_init(&stay.inside);
    gate_init(&stay.go);
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = desk.queue, .acquired = stay_inside, .argument = &stay);
    assert_int_equal(lend_acquire_later(desk.shop.pool, LEND_FOREVER, &spec, NULL), 0);
    ask(&desk, 0);
    thread_start(&other, run_once, desk.queue);
    assert_true(gate_wait(&stay.inside));
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 0);
    assert_int_equal(lend_completions_close(desk.queue), EBUSY);
    gate_open(&stay.go);
    assert_int_equal(thread_join(&other), 1);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 1);
    desk_close(&desk);
    gate_deinit(&stay.inside);
    gate_deinit(&stay.go);
}

static void exit_the_thread(struct lend_lease *lease, void *argument) {
    (void)lease;
    (void)argument;
    pthread_exit(NULL);
}

static void a_callback_that_ends_its_thread_leaves_the_rest_to_another(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 2);
    struct lend_request_spec spec = LEND_REQUEST(.queue = desk.queue, .acquired = exit_the_thread);
    assert_int_equal(lend_acquire_later(desk.shop.pool, LEND_FOREVER, &spec, NULL), 0);
    ask(&desk, 0);
    assert_int_equal(thread_run(run_once, desk.queue), THREAD_LEFT);
    assert_int_equal(stats_of(desk.shop.pool).free, 1);
    assert_true(loop_is_readable(desk.queue));
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 1);
    assert_int_equal(desk.told[0].count, 1);
    desk_close(&desk);
}

static void a_queue_that_expects_an_answer_is_not_closed(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    ask(&desk, 0);
    lend_request *second = ask(&desk, 1);
    assert_int_equal(lend_completions_close(desk.queue), EBUSY);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 1);
    assert_int_equal(lend_completions_close(desk.queue), EBUSY);
    assert_int_equal(lend_request_cancel(second), 0);
    assert_int_equal(lend_completions_close(desk.queue), 0);
    lend_release(&desk.told[0].lease);
    workshop_close(&desk.shop);
}

/* The number of the first answer that was wrong, or 0. */
static int ask_everything(struct desk *desk, lend_request *request) {
    struct lend_request_spec spec = told_spec(desk->queue, &desk->told[1], 0);
    if (lend_completions_descriptor(desk->queue) != -1)
        return 1;
    if (lend_completions_run(desk->queue, UINT32_MAX) != 0)
        return 2;
    if (lend_acquire_later(desk->shop.pool, LEND_FOREVER, &spec, NULL) != EOWNERDEAD)
        return 3;
    if (lend_request_cancel(request) != EOWNERDEAD)
        return 4;
    return lend_completions_close(desk->queue) != EOWNERDEAD ? 5 : 0;
}

static void the_child_of_a_fork_is_refused_and_leaves_the_parents_alone(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    lend_request *request = ask(&desk, 0);
    pid_t child = child_fork();
    if (child == 0)
        _exit(ask_everything(&desk, request));
    assert_int_equal(child_status(child), 0);
    assert_int_equal(rings_of(desk.queue), 1);
    assert_int_equal(lend_completions_run(desk.queue, UINT32_MAX), 1);
    assert_int_equal(desk.told[0].error, 0);
    desk_close(&desk);
}

static void nothing_of_it_blocks(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk, 1);
    lend_thread_forbid_blocking(true);
    lend_completions *queue = loop_open();
    assert_int_equal(lend_completions_close(queue), 0);
    ask(&desk, 0);
    ask(&desk, 1);
    lend_request *third = ask(&desk, 2);
    assert_true(loop_until(desk.queue, desk.told[0].count == 1));
    assert_int_equal(lend_request_cancel(third), 0);
    lend_release(&desk.told[0].lease);
    assert_true(loop_until(desk.queue, desk.told[1].count == 1));
    assert_int_equal(desk.told[1].error, 0);
    lend_thread_forbid_blocking(false);
    desk_close(&desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_has_its_answer_for_odd_calls),
        cmocka_unit_test(its_descriptor_is_readable_exactly_while_answers_are_in_it),
        cmocka_unit_test(a_withdrawn_answer_leaves_it_unreadable),
        cmocka_unit_test(a_burst_wakes_the_loop_once),
        cmocka_unit_test(an_edge_triggered_loop_hears_of_each_answer),
        cmocka_unit_test(a_run_calls_back_oldest_first_and_no_more_than_its_budget),
        cmocka_unit_test(what_is_asked_in_a_callback_is_answered_by_the_next_run),
        cmocka_unit_test(a_child_forked_in_a_callback_is_called_for_nothing_else),
        cmocka_unit_test(a_child_forked_when_told_of_a_future_leaves_it_to_its_parent),
        cmocka_unit_test(a_callback_can_neither_close_nor_run_its_own_queue),
        cmocka_unit_test(one_thread_at_a_time_runs_a_queue),
        cmocka_unit_test(a_callback_that_ends_its_thread_leaves_the_rest_to_another),
        cmocka_unit_test(a_queue_that_expects_an_answer_is_not_closed),
        cmocka_unit_test(the_child_of_a_fork_is_refused_and_leaves_the_parents_alone),
        cmocka_unit_test(nothing_of_it_blocks),
    };
    return cmocka_run_group_tests_name("completions", tests, NULL, NULL);
}
