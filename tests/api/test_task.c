/* SPDX-License-Identifier: MIT
 *
 * Leases of a loop's tasks: what reports say of them, who may give them back, what becomes of them
 * when their thread ends, and the deadlocks that tasks get into. */
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

/* Two pools of a model each, and a loop. */
struct desk {
    struct workshop a, b;
    lend_completions *queue;
    struct told told[MANY];
};

static void desk_open(struct desk *desk) {
    memset(desk, 0, sizeof *desk);
    workshop_open(&desk->a, 1, NULL);
    workshop_open(&desk->b, 1, NULL);
    desk->queue = loop_open();
}

static void desk_close(struct desk *desk) {
    loop_close(desk->queue);
    for (int i = 0; i < MANY; i++)
        lend_release(&desk->told[i].lease);
    workshop_close(&desk->a);
    workshop_close(&desk->b);
}

static lend_request *ask(struct desk *desk, lend_pool *pool, uint64_t task, int i,
                         lend_deadline deadline) {
    lend_request *request = NULL;
    struct lend_request_spec spec = told_spec(desk->queue, &desk->told[i], task);
    assert_int_equal(lend_acquire_later(pool, deadline, &spec, &request), 0);
    return request;
}

static bool is_told(struct desk *desk, int i) {
    return loop_until(desk->queue, desk->told[i].count == 1);
}

/* The i-th holds the pool's model, as `task`. */
static void get(struct desk *desk, lend_pool *pool, uint64_t task, int i) {
    ask(desk, pool, task, i, LEND_FOREVER);
    assert_true(is_told(desk, i));
    assert_int_equal(desk->told[i].error, 0);
}

static const char *print(lend_pool *pool) {
    static char words[1024];
    lend_pool_print(pool, words, sizeof words);
    return words;
}

static void a_report_names_the_task_and_where_its_lease_is(void **state) {
    (void)state;
    struct desk desk;
    char dump[2048];
    desk_open(&desk);
    ask(&desk, desk.a.pool, 17, 0, LEND_FOREVER);
    ask(&desk, desk.a.pool, 18, 1, LEND_FOREVER);
    ask(&desk, desk.b.pool, 0, 2, LEND_FOREVER);
    assert_non_null(strstr(print(desk.a.pool), "#0 task 17 (in a completion queue) for "));
    assert_non_null(strstr(print(desk.b.pool), "#0 a task (in a completion queue) for "));
    lend_dump(dump, sizeof dump);
    assert_non_null(strstr(dump, "  task 18 (thread "));
    assert_non_null(strstr(dump, " has waited for "));
    lend_pool_print_json(desk.a.pool, dump, sizeof dump);
    assert_non_null(strstr(dump, "\"owner\":\"task\",\"id\":17,\"tid\":0,\"slot\":0"));
    assert_true(is_told(&desk, 0));
    assert_true(is_told(&desk, 2));
    assert_non_null(strstr(print(desk.a.pool), "#0 task 17 (thread "));
    assert_non_null(strstr(print(desk.a.pool), "at test_task.c:"));
    assert_non_null(strstr(print(desk.b.pool), "#0 thread "));
    lend_release(&desk.told[0].lease);
    assert_non_null(strstr(print(desk.a.pool), "#0 task 18 (in a completion queue) for "));
    assert_true(is_told(&desk, 1));
    desk_close(&desk);
}

/* The thread that asked goes on with something else. */
static void a_request_without_a_name_waits_as_a_task_and_not_as_its_thread(void **state) {
    (void)state;
    struct desk desk;
    char dump[2048];
    desk_open(&desk);
    ask(&desk, desk.a.pool, 17, 0, LEND_FOREVER);
    ask(&desk, desk.a.pool, 0, 1, LEND_FOREVER);
    lend_dump(dump, sizeof dump);
    assert_non_null(strstr(dump, "  a task (thread "));
    assert_null(strstr(dump, "  thread "));
    lend_pool_print_json(desk.a.pool, dump, sizeof dump);
    assert_non_null(strstr(dump, "\"waiters\":[{\"owner\":\"task\",\"id\":0,\"tid\":"));
    assert_null(strstr(dump, "\"waiters\":[{\"owner\":\"task\",\"id\":0,\"tid\":0"));
    assert_true(is_told(&desk, 0));
    lend_release(&desk.told[0].lease);
    assert_true(is_told(&desk, 1));
    desk_close(&desk);
}

