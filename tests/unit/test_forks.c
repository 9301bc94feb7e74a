/* SPDX-License-Identifier: MIT
 *
 * Handlers of forks are there for whoever was told that they are: while a thread registers them,
 * and in the child of a fork that comes just then. */
#include "sync/fork.h"
#include "sync/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
void __real_lend__thread_gives_way(void);
void __wrap_lend__thread_gives_way(void);

static struct word handled;
static void (*meanwhile)(void); /* called while handlers are registered, once */
static unsigned registered;
static bool is_short_of_memory;
static atomic_uint looks;

int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    void (*call)(void) = meanwhile;
    meanwhile = NULL;
    if (call != NULL)
        call();
    if (is_short_of_memory)
        return ENOMEM;
    registered++;
    return __real_pthread_atfork(prepare, parent, child);
}

void __wrap_lend__thread_gives_way(void) {
    atomic_fetch_add(&looks, 1);
    __real_lend__thread_gives_way();
}

static void nothing(void) {
}

static int handle(void) {
    return lend__fork_handle(&handled, nothing, nothing, nothing);
}

static pthread_t other;
static atomic_bool other_is_back;
static int other_was_told;

static void *handle_too(void *argument) {
    (void)argument;
    other_was_told = handle();
    atomic_store(&other_is_back, true);
    return NULL;
}

static void start_the_other(void) {
    assert_int_equal(pthread_create(&other, NULL, handle_too, NULL), 0);
    while (atomic_load(&looks) == 0 && !atomic_load(&other_is_back))
        sched_yield();
    assert_false(atomic_load(&other_is_back));
}

static int set_up(void **state) {
    (void)state;
    word_init(&handled, 0);
    registered = 0;
    atomic_store(&looks, 0);
    atomic_store(&other_is_back, false);
    return handle(); /* the era */
}

static void who_comes_while_they_are_registered_waits_for_that(void **state) {
    (void)state;
    word_init(&handled, 0);
    registered = 0;
    meanwhile = start_the_other;
    assert_int_equal(handle(), 0);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(other_was_told, 0);
    assert_int_equal(registered, 1);
    assert_int_equal(word_peek(&handled), FORKS_HANDLED);
}

static void who_cannot_register_them_leaves_it_to_the_next(void **state) {
    (void)state;
    word_init(&handled, 0);
    is_short_of_memory = true;
    assert_int_equal(handle(), ENOMEM);
    is_short_of_memory = false;
    registered = 0;
    assert_int_equal(handle(), 0);
    assert_int_equal(registered, 1);
}

static void once_is_enough(void **state) {
    (void)state;
    registered = 0;
    assert_int_equal(handle(), 0);
    assert_int_equal(registered, 0);
}

static pid_t forked;

/* Who registers them does not exist in the child. */
static void fork_and_handle(void) {
    forked = fork();
    if (forked == 0)
        _exit(handle() == 0 && word_peek(&handled) == FORKS_HANDLED ? 0 : 1);
}

static void the_child_of_a_fork_in_between_registers_its_own(void **state) {
    (void)state;
    int status;
    word_init(&handled, 0);
    meanwhile = fork_and_handle;
    assert_int_equal(handle(), 0);
    assert_int_equal(waitpid(forked, &status, 0), forked);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define claim(function) cmocka_unit_test_setup(function, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        claim(who_comes_while_they_are_registered_waits_for_that),
        claim(who_cannot_register_them_leaves_it_to_the_next),
        claim(once_is_enough),
        claim(the_child_of_a_fork_in_between_registers_its_own),
    };
    return cmocka_run_group_tests_name("forks", tests, NULL, NULL);
}
