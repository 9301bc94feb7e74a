/* SPDX-License-Identifier: MIT
 *
 * lend-bench memory: what the allocator gives out for a slot, a queued job, a request that waits.
 * Each is the difference between having few and having a thousand more, so that what there is once
 * does not count. A thread that waits needs no memory but that of its own stack. */
#include "benches.h"
#include "empty_model.h"
#include "result.h"

#include <lend/lend.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define FEW 64
#define MORE 1000

static int fail(const char *what) {
    fprintf(stderr, "lend-bench memory: %s\n", what);
    return 1;
}

/* Bytes in use by everybody, with what the allocator needs for itself. */
static double bytes_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
}

static lend_pool *open_pool(uint32_t models) {
    lend_pool *pool = NULL;
    int error =
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops, .models = models));
    return error == 0 ? pool : NULL;
}

static void note(struct result_case *in, const char *what, double bytes) {
    samples_add(&case_entry(in, what)->samples, bytes);
}

/* What a pool of so many models takes, or less than 0. */
static double pool_bytes(uint32_t models) {
    double before = bytes_in_use();
    lend_pool *pool = open_pool(models);
    double took = bytes_in_use() - before;
    return pool != NULL && lend_pool_close(pool, LEND_FOREVER, NULL) == 0 ? took : -1;
}

static int measure_slots(struct result_case *in) {
    pool_bytes(FEW); /* what there is once in a process */
    double few = pool_bytes(FEW), many = pool_bytes(FEW + MORE);
    if (few < 0 || many < 0)
        return fail("a pool cannot be opened");
    double slot = (many - few) / MORE;
    note(in, "a slot", slot);
    note(in, "a pool, besides its slots", few - FEW * slot);
    return 0;
}

/* Queue so many jobs that stay where they are, the only model being lent. Returns how many are. */
static size_t queue_jobs(lend_executor *executor, lend_job_function *run, lend_future **futures,
                         size_t count) {
    for (size_t i = 0; i < count; i++)
        if (lend_submit(executor, &LEND_JOB(.run = run, .deadline = LEND_FOREVER), &futures[i]) !=
            0)
            return i;
    return count;
}

static int measure_jobs_on(struct result_case *in, lend_pool *pool) {
    static lend_future *futures[FEW + MORE];
    lend_executor *executor = NULL;
    double before = bytes_in_use();
    if (lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool, .workers = 1,
                                                             .queue_max = FEW + MORE)) != 0)
        return fail("an executor cannot be opened");
    note(in, "an executor with one worker", bytes_in_use() - before);
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    size_t queued = queue_jobs(executor, empty_job, futures, FEW);
    double few = bytes_in_use();
    queued += queue_jobs(executor, empty_job, futures + queued, MORE);
    note(in, "a queued job, with its future", (bytes_in_use() - few) / MORE);
    lend_release(&lease);
    for (size_t i = 0; i < queued; i++)
        lend_future_drop(futures[i]);
    if (lend_executor_close(executor, LEND_FOREVER) != 0 || queued < FEW + MORE)
        return fail("not every job was accepted");
    return 0;
}

static int measure_jobs(struct result_case *in) {
    lend_pool *pool = open_pool(1);
    if (pool == NULL)
        return fail("a pool cannot be opened");
    int error = measure_jobs_on(in, pool);
    return lend_pool_close(pool, LEND_FOREVER, NULL) == 0 ? error : fail("a pool does not close");
}

static void on_answer(struct lend_lease *lease, void *answers) {
    (void)lease;
    ++*(unsigned *)answers;
}

/* So many more wait. */
static bool queue_requests(lend_pool *pool, lend_completions *queue, unsigned *answers,
                           unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (lend_acquire_later(
                pool, LEND_FOREVER,
                &LEND_REQUEST(.queue = queue, .acquired = on_answer, .argument = answers),
                NULL) != 0)
            return false;
    return true;
}

static int measure_requests(struct result_case *in) {
    lend_pool *pool = NULL;
    lend_completions *queue = NULL;
    unsigned answers = 0;
    if (lend_completions_open(&queue) != 0 ||
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops, .models = 1,
                                                 .waiters_max = FEW + MORE)) != 0)
        return fail("a pool cannot be opened");
    struct lend_lease lease = lend_acquire(pool, LEND_FOREVER);
    bool all = queue_requests(pool, queue, &answers, FEW);
    double few = bytes_in_use();
    all = all && queue_requests(pool, queue, &answers, MORE);
    note(in, "a waiting request", (bytes_in_use() - few) / MORE);
    lend_release(&lease);
    while (all && answers < FEW + MORE)
        lend_completions_run(queue, FEW);
    if (!all || lend_pool_close(pool, LEND_FOREVER, NULL) != 0 ||
        lend_completions_close(queue) != 0)
        return fail("not every request was accepted");
    return 0;
}

int bench_memory(int argc, char **argv) {
    struct settings settings = {
        .bench = "memory",
        .operands = "",
        .what =
            "How many bytes a slot, a queued job and a waiting request take. They are the same\n"
            "in every round.",
        .rounds = 5,
    };
    int next, status = 0;
    if (!settings_read(&settings, argc, argv, &next, &status))
        return status;
    struct result *result = result_new(&settings);
    struct result_case *in =
        result_add_case(result, "memory", "from the allocator, its own needs included", "bytes");
    for (; status == 0 && result->rounds < settings.rounds; result->rounds++)
        status = measure_slots(in) != 0 || measure_jobs(in) != 0 || measure_requests(in) != 0;
    if (status == 0)
        result_print(result, settings.format);
    free(result);
    return status;
}
