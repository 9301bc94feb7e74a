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
static atomic_uint registered;
static bool is_short_of_memory, pretends;
static atomic_uint looks;

int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    void (*call)(void) = meanwhile;
    meanwhile = NULL;
    if (call != NULL)
        call();
    if (is_short_of_memory)
        return ENOMEM;
    atomic_fetch_add(&registered, 1);
    return pretends ? 0 : __real_pthread_atfork(prepare, parent, child);
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

enum { ROUNDS = 20000 };

static atomic_uint arrived; /* by both, in all rounds */

/* Together with the other thread. */
static void arrive(unsigned round) {
    atomic_fetch_add(&arrived, 1);
    for (unsigned spins = 0; atomic_load(&arrived) < 2 * (round + 1); spins++)
        if (spins > 1000)
            sched_yield();
}

static void *handle_each_time(void *argument) {
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        arrive(2 * i);
        handle();
        arrive(2 * i + 1);
    }
    return NULL;
}

static void of_two_who_come_at_once_one_registers_them(void **state) {
    (void)state;
    unsigned wrong = 0;
    pretends = true;
    assert_int_equal(pthread_create(&other, NULL, handle_each_time, NULL), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        word_init(&handled, 0);
        registered = 0;
        arrive(2 * i);
        wrong += handle() != 0;
        arrive(2 * i + 1);
        wrong += registered != 1;
    }
    pthread_join(other, NULL);
    pretends = false;
    assert_int_equal(wrong, 0);
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
        claim(of_two_who_come_at_once_one_registers_them),
        claim(the_child_of_a_fork_in_between_registers_its_own),
    };
    return cmocka_run_group_tests_name("forks", tests, NULL, NULL);
}
