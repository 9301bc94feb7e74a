/* SPDX-License-Identifier: MIT
 *
 * Tasks: when their owners are to be told, and what is said of a wait for one that was to be
 * refused. */
#include "exec/task.h"

#include "base/memory.h"
#include "exec/deadlock.h"
#include "exec/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_job_without_any_time_was_due_when_it_was_accepted(void **state) {
    (void)state;
    struct task task = {.accepted_ns = 1000, .deadline = LEND_NOW};
    assert_int_equal(task_due_ns(&task), 1000);
    task.deadline = (lend_deadline){999};
    assert_int_equal(task_due_ns(&task), 1000);
    task.deadline = (lend_deadline){1001};
    assert_int_equal(task_due_ns(&task), 1001);
}

static void count(const struct lend_event *event, void *events) {
    *(unsigned *)events += event->kind == LEND_EVENT_DEADLOCK;
}

static bool ends(struct wait *wait, struct walk *walk) {
    (void)wait, (void)walk;
    return true;
}

/* Something else may be faster than the refusal, with the steps written down already. */
static void only_a_wait_that_was_refused_is_told_of(void **state) {
    (void)state;
    static const struct wait_ops ops = {.may_end = ends};
    static const enum verdict verdicts[] = {VERDICT_GRANTED, VERDICT_TIMED_OUT, VERDICT_DEADLOCK};
    unsigned events = 0;
    lend_executor *executor = aligned_alloc(CACHE_LINE, sizeof *executor);
    assert_non_null(executor);
    memset(executor, 0, sizeof *executor);
    executor->options.sink = count;
    executor->options.sink_context = &events;
    struct task task = {.executor = executor};
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        struct waiter waiter = {.verdict = verdicts[i]};
        struct wait wait = {.ops = &ops, .waiter = &waiter, .owner = thread_owner()};
        lend__watch_show(&wait);
        wait.steps = lend__memory_new(sizeof *wait.steps);
        lend__future_wait_hide(&task, &wait);
    }
    assert_int_equal(events, 1);
    free(executor);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_without_any_time_was_due_when_it_was_accepted),
        cmocka_unit_test(only_a_wait_that_was_refused_is_told_of),
    };
    return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