static void closing_a_pool_names_who_was_lent_a_model_and_not_told(void **state) {
    (void)state;
    struct desk desk;
    struct lend_report *report = NULL;
    char words[512];
    desk_open(&desk);
    ask(&desk, desk.a.pool, 17, 0, LEND_FOREVER);
    assert_int_equal(lend_executor_close(desk.a.executor, LEND_FOREVER), 0);
    desk.a.executor = NULL;
    assert_int_equal(lend_pool_close(desk.a.pool, LEND_NOW, &report), EBUSY);
    lend_report_print(report, words, sizeof words);
    lend_report_free(report);
    assert_non_null(strstr(words, "task 17 (in a completion queue)"));
    assert_true(is_told(&desk, 0));
    assert_int_equal(desk.told[0].error, 0);
    desk_close(&desk);
}

static int release_as_a_stranger(void *argument) {
    struct lend_lease copy = *(struct lend_lease *)argument;
    lend_release(&copy);
    return lend_lease_ok(&copy) ? EPERM : 0;
}

static int detach_as_a_stranger(void *argument) {
    return lend_lease_detach(argument);
}

static int adopt_as_a_stranger(void *argument) {
    return lend_lease_adopt(argument);
}

static int adopt_and_release(void *argument) {
    int error = lend_lease_adopt(argument);
    lend_release(argument);
    return error;
}

static void its_own_thread_and_no_other_may_give_it_back(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    struct lend_lease *lease = &desk.told[0].lease;
    get(&desk, desk.a.pool, 17, 0);
    assert_int_equal(thread_run(release_as_a_stranger, lease), EPERM);
    assert_int_equal(thread_run(detach_as_a_stranger, lease), EPERM);
    assert_int_equal(thread_run(adopt_as_a_stranger, lease), EPERM);
    assert_int_equal(events_count_of(&desk.a.events, LEND_EVENT_BAD_RELEASE), 1);
    assert_int_equal(stats_of(desk.a.pool).lent, 1);
    lend_release(lease);
    assert_int_equal(stats_of(desk.a.pool).free, 1);
    desk_close(&desk);
}

static void it_may_be_handed_to_another_thread_and_adopted_by_its_own(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    get(&desk, desk.a.pool, 17, 0);
    assert_int_equal(lend_lease_detach(&desk.told[0].lease), 0);
    assert_int_equal(thread_run(adopt_and_release, &desk.told[0].lease), 0);
    assert_int_equal(stats_of(desk.a.pool).free, 1);
    get(&desk, desk.a.pool, 17, 1);
    assert_int_equal(lend_lease_adopt(&desk.told[1].lease), 0);
    assert_non_null(strstr(print(desk.a.pool), "#0 thread "));
    lend_release(&desk.told[1].lease);
    assert_int_equal(stats_of(desk.a.pool).free, 1);
    assert_int_equal(events_count(&desk.a.events), 0);
    desk_close(&desk);
}

static int run_queue(void *argument) {
    struct desk *desk = argument;
    return (int)lend_completions_run(desk->queue, UINT32_MAX);
}

static void what_its_tasks_hold_when_a_thread_ends_is_taken_back(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    ask(&desk, desk.a.pool, 17, 0, LEND_FOREVER);
    ask(&desk, desk.b.pool, 0, 1, LEND_FOREVER);
    assert_int_equal(thread_run(run_queue, &desk), 2);
    assert_true(eventually(stats_of(desk.a.pool).free == 1 && stats_of(desk.b.pool).free == 1));
    assert_int_equal(events_count_of(&desk.a.events, LEND_EVENT_LEASE_LEFT), 1);
    assert_int_equal(events_count_of(&desk.b.events, LEND_EVENT_LEASE_LEFT), 1);
    assert_non_null(events_first_of(&desk.a.events, LEND_EVENT_LEASE_LEFT).site);
    desk_close(&desk); /* the leases are stale, and releasing them says so */
}

struct errand {
    struct desk *desk;
    int told;
};

