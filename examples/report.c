/* SPDX-License-Identifier: MIT
 *
 * A report printed on purpose: a thread and a job keep both models of a pool, and whoever comes
 * third is told so; so is the close that finds them still at it. */
#include <lend/lend.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODELS 2
#define WAIT_MS 500

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    *ret_model = malloc(1);
    return *ret_model != NULL ? 0 : lend_reason_set(reason, ENOMEM, "no memory for a model");
}

static void unload(void *model, void *context) {
    (void)context;
    free(model);
}

static const struct lend_model_ops scanner_ops = LEND_MODEL_OPS(.load = load, .unload = unload);

/* Where the two holders and main meet: first when each has its model, then when they may go. */
static pthread_barrier_t held, seen;

static void keep(void) {
    pthread_barrier_wait(&held);
    pthread_barrier_wait(&seen);
}

static void *keep_in_a_thread(void *pool) {
    lend_with (scanner, pool, LEND_FOREVER) {
        keep();
    } lend_else {
        abort(); /* main borrows only once both are lent */
    } lend_end
    return NULL;
}

static int keep_in_a_job(void *model, void *argument, lend_job *job) {
    (void)model, (void)argument, (void)job;
    keep();
    return 0;
}

static int threads_first(const void *one, const void *other) {
    const struct lend_holder *a = one, *b = other;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

/* Ids, times and who has which model differ from run to run. A report is plain data: this prints a
 * copy in which threads come first and are numbered from 4711 on, and times are cut to the wait
 * that all of them outlasted. */
static void print_steadily(const struct lend_report *report) {
    if (report == NULL) {
        printf("no memory for a report\n");
        return;
    }
    struct lend_report steady = *report;
    struct lend_holder holders[MODELS];
    steady.waited_ns = INT64_C(1000000) * WAIT_MS;
    steady.holders = holders;
    memcpy(holders, report->holders, report->holder_count * sizeof *holders);
    qsort(holders, report->holder_count, sizeof *holders, threads_first);
    for (size_t i = 0; i < report->holder_count; i++) {
        holders[i].slot = (unsigned)i;
        holders[i].tid = 4711 + (uint32_t)i;
        holders[i].held_ns = steady.waited_ns;
        if (holders[i].kind == LEND_OWNER_THREAD)
            holders[i].id = holders[i].tid;
    }
    char line[512];
    lend_report_print(&steady, line, sizeof line);
    for (char *end = line; (end = strstr(end, "; ")) != NULL; end++)
        end[1] = '\n'; /* a report is one line; a page is narrower */
    printf("%s\n\n", line);
}

static void come_third(lend_pool *pool) {
    lend_with (scanner, pool, lend_within_ms(WAIT_MS)) {
        printf("borrowed\n");
    } lend_else {
        printf("%s\n", lend_errname(lend_lease_error(&scanner)));
        print_steadily(lend_lease_report(&scanner));
    } lend_end
}

/* A close does not pull a model from under its holder: it gives up and says who that is. */
static void close_too_early(lend_pool *pool) {
    struct lend_report *report = NULL;
    int error = lend_pool_close(pool, lend_within_ms(WAIT_MS), &report);
    printf("%s\n", lend_errname(error));
    print_steadily(report);
    lend_report_free(report);
}

int main(void) {
    lend_pool *pool = NULL;
    lend_executor *executor = NULL;
    pthread_t thread;
    pthread_barrier_init(&held, NULL, 2);
    pthread_barrier_init(&seen, NULL, MODELS + 1);
    if (lend_pool_open(&pool, &LEND_POOL_OPTIONS(.name = "scanner", .ops = &scanner_ops,
                                                 .models = MODELS)) != 0 ||
        lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.name = "import", .pool = pool)) != 0)
        return 1;

    if (pthread_create(&thread, NULL, keep_in_a_thread, pool) != 0)
        return 1;
    pthread_barrier_wait(&held);
    if (lend_submit(executor, &LEND_JOB(.run = keep_in_a_job), NULL) != 0)
        return 1;
    pthread_barrier_wait(&held);
    come_third(pool);
    close_too_early(pool);
    pthread_barrier_wait(&seen);

    pthread_join(thread, NULL);
    int error = lend_executor_close(executor, lend_within_ms(5000));
    return error == 0 && lend_pool_close(pool, lend_within_ms(5000), NULL) == 0 ? 0 : 1;
}
