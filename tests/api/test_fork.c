/* SPDX-License-Identifier: MIT
 *
 * The child of a fork gets an error from every call on what its parent opened, and hangs in none,
 * whatever the parent's threads were doing; the parent notices nothing. */
#include "support/child.h"
#include "support/pace.h"
#include "support/workshop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void take_note(lend_future *future, void *argument) {
    (void)future, (void)argument;
}

/* Everything that the child may ask: the number of the first answer that was wrong, or 0. */
static int ask_everything(struct workshop *shop, struct lend_lease *held, lend_future *future) {
    struct lend_pool_stats pool_stats;
    struct lend_executor_stats executor_stats;
    struct lend_pool_options pool_options;
    struct lend_executor_options executor_options;
    lend_executor *executor;
    lend_completions *queue;
    size_t index;
    char words[128];
    int question = 0;
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        question++;                                                                                \
        if (!(condition))                                                                          \
            return question;                                                                       \
    } while (0)
    struct lend_lease lease = lend_acquire(shop->pool, LEND_FOREVER);
    EXPECT(lend_lease_error(&lease) == EOWNERDEAD);
    lend_release(&lease);
    EXPECT(lend_lease_detach(held) == EOWNERDEAD);
    EXPECT(lend_lease_adopt(held) == EOWNERDEAD);
    lend_release(held);
    EXPECT(!lend_lease_ok(held));
    EXPECT(lend_pool_stats_get(shop->pool, &pool_stats) == EOWNERDEAD);
    EXPECT(lend_pool_options_get(shop->pool, &pool_options) == EOWNERDEAD);
    EXPECT(lend_pool_close(shop->pool, LEND_FOREVER, NULL) == EOWNERDEAD);
    lend_pool_print(shop->pool, words, sizeof words);
    EXPECT(strcmp(words, "pool of the process that forked this one") == 0);
    EXPECT(lend_pool_print(shop->pool, NULL, 0) == 0);
    EXPECT(lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = shop->pool)) == EOWNERDEAD);
    EXPECT(lend_submit(shop->executor, &LEND_JOB(.run = plain_job_run), NULL) == EOWNERDEAD);
    EXPECT(lend_executor_stats_get(shop->executor, &executor_stats) == EOWNERDEAD);
    EXPECT(lend_executor_options_get(shop->executor, &executor_options) == EOWNERDEAD);
    EXPECT(lend_executor_close(shop->executor, LEND_FOREVER) == EOWNERDEAD);
    EXPECT(lend_future_wait(future, LEND_FOREVER) == EOWNERDEAD);
    EXPECT(lend_future_join(future, LEND_FOREVER) == EOWNERDEAD);
    EXPECT(lend_future_wait_any(&future, 1, LEND_FOREVER, &index) == EOWNERDEAD);
    EXPECT(lend_future_wait_all(&future, 1, LEND_FOREVER) == EOWNERDEAD);
    EXPECT(lend_completions_open(&queue) == 0);
    EXPECT(lend_future_then(future, queue, take_note, NULL) == EOWNERDEAD);
    EXPECT(lend_completions_close(queue) == 0);
    EXPECT(lend_future_cancel(future) == EOWNERDEAD);
    EXPECT(lend_future_outcome(future) == LEND_FAILED);
    EXPECT(lend_future_error(future) == EOWNERDEAD);
    EXPECT(lend_future_peek(future) == NULL);
    EXPECT(lend_future_take(future) == NULL);
    lend_future_drop(future);
#undef EXPECT
    return 0;
}

static void a_child_gets_an_error_from_every_call(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job held;
    held_job_init(&held);
    workshop_open(&shop, 2, NULL);
    lend_future *future = held_job_submit(&shop, &held, LEND_FOREVER);
    assert_true(tally_wait(&held.started, 1));
    struct lend_lease lease = lend_acquire(shop.pool, LEND_NOW);
    assert_true(lend_lease_ok(&lease));

    pid_t child = child_fork();
    if (child == 0)
        _exit(ask_everything(&shop, &lease, future));
    assert_int_equal(child_status(child), 0);

    lend_release(&lease);
    tally_add(&held.go);
    assert_int_equal(lend_future_join(future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(future), LEND_SUCCEEDED);
    lend_future_drop(future);
    assert_int_equal(events_count(&shop.events), 0);
    workshop_close(&shop);
    held_job_deinit(&held);
}

/* Forked while its threads are in the middle of everything, with locks held. */
static void a_child_of_a_busy_parent_does_not_hang(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, 2, &LEND_EXECUTOR_OPTIONS(.when_full = LEND_FULL_WAIT));
    for (int i = 0; i < rounds(50, 5); i++) {
        lend_future *future;
        for (int j = 0; j < rounds(200, 20); j++)
            assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL), 0);
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &future), 0);
        pid_t child = child_fork();
        if (child == 0) {
            struct lend_lease none = {0};
            alarm(20);
            struct lend_lease lease = lend_acquire(shop.pool, LEND_FOREVER);
            int wrong = lend_lease_error(&lease) != EOWNERDEAD;
            lend_release(&lease);
            lend_release(&none);
            wrong += lend_future_wait(future, LEND_FOREVER) != EOWNERDEAD;
            wrong += lend_executor_close(shop.executor, LEND_FOREVER) != EOWNERDEAD;
            _exit(wrong);
        }
        assert_int_equal(child_status(child), 0);
        assert_int_equal(lend_future_wait(future, LEND_FOREVER), 0);
        lend_future_drop(future);
    }
    workshop_close(&shop);
}