static int ask_from_here(void *argument) {
    struct errand *errand = argument;
    struct lend_request_spec spec =
        told_spec(errand->desk->queue, &errand->desk->told[errand->told], 17);
    return lend_acquire_later(errand->desk->a.pool, LEND_FOREVER, &spec, NULL);
}

static void what_was_not_told_so_far_is_not_the_askers_to_lose(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    struct errand errand = {.desk = &desk, .told = 0};
    assert_int_equal(thread_run(ask_from_here, &errand), 0);
    assert_int_equal(stats_of(desk.a.pool).lent, 1);
    assert_true(is_told(&desk, 0));
    assert_true(lend_lease_ok(&desk.told[0].lease));
    lend_release(&desk.told[0].lease);
    assert_int_equal(events_count(&desk.a.events), 0);
    desk_close(&desk);
}

/* deadlocks: all of them wait for ever */

static void two_tasks_in_each_others_way_are_told_so(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    get(&desk, desk.a.pool, 17, 0);
    get(&desk, desk.b.pool, 18, 1);
    ask(&desk, desk.b.pool, 17, 2, LEND_FOREVER);
    assert_false(loop_is_readable(desk.queue));
    ask(&desk, desk.a.pool, 18, 3, LEND_FOREVER);
    assert_true(is_told(&desk, 3));
    assert_int_equal(desk.told[3].error, EDEADLK);
    const struct lend_report *report = lend_lease_report(&desk.told[3].lease);
    assert_int_equal(report->step_count, 2);
    assert_int_equal(report->steps[0].kind, LEND_OWNER_TASK);
    assert_int_equal(report->steps[0].id, 18);
    assert_int_equal(report->steps[0].holder_task, 17);
    assert_int_equal(report->steps[1].id, 17);
    assert_int_equal(report->steps[1].holder_task, 18);
    assert_non_null(strstr(desk.told[3].words, "task 18 (thread "));
    assert_non_null(strstr(desk.told[3].words, "whose #0 task 17 (thread "));
    lend_release(&desk.told[1].lease);
    assert_true(is_told(&desk, 2));
    assert_int_equal(desk.told[2].error, 0);
    desk_close(&desk);
}

static void a_task_that_asks_for_what_it_holds_is_told_so(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    get(&desk, desk.a.pool, 17, 0);
    ask(&desk, desk.a.pool, 17, 1, lend_within_ms(3600000));
    assert_true(is_told(&desk, 1));
    assert_int_equal(desk.told[1].error, EDEADLK);
    desk_close(&desk);
}

static void a_thread_that_waits_for_what_its_own_task_holds_is_refused(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    get(&desk, desk.a.pool, 17, 0);
    struct lend_lease lease = lend_acquire(desk.a.pool, LEND_FOREVER);
    assert_int_equal(lend_lease_error(&lease), EDEADLK);
    assert_int_equal(lend_lease_report(&lease)->steps[0].holder_task, 17);
    lend_release(&lease);
    desk_close(&desk);
}

/* The thread holds B and waits for A; task 17 holds A and asks for B. */
struct thread_in_the_way {
    struct desk *desk;
    struct gate has_b;
    int error;
};

static int take_b_then_a(void *argument) {
    struct thread_in_the_way *self = argument;
    struct lend_lease b = lend_acquire(self->desk->b.pool, LEND_FOREVER);
    gate_open(&self->has_b);
    struct lend_lease a = lend_acquire(self->desk->a.pool, LEND_FOREVER);
    self->error = lend_lease_error(&a);
    lend_release(&a);
    lend_release(&b);
    return 0;
}

static void a_thread_and_a_task_in_each_others_way_one_is_refused_and_one_goes_on(void **state) {
    (void)state;
    for (int round = 0; round < rounds(100, 10); round++) {
        struct desk desk;
        struct test_thread thread;
        desk_open(&desk);
        struct thread_in_the_way self = {.desk = &desk};
        gate_init(&self.has_b);
        get(&desk, desk.a.pool, 17, 0);
        thread_start(&thread, take_b_then_a, &self);
        assert_true(gate_wait(&self.has_b));
        ask(&desk, desk.b.pool, 17, 1, LEND_FOREVER);
        assert_true(is_told(&desk, 1));
        lend_release(&desk.told[1].lease);
        lend_release(&desk.told[0].lease);
        assert_int_equal(thread_join(&thread), 0);
        assert_int_equal(self.error + desk.told[1].error, EDEADLK);
        desk_close(&desk);
        gate_deinit(&self.has_b);
    }
}

