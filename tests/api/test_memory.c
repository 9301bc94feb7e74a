/* SPDX-License-Identifier: MIT
 *
 * What a slot, a waiting request and a queued job take is what the README says they do. */
#include "support/allocated.h"
#include "support/await.h"

#include <lend/lend.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/plain_pool.h"

enum { FEW = 64, MORE = 1000, README_SIZE = 1 << 20 };
enum { NEAR = 16 }; /* bytes: the allocator cannot always use all that it has */

static size_t pool_bytes(uint32_t models) {
    size_t before = bytes_allocated();
    lend_pool *pool = plain_pool(.models = models);
    size_t bytes = bytes_allocated() - before;
    plain_pool_close(pool);
    return bytes;
}

static size_t slot_bytes(void) {
    pool_bytes(FEW); /* what there is once in a process */
    size_t few = pool_bytes(FEW);
    return (pool_bytes(FEW + MORE) - few) / MORE;
}

static void answer(struct lend_lease *lease, void *answers) {
    (void)lease;
    ++*(unsigned *)answers;
}

static size_t request_bytes(void) {
    lend_completions *queue = NULL;
    unsigned answers = 0;
    lend_pool *pool = plain_pool(.models = 1, .waiters_max = MORE);
    assert_int_equal(lend_completions_open(&queue), 0);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    size_t before = bytes_allocated();
    for (int i = 0; i < MORE; i++)
        assert_int_equal(lend_acquire_later(pool, LEND_FOREVER,
                                            &LEND_REQUEST(.queue = queue, .acquired = answer,
                                                          .argument = &answers),
                                            NULL),
                         0);
    size_t bytes = (bytes_allocated() - before) / MORE;
    lend_release(&lease);
    assert_true(eventually(lend_completions_run(queue, MORE) == 0 && answers == MORE));
    plain_pool_close(pool);
    assert_int_equal(lend_completions_close(queue), 0);
    return bytes;
}

static int run(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    return 0;
}

static size_t job_bytes(void) {
    static lend_future *futures[MORE];
    lend_executor *executor = NULL;
    lend_pool *pool = plain_pool(.models = 1, .waiters_max = MORE);
    assert_int_equal(
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .queue_max = MORE)), 0);
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    size_t before = bytes_allocated();
    for (int i = 0; i < MORE; i++)
        assert_int_equal(
            lend_submit(executor, &LEND_JOB(.run = run, .deadline = LEND_FOREVER), &futures[i]), 0);
    size_t bytes = (bytes_allocated() - before) / MORE;
    lend_release(&lease);
    for (int i = 0; i < MORE; i++)
        lend_future_drop(futures[i]);
    assert_int_equal(lend_executor_close(executor, LEND_FOREVER), 0);
    plain_pool_close(pool);
    return bytes;
}

/* The whole README, or NULL. */
static char *read_readme(void) {
    char path[4096], *text = calloc(1, README_SIZE);
    const char *folder = getenv("LEND_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/README.md", folder != NULL ? folder : ".");
    FILE *stream = fopen(path, "r");
    if (stream == NULL || fread(text, 1, README_SIZE - 1, stream) == 0) {
        free(text);
        text = NULL;
    }
    if (stream != NULL)
        fclose(stream);
    return text;
}

static void things_take_what_the_readme_says(void **state) {
    (void)state;
    unsigned slot = 0, request = 0, job = 0;
    size_t before = bytes_allocated();
    char *readme = read_readme();
    if (bytes_allocated() < before + README_SIZE || readme == NULL) {
        free(readme);
        skip(); /* the allocator does not tell, or this is not where the sources are */
    }
    const char *words = strstr(readme, "A slot takes");
    assert_non_null(words);
    assert_int_equal(sscanf(words, "A slot takes %u bytes, a waiting request %u, a queued job %u",
                            &slot, &request, &job),
                     3);
    free(readme);
    assert_in_range(slot_bytes(), slot - NEAR, slot + NEAR);
    assert_in_range(request_bytes(), request - NEAR, request + NEAR);
    assert_in_range(job_bytes(), job - NEAR, job + NEAR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_take_what_the_readme_says),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
