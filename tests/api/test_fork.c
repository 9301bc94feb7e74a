/* SPDX-License-Identifier: MIT
 *
 * The child of a fork gets an error from every call on what its parent opened, and hangs in none,
 * whatever the parent's threads were doing; the parent notices nothing. */
#include "support/child.h"
#include "support/loop.h"
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

/* What the parent has: of everything one. */
struct estate {
    struct workshop shop;
    struct held_job held;
    struct lend_lease lease;
    lend_future *future;
    lend_completions *queue;
    lend_request *request; /* that waits; another one has timed out, and is not told yet */
    struct told told[2];
};

static void estate_open(struct estate *estate) {
    memset(estate, 0, sizeof *estate);
    held_job_init(&estate->held);
    workshop_open(&estate->shop, 2, NULL);
    estate->queue = loop_open();
    estate->future = held_job_submit(&estate->shop, &estate->held, LEND_FOREVER);
    assert_true(tally_wait(&estate->held.started, 1));
    estate->lease = lend_acquire(estate->shop.pool, LEND_NOW);
    assert_true(lend_lease_ok(&estate->lease));
    const lend_deadline deadlines[2] = {lend_within_ms(1), LEND_FOREVER};
    for (int i = 0; i < 2; i++) {
        const struct lend_request_spec spec =
            told_spec(estate->queue, &estate->told[i], /* task= */ 0);
        assert_int_equal(
            lend_acquire_later(estate->shop.pool, deadlines[i], &spec, &estate->request), 0);
    }
    assert_true(loop_wait(estate->queue));
}

/* Nothing of it has changed. */
static void estate_close(struct estate *estate) {
    assert_int_equal(stats_of(estate->shop.pool).models, 2);
    assert_int_equal(stats_of(estate->shop.pool).waiting, 1);
    assert_int_equal(lend_request_cancel(estate->request), 0);
    assert_int_equal(lend_completions_run(estate->queue, 2), 1);
    assert_int_equal(estate->told[0].error, ETIMEDOUT);
    assert_int_equal(estate->told[1].count, 0);
    lend_release(&estate->told[0].lease);
    loop_close(estate->queue);
    lend_release(&estate->lease);
    tally_add(&estate->held.go);
    assert_int_equal(lend_future_join(estate->future, LEND_FOREVER), 0);
    assert_int_equal(lend_future_outcome(estate->future), LEND_SUCCEEDED);
    lend_future_drop(estate->future);
    assert_int_equal(events_count(&estate->shop.events), 0);
    workshop_close(&estate->shop);
    held_job_deinit(&estate->held);
}

/* How many a child has asked. */
static int question;
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        question++;                                                                                \
        if (!(condition))                                                                          \
            return false;                                                                          \
    } while (0)

static bool ask_of_leases(struct lend_lease *lease) {
    char words[128];
    struct lend_lease copy = *lease;
    EXPECT(lend_lease_detach(lease) == EOWNERDEAD);
    EXPECT(lend_lease_adopt(lease) == EOWNERDEAD);
    EXPECT(lend_lease_print(lease, words, sizeof words) == strlen(words));
    EXPECT(strcmp(words, "a model of the process that forked this one") == 0);
    lend_release(lease);
    EXPECT(!lend_lease_ok(lease));
    lend_release_broken(&copy, "it is my parent's");
    EXPECT(!lend_lease_ok(&copy));
    return true;
}

static bool ask_of_the_pool(lend_pool *pool) {
    struct lend_pool_stats stats;
    struct lend_pool_options options;
    struct lend_reason reason = {0};
    char words[128];
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    EXPECT(lend_lease_error(&lease) == EOWNERDEAD);
    lend_release(&lease);
    EXPECT(lend_pool_stats_get(pool, &stats) == EOWNERDEAD);
    EXPECT(lend_pool_options_get(pool, &options) == EOWNERDEAD);
    EXPECT(lend_pool_suspend(pool) == EOWNERDEAD);
    EXPECT(lend_pool_resume(pool) == EOWNERDEAD);
    EXPECT(lend_pool_reload(pool, LEND_FOREVER, &reason) == EOWNERDEAD);
    EXPECT(reason.error == EOWNERDEAD);
    EXPECT(lend_pool_resize(pool, 1, LEND_FOREVER, NULL) == EOWNERDEAD);
    EXPECT(lend_pool_close(pool, LEND_FOREVER, NULL) == EOWNERDEAD);
    lend_pool_print(pool, words, sizeof words);
    EXPECT(strcmp(words, "pool of the process that forked this one") == 0);
    EXPECT(lend_pool_print(pool, NULL, 0) == 0);
    EXPECT(lend_pool_print_json(pool, words, sizeof words) == 2);
    EXPECT(strcmp(words, "{}") == 0);
    return true;
}

static bool ask_of_the_executor(struct workshop *shop) {
    struct lend_executor_stats stats;
    struct lend_executor_options options;
    char words[128];
    lend_executor *executor;
    EXPECT(lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = shop->pool)) == EOWNERDEAD);
    EXPECT(lend_submit(shop->executor, &LEND_JOB(.run = plain_job_run), NULL) == EOWNERDEAD);
    EXPECT(lend_executor_stats_get(shop->executor, &stats) == EOWNERDEAD);
    EXPECT(lend_executor_options_get(shop->executor, &options) == EOWNERDEAD);
    EXPECT(lend_executor_close(shop->executor, LEND_FOREVER) == EOWNERDEAD);
    EXPECT(lend_executor_print(shop->executor, words, sizeof words) == strlen(words));
    EXPECT(strcmp(words, "executor of the process that forked this one") == 0);
    return true;
}

static bool ask_of_the_future(lend_future *future, uint64_t number) {
    lend_completions *queue;
    size_t index;
    EXPECT(lend_future_number(future) == number); /* it is the parent's job */
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
    return true;
}

static bool ask_of_the_queue(const struct estate *estate) {
    struct told told = {0};
    const struct lend_request_spec spec = told_spec(estate->queue, &told, /* task= */ 0);
    EXPECT(lend_acquire_later(estate->shop.pool, LEND_FOREVER, &spec, NULL) == EOWNERDEAD);
    EXPECT(lend_request_cancel(estate->request) == EOWNERDEAD);
    EXPECT(lend_completions_descriptor(estate->queue) == -1);
    EXPECT(lend_completions_run(estate->queue, 1) == 0);
    EXPECT(lend_completions_close(estate->queue) == EOWNERDEAD);
    return true;
}
#undef EXPECT

/* The number of the first answer that was wrong, or 0. */
static int ask_everything(struct estate *estate) {
    alarm(20);
    bool all_is_told = ask_of_leases(&estate->lease) && ask_of_the_pool(estate->shop.pool) &&
                       ask_of_the_executor(&estate->shop) &&
                       ask_of_the_future(estate->future, estate->held.number) &&
                       ask_of_the_queue(estate);
    return all_is_told ? 0 : question;
}

static void a_child_gets_an_error_from_every_call(void **state) {
    (void)state;
    struct estate estate;
    estate_open(&estate);
    pid_t child = child_fork();
    if (child == 0)
        _exit(ask_everything(&estate));
    assert_int_equal(child_status(child), 0);
    estate_close(&estate);
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