static void a_task_with_two_requests_is_taken_not_to_wait(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    get(&desk, desk.a.pool, 17, 0);
    get(&desk, desk.b.pool, 18, 1);
    lend_request *one = ask(&desk, desk.b.pool, 17, 2, LEND_FOREVER);
    lend_request *two = ask(&desk, desk.b.pool, 17, 2, LEND_FOREVER);
    ask(&desk, desk.a.pool, 18, 3, lend_within_ms(20));
    assert_true(is_told(&desk, 3));
    assert_int_equal(desk.told[3].error, ETIMEDOUT);
    assert_int_equal(lend_request_cancel(one), 0);
    assert_int_equal(lend_request_cancel(two), 0);
    desk_close(&desk);
}

static void who_was_lent_a_model_and_not_told_is_taken_to_go_on(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    ask(&desk, desk.b.pool, 18, 1, LEND_FOREVER);
    assert_int_equal(stats_of(desk.b.pool).lent, 1);
    struct lend_lease lease = lend_acquire(desk.a.pool, LEND_NOW);
    struct lend_lease other = lend_acquire(desk.b.pool, lend_within_ms(20));
    assert_int_equal(lend_lease_error(&other), ETIMEDOUT);
    lend_release(&other);
    lend_release(&lease);
    assert_true(is_told(&desk, 1));
    desk_close(&desk);
}

static void a_task_that_holds_a_model_is_refused_at_once_like_any_other(void **state) {
    (void)state;
    struct desk desk;
    desk_open(&desk);
    get(&desk, desk.a.pool, 17, 0);
    get(&desk, desk.b.pool, 18, 1);
    struct lend_request_spec spec = told_spec(desk.queue, &desk.told[2], 17);
    assert_int_equal(lend_acquire_later(desk.b.pool, LEND_NOW, &spec, NULL), EBUSY);
    assert_int_equal(desk.told[2].count, 0);
    assert_int_equal(stats_of(desk.b.pool).waiting, 0);
    desk_close(&desk);
}

static void the_json_of_a_deadlock_names_the_task_that_holds(void **state) {
    (void)state;
    char json[2048];
    struct desk desk;
    desk_open(&desk);
    get(&desk, desk.a.pool, 17, 0);
    ask(&desk, desk.a.pool, 17, 1, LEND_FOREVER);
    assert_true(is_told(&desk, 1));
    lend_report_print_json(lend_lease_report(&desk.told[1].lease), json, sizeof json);
    assert_non_null(strstr(json, "\"holder_task\":17"));
    desk_close(&desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_names_the_task_and_where_its_lease_is),
        cmocka_unit_test(a_request_without_a_name_waits_as_a_task_and_not_as_its_thread),
        cmocka_unit_test(closing_a_pool_names_who_was_lent_a_model_and_not_told),
        cmocka_unit_test(its_own_thread_and_no_other_may_give_it_back),
        cmocka_unit_test(it_may_be_handed_to_another_thread_and_adopted_by_its_own),
        cmocka_unit_test(what_its_tasks_hold_when_a_thread_ends_is_taken_back),
        cmocka_unit_test(what_was_not_told_so_far_is_not_the_askers_to_lose),
        cmocka_unit_test(two_tasks_in_each_others_way_are_told_so),
        cmocka_unit_test(a_task_that_asks_for_what_it_holds_is_told_so),
        cmocka_unit_test(a_thread_that_waits_for_what_its_own_task_holds_is_refused),
        cmocka_unit_test(a_thread_and_a_task_in_each_others_way_one_is_refused_and_one_goes_on),
        cmocka_unit_test(a_task_with_two_requests_is_taken_not_to_wait),
        cmocka_unit_test(who_was_lent_a_model_and_not_told_is_taken_to_go_on),
        cmocka_unit_test(a_task_that_holds_a_model_is_refused_at_once_like_any_other),
        cmocka_unit_test(the_json_of_a_deadlock_names_the_task_that_holds),
    };
    return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
