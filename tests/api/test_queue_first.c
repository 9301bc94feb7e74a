/* SPDX-License-Identifier: MIT
 *
 * A completion queue may be the first of lend that a process opens, and run before there is a pool:
 * forks and the ends of threads are minded from then on. The order of the tests is part of them. */
#include "support/child.h"
#include "support/loop.h"
#include "support/shelf.h"
#include "support/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

/* Before any pool. */
static void a_child_has_none_of_its_parents_queues(void **state) {
    (void)state;
    lend_completions *queue = loop_open();
    pid_t child = child_fork();
    if (child == 0)
        _exit((lend_completions_descriptor(queue) != -1) +
              (lend_completions_close(queue) != EOWNERDEAD));
    assert_int_equal(child_status(child), 0);
    loop_close(queue);
}

struct early {
    lend_completions *queue;
    struct shelf *shelf;
    struct gate ran, opened;
};

static int run_and_leave(void *argument) {
    struct early *early = argument;
    lend_completions_run(early->queue, 1);
    gate_open(&early->ran);
    if (!gate_wait(&early->opened))
        return -1;
    struct lend_lease lease = lend_acquire(early->shelf->pool, LEND_NOW);
    return lend_lease_error(&lease);
}

/* The first pool of the process. */
static void what_a_thread_leaves_that_ran_a_queue_before_is_found(void **state) {
    (void)state;
    struct shelf shelf;
    struct test_thread thread;
    struct early early = {.queue = loop_open(), .shelf = &shelf};
    gate_init(&early.ran);
    gate_init(&early.opened);
    thread_start(&thread, run_and_leave, &early);
    assert_true(gate_wait(&early.ran));
    shelf_open(&shelf, 1);
    gate_open(&early.opened);
    assert_int_equal(thread_join(&thread), 0);
    assert_int_equal(events_count_of(&shelf.events, LEND_EVENT_LEASE_LEFT), 1);
    gate_deinit(&early.ran);
    gate_deinit(&early.opened);
    loop_close(early.queue);
    shelf_close(&shelf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_has_none_of_its_parents_queues),
        cmocka_unit_test(what_a_thread_leaves_that_ran_a_queue_before_is_found),
    };
    return cmocka_run_group_tests_name("queue_first", tests, NULL, NULL);
}
