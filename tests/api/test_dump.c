/* SPDX-License-Identifier: MIT
 *
 * Everything that lend knows, in one call and on a signal; and reports as JSON. */
#include "support/child.h"
#include "support/thread.h"
#include "support/workshop.h"

#include <fcntl.h>
#include <lend/dump.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void without_a_pool_there_is_nothing_to_tell(void **state) {
    (void)state;
    char words[64];
    assert_int_equal(lend_dump(words, sizeof words), strlen("no pool is open\n"));
    assert_string_equal(words, "no pool is open\n");
    assert_int_equal(lend_dump(NULL, 0), 0);
}

/* A pool with a job on its model, a waiter, and a job in the queue. */
struct scene {
    struct workshop shop;
    struct held_job running, queued;
    struct test_thread waiter;
    lend_future *futures[2];
};

static int wait_for_a_model(void *pool) {
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    int error = lend_lease_error(&lease);
    lend_release(&lease);
    return error;
}

static void scene_open(struct scene *scene) {
    memset(scene, 0, sizeof *scene);
    held_job_init(&scene->running);
    held_job_init(&scene->queued);
    workshop_open(&scene->shop, 1, NULL);
    scene->futures[0] = held_job_submit(&scene->shop, &scene->running, LEND_FOREVER);
    assert_true(tally_wait(&scene->running.started, 1));
    scene->futures[1] = held_job_submit(&scene->shop, &scene->queued, LEND_FOREVER);
    thread_start(&scene->waiter, wait_for_a_model, scene->shop.pool);
    assert_true(eventually(stats_of(scene->shop.pool).waiting == 1));
}

static void scene_close(struct scene *scene) {
    tally_add(&scene->running.go);
    tally_add(&scene->queued.go);
    assert_int_equal(thread_join(&scene->waiter), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lend_future_join(scene->futures[i], LEND_FOREVER), 0);
        lend_future_drop(scene->futures[i]);
    }
    workshop_close(&scene->shop);
    held_job_deinit(&scene->running);
    held_job_deinit(&scene->queued);
}

static void assert_tells_the_scene(const char *words, const struct scene *scene) {
    char job[64];
    assert_non_null(strstr(words, "pool \"workshop\": 1 of 1 lent: #0 job "));
    assert_non_null(strstr(words, "every model is in use"));
    assert_non_null(strstr(words, " has waited for "));
    assert_non_null(strstr(words, " at test_dump.c:"));
    assert_non_null(
        strstr(words, "executor \"workshop\": workers 1, idle 0, queued 1 of at most 4, "));
    snprintf(job, sizeof job, "job %llu runs on thread ",
             (unsigned long long)scene->running.number);
    assert_non_null(strstr(words, job));
    assert_non_null(strstr(words, " is queued, accepted "));
    assert_non_null(strstr(words, " at workshop.c:"));
}

static void a_dump_tells_who_holds_who_waits_and_what_is_queued(void **state) {
    (void)state;
    struct scene scene;
    char words[4096];
    scene_open(&scene);
    size_t length = lend_dump(words, sizeof words);
    assert_int_equal(length, strlen(words));
    assert_tells_the_scene(words, &scene);
    assert_int_equal(lend_dump(words, 40), 39);
    assert_string_equal(words + 36, "...");
    scene_close(&scene);
}

static void an_executor_is_printed_as_a_dump_tells_of_it(void **state) {
    (void)state;
    struct scene scene;
    char words[1024], job[64], cut[40];
    scene_open(&scene);
    size_t length = lend_executor_print(scene.shop.executor, words, sizeof words);
    assert_int_equal(length, strlen(words));
    assert_ptr_equal(
        strstr(words, "executor \"workshop\": workers 1, idle 0, queued 1 of at most 4"), words);
    for (int i = 0; i < 2; i++) {
        snprintf(job, sizeof job, "\n  job %llu %s",
                 (unsigned long long)lend_future_number(scene.futures[i]),
                 i == 0 ? "runs on thread " : "is queued, accepted ");
        assert_non_null(strstr(words, job));
    }
    assert_null(strstr(words, "pool"));
    assert_int_equal(words[length - 1], '\n');
    assert_int_equal(lend_executor_print(scene.shop.executor, cut, sizeof cut), sizeof cut - 1);
    assert_memory_equal(cut, words, sizeof cut - 4);
    assert_string_equal(cut + sizeof cut - 4, "...");
    assert_int_equal(lend_executor_print(scene.shop.executor, NULL, 0), 0);
    scene_close(&scene);
}

static void no_executor_is_an_answer_too(void **state) {
    (void)state;
    char words[32];
    assert_int_equal(lend_executor_print(NULL, words, sizeof words), strlen("no executor"));
    assert_string_equal(words, "no executor");
    assert_int_equal(lend_executor_print(NULL, words, 5), 4);
    assert_string_equal(words, "n...");
    assert_int_equal(lend_executor_print(NULL, NULL, 0), 0);
}

static void request(int number) {
    (void)number;
    lend_dump_request();
}

/* Read until the last line of the scene has come. */
static void read_dump(int descriptor, char *words, size_t size) {
    size_t length = 0;
    words[0] = '\0';
    while (length + 1 < size && strstr(words, "is queued") == NULL) {
        ssize_t count = read(descriptor, words + length, size - 1 - length);
        assert_true(count > 0);
        length += (size_t)count;
        words[length] = '\0';
    }
}

