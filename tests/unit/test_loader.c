/* SPDX-License-Identifier: MIT
 *
 * Opening a pool without all the threads that it would load its models on. */
#include "pool/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The linker has calls of pthread_create come here. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *argument);

static unsigned started, refused; /* this one, from 1, cannot be started */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *argument) {
    return ++started == refused ? EAGAIN
                                : __real_pthread_create(thread, attributes, main, argument);
}

static struct word alive; /* models */

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context, (void)reason;
    word_add(&alive, 1);
    *ret_model = &alive;
    return 0;
}

static void unload(void *model, void *context) {
    (void)model, (void)context;
    word_add(&alive, -1);
}

static int open_pool(lend_pool **ret_pool, struct lend_reason *reason) {
    const struct lend_model_ops ops = {.size = sizeof ops, .load = load, .unload = unload};
    started = 0;
    return lend_pool_open(
        ret_pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = 4, .loaders = 2, .reason = reason));
}

static void one_thread_loads_all_if_there_is_no_other(void **state) {
    (void)state;
    lend_pool *pool;
    struct lend_reason reason = {0};
    refused = 2;
    assert_int_equal(open_pool(&pool, &reason), 0);
    assert_int_equal(word_read(&alive), 4);
    assert_int_equal(lend_pool_close(pool, LEND_FOREVER, NULL), 0);
    assert_int_equal(word_read(&alive), 0);
}

static void without_any_the_pool_does_not_open_and_says_why(void **state) {
    (void)state;
    lend_pool *pool;
    struct lend_reason reason = {0};
    refused = 1;
    assert_int_equal(open_pool(&pool, &reason), ENOMEM);
    assert_string_equal(reason.text, "no thread to load models on");
    assert_int_equal(word_read(&alive), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_loads_all_if_there_is_no_other),
        cmocka_unit_test(without_any_the_pool_does_not_open_and_says_why),
    };
    return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
