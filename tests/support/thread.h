/* SPDX-License-Identifier: MIT
 *
 * Threads of a test: they run a function and bring its result home, where the test asserts.
 *
 *     struct test_thread borrower;
 *     thread_start(&borrower, borrow, &request);
 *     ...
 *     assert_int_equal(thread_join(&borrower), 0);
 *
 * A failing cmocka assertion jumps to the test's own thread, so no other may have one: a function
 * that runs here returns what it saw. */
#ifndef LEND_TESTS_SUPPORT_THREAD_H
#define LEND_TESTS_SUPPORT_THREAD_H

#include "support/gate.h"

#include <stdint.h>

typedef int test_function(void *argument);

struct test_thread {
    pthread_t handle;
    test_function *function;
    void *argument;
    struct gate ended;
    int result;
};

/* What thread_join returns for a thread that left by pthread_exit or was cancelled. */
#define THREAD_LEFT (-1)

/* These three on the test's own thread only: they fail the test if they cannot. */
void thread_start(struct test_thread *thread, test_function *function, void *argument);

/* Wait for its end, at most PATIENCE_MS, and return its result. */
int thread_join(struct test_thread *thread);

/* function(argument) on another thread, and its result. */
int thread_run(test_function *function, void *argument);

/* pthread_cancel. */
void thread_cancel(struct test_thread *thread);

/* A number that no other living thread has. */
uintptr_t thread_id(void);

#endif