static int make(void **ret_model, void *context, struct lend_reason *reason) {
    (void)reason;
    *ret_model = context;
    return 0;
}

static void unmake(void *model, void *context) {
    (void)model;
    (void)context;
}

static int open_and_borrow(void) {
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = make, .unload = unmake);
    int object;
    lend_pool *pool;
    if (lend_pool_open(&pool,
                       &LEND_POOL_OPTIONS(.ops = &ops, .ops_context = &object, .models = 1)) != 0)
        return 1;
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    int error = lend_lease_error(&lease) + lend_lease_detach(&lease);
    struct lend_lease none = lend_acquire(pool, lend_within_ms(1));
    error += lend_lease_error(&none) != ETIMEDOUT;
    lend_release(&none);
    lend_release(&lease);
    return error != 0 || lend_pool_close(pool, LEND_NOW, NULL) != 0;
}

static void a_child_may_open_a_pool_of_its_own(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* it does not let a child start threads */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    skip();
#endif
#endif
    struct workshop shop;
    workshop_open(&shop, 1, NULL);
    assert_int_equal(open_and_borrow(), 0); /* so that this thread has waited before */
    pid_t child = child_fork();
    if (child == 0)
        _exit(open_and_borrow());
    assert_int_equal(child_status(child), 0);
    workshop_close(&shop);
}

static void take_nothing(struct lend_lease *lease, void *argument) {
    (void)argument;
    lend_release(lease);
}

/* What the parent has. */
struct heritage {
    lend_completions *queue;
    lend_future *future;
};

/* A pool and an executor of its own, and a queue and a future of its parent's. */
static int mix(const struct heritage *parents) {
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = make, .unload = unmake);
    lend_pool *pool;
    lend_executor *executor;
    lend_future *futures[2] = {NULL, parents->future};
    int object, wrong = 0;
    size_t index;
    alarm(20);
    if (lend_pool_open(&pool,
                       &LEND_POOL_OPTIONS(.ops = &ops, .ops_context = &object, .models = 1)) != 0 ||
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool)) != 0 ||
        lend_submit(executor, &LEND_JOB(.run = plain_job_run), &futures[0]) != 0)
        return 100;
    wrong += lend_acquire_later(pool, LEND_FOREVER,
                                &LEND_REQUEST(.queue = parents->queue, .acquired = take_nothing),
                                NULL) != EOWNERDEAD;
    wrong += lend_future_then(futures[0], parents->queue, take_note, NULL) != EOWNERDEAD;
    wrong += lend_future_wait_any(futures, 2, LEND_FOREVER, &index) != EOWNERDEAD;
    wrong += lend_future_wait_all(futures, 2, LEND_FOREVER) != EOWNERDEAD;
    lend_future_drop(futures[0]);
    wrong += lend_executor_close(executor, LEND_FOREVER) != 0;
    return wrong + (lend_pool_close(pool, LEND_NOW, NULL) != 0);
}

static void a_child_cannot_mix_what_is_its_own_with_what_is_its_parents(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* it does not let a child start threads */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    skip();
#endif
#endif
    struct workshop shop;
    struct heritage heritage;
    workshop_open(&shop, 1, NULL);
    assert_int_equal(lend_completions_open(&heritage.queue), 0);
    assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), &heritage.future),
                     0);
    pid_t child = child_fork();
    if (child == 0)
        _exit(mix(&heritage));
    assert_int_equal(child_status(child), 0);
    assert_int_equal(lend_completions_close(heritage.queue), 0);
    lend_future_drop(heritage.future);
    workshop_close(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_gets_an_error_from_every_call),
        cmocka_unit_test(a_child_of_a_busy_parent_does_not_hang),
        cmocka_unit_test(a_child_may_open_a_pool_of_its_own),
        cmocka_unit_test(a_child_cannot_mix_what_is_its_own_with_what_is_its_parents),
    };
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