static void a_signal_has_it_written(void **state) {
    (void)state;
    struct scene scene;
    int ends[2];
    char words[4096];
    assert_int_equal(pipe(ends), 0);
    lend_dump_request(); /* nobody is there, and nothing happens */
    assert_int_equal(lend_dump_start(ends[1]), 0);
    assert_int_equal(lend_dump_start(ends[1]), EALREADY);
    assert_int_equal(lend_dump_start(-1), EINVAL);
    assert_true(signal(SIGUSR1, request) != SIG_ERR);
    scene_open(&scene);
    assert_int_equal(raise(SIGUSR1), 0);
    read_dump(ends[0], words, sizeof words);
    assert_tells_the_scene(words, &scene);
    scene_close(&scene);
    lend_dump_stop();
    lend_dump_stop();
    lend_dump_request();
    assert_int_equal(lend_dump_start(ends[1]), 0);
    lend_dump_stop();
    signal(SIGUSR1, SIG_DFL);
    close(ends[0]);
    close(ends[1]);
}

static void what_the_last_thread_was_asked_is_not_asked_of_the_next(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int nowhere = open("/dev/null", O_WRONLY);
    assert_int_equal(lend_dump_start(nowhere), 0);
    for (int i = 0; i < 1000; i++) /* more than it can do before it is stopped */
        lend_dump_request();
    lend_dump_stop();
    assert_int_equal(lend_dump_start(ends[1]), 0);
    struct pollfd unasked = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&unasked, 1, 50), 0);
    lend_dump_stop();
    close(ends[0]);
    close(ends[1]);
    close(nowhere);
}

/* ThreadSanitizer lets the child of a process with threads have none. */
#if defined(__SANITIZE_THREAD__)
#define CHILD_HAS_NO_THREADS
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILD_HAS_NO_THREADS
#endif
#endif

static void a_child_writes_dumps_of_its_own(void **state) {
    (void)state;
#if defined(CHILD_HAS_NO_THREADS)
    skip();
#endif
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int nowhere = open("/dev/null", O_WRONLY);
    assert_int_equal(lend_dump_start(nowhere), 0);
    pid_t child = child_fork();
    if (child == 0) {
        char begun[1];
        alarm(20);
        lend_dump_request(); /* nobody is there */
        if (lend_dump_start(ends[1]) != 0)
            _exit(1);
        lend_dump_request();
        int wrong = read(ends[0], begun, 1) != 1;
        lend_dump_stop();
        _exit(wrong);
    }
    assert_int_equal(child_status(child), 0);
    lend_dump_stop();
    close(nowhere);
    close(ends[0]);
    close(ends[1]);
}

static void a_report_in_json_names_holders_and_waiters(void **state) {
    (void)state;
    struct scene scene;
    char words[2048];
    scene_open(&scene);
    size_t length = lend_pool_print_json(scene.shop.pool, words, sizeof words);
    assert_int_equal(length, strlen(words));
    assert_true(length > 0);
    assert_ptr_equal(
        strstr(words, "{\"pool\":\"workshop\",\"error\":\"0\",\"cause\":\"every model "), words);
    assert_non_null(strstr(words, ",\"models\":1,\"free\":0,\"lent\":1,\"loading\":0"));
    assert_non_null(strstr(words, ",\"holders\":[{\"owner\":\"job\",\"id\":"));
    assert_non_null(strstr(words, ",\"waiters\":[{\"owner\":\"thread\",\"id\":"));
    assert_non_null(strstr(words, ",\"at\":\"test_dump.c:"));
    assert_int_equal(words[length - 1], '}');
    assert_int_equal(lend_pool_print_json(NULL, words, sizeof words), 2);
    assert_string_equal(words, "{}");
    scene_close(&scene);
}

/* That of a refusal, in which no time goes by between one look and the next. */
static void a_report_in_json_is_whole_or_nothing_and_says_how_long_it_is(void **state) {
    (void)state;
    struct scene scene;
    char words[2048];
    scene_open(&scene);
    struct lend_lease none = lend_acquire(scene.shop.pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&none);
    assert_non_null(report);
    size_t length = lend_report_print_json(report, words, sizeof words);
    assert_int_equal(length, strlen(words));
    assert_int_equal(lend_report_print_json(report, NULL, 0), length);
    for (size_t size = 1; size <= length; size++) {
        memset(words, '#', sizeof words);
        assert_int_equal(lend_report_print_json(report, words, size), length);
        assert_string_equal(words, "");
        assert_int_equal(words[size], '#');
    }
    assert_int_equal(lend_report_print_json(report, words, length + 1), length);
    assert_int_equal(words[length - 1], '}');
    lend_release(&none);
    scene_close(&scene);
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

static void json_escapes_what_json_must(void **state) {
    (void)state;
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = make, .unload = unmake);
    char words[1024];
    lend_pool *pool;
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.name = "a\"b\\c\n\xc3\xa9", .ops = &ops,
                                                 .ops_context = words, .models = 1)),
        0);
    assert_true(lend_pool_print_json(pool, words, sizeof words) > 0);
    assert_ptr_equal(strstr(words, "{\"pool\":\"a\\\"b\\\\c\\u000a\xc3\xa9\","), words);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_pool_there_is_nothing_to_tell),
        cmocka_unit_test(a_dump_tells_who_holds_who_waits_and_what_is_queued),
        cmocka_unit_test(an_executor_is_printed_as_a_dump_tells_of_it),
        cmocka_unit_test(no_executor_is_an_answer_too),
        cmocka_unit_test(a_signal_has_it_written),
        cmocka_unit_test(what_the_last_thread_was_asked_is_not_asked_of_the_next),
        cmocka_unit_test(a_child_writes_dumps_of_its_own),
        cmocka_unit_test(a_report_in_json_names_holders_and_waiters),
        cmocka_unit_test(a_report_in_json_is_whole_or_nothing_and_says_how_long_it_is),
        cmocka_unit_test(json_escapes_what_json_must),
    };
    return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
