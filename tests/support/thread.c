/* SPDX-License-Identifier: MIT
 *
 * Threads of a test on pthreads. The gate is what gives a join its time limit. */
#include "support/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void open_ended(void *argument) {
    struct test_thread *thread = argument;
    gate_open(&thread->ended);
}

static void *run(void *argument) {
    struct test_thread *thread = argument;
    pthread_cleanup_push(open_ended, thread);
    thread->result = thread->function(thread->argument);
    pthread_cleanup_pop(1);
    return NULL;
}

void thread_start(struct test_thread *thread, test_function *function, void *argument) {
    thread->function = function;
    thread->argument = argument;
    thread->result = THREAD_LEFT;
    gate_init(&thread->ended);
    assert_int_equal(pthread_create(&thread->handle, NULL, run, thread), 0);
}

int thread_join(struct test_thread *thread) {
    if (!gate_wait(&thread->ended))
        fail_msg("a thread of the test did not end within %d ms", PATIENCE_MS);
    assert_int_equal(pthread_join(thread->handle, NULL), 0);
    gate_deinit(&thread->ended);
    return thread->result;
}

int thread_run(test_function *function, void *argument) {
    struct test_thread thread;
    thread_start(&thread, function, argument);
    return thread_join(&thread);
}

void thread_cancel(struct test_thread *thread) {
    assert_int_equal(pthread_cancel(thread->handle), 0);
}

uintptr_t thread_id(void) {
    static _Thread_local char own;
    return (uintptr_t)&own;
}
