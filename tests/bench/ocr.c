/* SPDX-License-Identifier: MIT
 *
 * lend-bench ocr: how many pages per second, with
 *
 *   one model
 *   two models
 *   tesseract command      `xargs -P 2` over the command with OMP_THREAD_LIMIT=1
 *   few: engine threads    two models whose engines start the threads they like
 *   few: two models        two models, on the same few files
 *
 * each of the first three over the same files; with two models for two and for sixty-four threads,
 * each of which has one page read after another; and what a job costs that reads nothing. A
 * contender's models are loaded before its clock starts, as a service's are; the command loads one
 * for each file, as it has to. */
#include "benches.h"
#include "empty_model.h"
#include "progress.h"
#include "result.h"

#include <glob.h>
#include <lend/lend.h>
#include <lend/ocr.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CROWD 64       /* submitters */
#define CROWD_PAGES 64 /* that they have read between them, at least */

struct file {
    const char *path;
    void *data;
    size_t size;
};

struct bench {
    struct settings settings; /* own_value: the uncapped run is slow enough with so many files */
    struct result *result;
    struct result_case *rates, *crowds, *cost;
    struct file *files;
    size_t file_count;
};

/* One way to have pages read. */
struct service {
    lend_pool *pool;
    lend_executor *executor;
    const struct bench *bench;
    size_t pages; /* to be read: the files, over and over */
    atomic_size_t begun, read;
};

static int fail(const char *what, const char *why) {
    fprintf(stderr, "lend-bench ocr: %s: %s\n", what, why);
    return 1;
}

static int read_file(const char *path, struct file *ret_file) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return fail(path, "cannot be opened");
    fseek(stream, 0, SEEK_END);
    long size = ftell(stream);
    rewind(stream);
    void *data = size > 0 ? malloc((size_t)size) : NULL;
    bool read = data != NULL && fread(data, 1, (size_t)size, stream) == (size_t)size;
    fclose(stream);
    if (!read) {
        free(data);
        return fail(path, "cannot be read");
    }
    *ret_file = (struct file){.path = path, .data = data, .size = (size_t)size};
    return 0;
}

static bool service_open(struct service *service, uint32_t models, bool engine_threads) {
    struct lend_ocr_options ocr = LEND_OCR_OPTIONS(.engine_threads = engine_threads);
    struct lend_reason reason = {0};
    if (lend_pool_open(&service->pool,
                       &LEND_POOL_OPTIONS(.ops = &lend_ocr_model_ops, .ops_context = &ocr,
                                          .models = models, .reason = &reason)) != 0) {
        fail("no pool", reason.text);
        return false;
    }
    if (lend_executor_open(&service->executor, &LEND_EXECUTOR_OPTIONS(.pool = service->pool,
                                                                      .queue_max = CROWD_PAGES)) ==
        0)
        return true;
    fail("no executor", "out of memory or threads");
    return false;
}

static bool service_close(struct service *service) {
    return lend_executor_close(service->executor, LEND_FOREVER) == 0 &&
           lend_pool_close(service->pool, LEND_FOREVER, NULL) == 0;
}

/* One page as a job, and wait for it. */
static bool read_page(lend_executor *executor, const struct file *file) {
    struct lend_ocr_request request = LEND_OCR_REQUEST(.data = file->data, .data_size = file->size);
    lend_future *future;
    if (lend_submit(executor,
                    &LEND_JOB(.run = lend_ocr_job, .argument = &request, .deadline = LEND_FOREVER),
                    &future) != 0)
        return false;
    bool read = lend_future_join(future, LEND_FOREVER) == 0 &&
                lend_future_outcome(future) == LEND_SUCCEEDED;
    if (!read)
        fail(file->path, lend_future_reason(future));
    lend_future_drop(future);
    return read;
}

/* A submitter: page after page, until all are begun. */
static void *submit(void *argument) {
    struct service *service = argument;
    const struct bench *bench = service->bench;
    for (size_t i; (i = atomic_fetch_add(&service->begun, 1)) < service->pages;)
        if (read_page(service->executor, &bench->files[i % bench->file_count]))
            atomic_fetch_add(&service->read, 1);
    return NULL;
}

/* Pages per second, or less than 0. */
static double read_by(struct service *service, unsigned submitters) {
    pthread_t threads[CROWD];
    unsigned started = 0;
    double began_s = now_s();
    while (started < submitters && pthread_create(&threads[started], NULL, submit, service) == 0)
        started++;
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    double took_s = now_s() - began_s;
    bool all = started == submitters && atomic_load(&service->read) == service->pages;
    return all ? (double)service->pages / took_s : -1;
}

/* A contender's turn: open, read, close. */
static double read_with(const struct bench *bench, uint32_t models, bool engine_threads,
                        unsigned submitters, size_t pages) {
    struct service service = {.bench = bench, .pages = pages};
    double rate =
        service_open(&service, models, engine_threads) ? read_by(&service, submitters) : -1;
    return service_close(&service) ? rate : -1;
}

/* The command, two at a time. File names go in through a pipe, so that none is interpreted. */
static double read_with_command(const struct bench *bench) {
    double began_s = now_s();
    FILE *xargs = popen("OMP_THREAD_LIMIT=1 xargs -0 -P 2 -I FILE tesseract FILE - "
                        ">/dev/null 2>&1",
                        "w");
    if (xargs == NULL)
        return -1;
    for (size_t i = 0; i < bench->file_count; i++)
        fwrite(bench->files[i].path, 1, strlen(bench->files[i].path) + 1, xargs);
    if (pclose(xargs) != 0)
        return -1;
    return (double)bench->file_count / (now_s() - began_s);
}

/* Seconds from submitting a job that does nothing to having its outcome, thread switches
 * included: the median of many. Less than 0 if it cannot be said. */
static double job_cost_s(void) {
    enum { JOBS = 2000 };
    static double costs_s[JOBS];
    struct service service = {0};
    if (lend_pool_open(&service.pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops, .models = 2)) !=
            0 ||
        lend_executor_open(&service.executor, &LEND_EXECUTOR_OPTIONS(.pool = service.pool)) != 0)
        return -1;
    for (int i = 0; i < JOBS; i++) {
        lend_future *future;
        double began_s = now_s();
        if (lend_submit(service.executor, &LEND_JOB(.run = empty_job), &future) != 0 ||
            lend_future_wait(future, LEND_FOREVER) != 0)
            return -1;
        costs_s[i] = now_s() - began_s;
        lend_future_drop(future);
    }
    return service_close(&service) ? rank_of(costs_s, JOBS, 0.5) : -1;
}

/* The contenders. */

static const char one[] = "one model", two[] = "two models", command[] = "tesseract command",
                  few_uncapped[] = "few: engine threads", few_two[] = "few: two models",
                  two_submit[] = "2 submitters", many_submit[] = "64 submitters",
                  no_page[] = "a job that reads nothing";

static double read_with_one(const struct bench *bench) {
    return read_with(bench, 1, /* engine_threads= */ false, 2, bench->file_count);
}

static double read_with_two(const struct bench *bench) {
    return read_with(bench, 2, /* engine_threads= */ false, 3, bench->file_count);
}

static size_t few_pages(const struct bench *bench) {
    size_t few = (size_t)bench->settings.own_value;
    return few < bench->file_count ? few : bench->file_count;
}

static double read_few_uncapped(const struct bench *bench) {
    return read_with(bench, 2, /* engine_threads= */ true, 3, few_pages(bench));
}

static double read_few(const struct bench *bench) {
    return read_with(bench, 2, /* engine_threads= */ false, 3, few_pages(bench));
}

static size_t crowd_pages(const struct bench *bench) {
    if (bench->settings.quick)
        return 8;
    return bench->file_count > CROWD_PAGES ? bench->file_count : CROWD_PAGES;
}

static double read_for_two(const struct bench *bench) {
    return read_with(bench, 2, /* engine_threads= */ false, 2, crowd_pages(bench));
}

static double read_for_many(const struct bench *bench) {
    return read_with(bench, 2, /* engine_threads= */ false, CROWD, crowd_pages(bench));
}

static const struct {
    const char *name;
    double (*read)(const struct bench *bench);
    bool is_crowd;
} contenders[] = {
    {one, read_with_one, false},         {two, read_with_two, false},
    {command, read_with_command, false}, {few_uncapped, read_few_uncapped, false},
    {few_two, read_few, false},          {two_submit, read_for_two, true},
    {many_submit, read_for_many, true},
};

/* One turn each. False if one failed. */
static bool take_round(struct bench *bench) {
    for (size_t i = 0; i < sizeof contenders / sizeof *contenders; i++) {
        struct result_case *in = contenders[i].is_crowd ? bench->crowds : bench->rates;
        progress_say("round %d of %d: %s", bench->result->rounds + 1, bench->settings.rounds,
                     contenders[i].name);
        double rate = contenders[i].read(bench);
        if (interrupted()) /* the command too, which then has not read every page */
            return true;
        if (rate <= 0) {
            fail(contenders[i].name, "did not read every page");
            return false;
        }
        samples_add(&case_entry(in, contenders[i].name)->samples, rate);
    }
    const struct samples *alone = &case_entry(bench->rates, one)->samples;
    double job_s = job_cost_s();
    if (job_s < 0) {
        fail("jobs that do nothing", "did not all run");
        return false;
    }
    samples_add(&case_entry(bench->cost, no_page)->samples,
                job_s * alone->values[alone->count - 1] * 100);
    bench->result->rounds++;
    return true;
}

static bool take_turns(struct bench *bench) {
    bool all = true;
    while (all && bench->result->rounds < bench->settings.rounds && !interrupted())
        all = take_round(bench);
    progress_clear();
    return all;
}

static void add_cases(struct bench *bench) {
    bench->result = result_new(&bench->settings);
    bench->rates =
        result_add_case(bench->result, "reading", "each of the files", "pages per second");
    bench->crowds = result_add_case(bench->result, "crowd",
                                    "two models, and threads that have a page read after another",
                                    "pages per second");
    bench->cost =
        result_add_case(bench->result, "cost", "pool and executor, there and back", "% of a page");
}

static void add_goals(struct bench *bench) {
    struct result_case *rates = bench->rates, *crowds = bench->crowds, *cost = bench->cost;
    case_want_ratio(rates, case_find(rates, two), case_find(rates, one), AT_LEAST, 1.85);
    case_want_ratio(rates, case_find(rates, few_two), case_find(rates, few_uncapped), AT_LEAST, 5);
    case_want_ratio(rates, case_find(rates, two), case_find(rates, command), AT_LEAST, 1.15);
    case_want_ratio(crowds, case_find(crowds, many_submit), case_find(crowds, two_submit), AT_LEAST,
                    0.98);
    case_want_value(cost, case_find(cost, no_page), AT_MOST, 0.1);
}

static int run(struct bench *bench) {
    add_cases(bench);
    bool done = take_turns(bench);
    if (done) {
        add_goals(bench);
        result_print(bench->result, bench->settings.format);
    }
    free(bench->result);
    return !done ? 1 : interrupted() ? 130 : 0;
}

/* The files to read when none are named: scanned receipts if they are there, else the sample pages
 * that come with the project. False if there are none. */
static bool find_files(glob_t *found) {
    const char *data = getenv("LEND_TEST_DATA");
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/receipts/*.jpg",
             data != NULL ? data : LEND_SOURCE_DIR "/../shared/data");
    return glob(pattern, 0, NULL, found) == 0 ||
           glob(LEND_SOURCE_DIR "/examples/pages/eng_*.png", 0, NULL, found) == 0;
}

static int run_on(struct bench *bench, char *const *paths, size_t count) {
    if (bench->settings.quick && count > 4)
        count = 4;
    bench->files = calloc(count, sizeof *bench->files);
    if (bench->files == NULL)
        return fail("files", "no memory for them");
    int error = 0;
    while (error == 0 && bench->file_count < count) {
        error = read_file(paths[bench->file_count], &bench->files[bench->file_count]);
        bench->file_count += error == 0;
    }
    if (error == 0)
        error = run(bench);
    for (size_t i = 0; i < bench->file_count; i++)
        free(bench->files[i].data);
    free(bench->files);
    return error;
}

int bench_ocr(int argc, char **argv) {
    struct bench bench = {.settings = {
                              .bench = "ocr",
                              .operands = "[FILE...]",
                              .what =
                                  "How many pages are read per second, with lend and beside it.\n"
                                  "Takes some minutes.",
                              .rounds = 5,
                              .own_option = "uncapped",
                              .own_help = "how many of the files are read with engine threads",
                              .own_value = 4,
                          }};
    int next, status;
    if (!settings_read(&bench.settings, argc, argv, &next, &status))
        return status;
    if (next < argc)
        return run_on(&bench, argv + next, (size_t)(argc - next));
    glob_t found;
    if (!find_files(&found))
        return fail("files", "none are named and none are found");
    status = run_on(&bench, found.gl_pathv, found.gl_pathc);
    globfree(&found);
    return status;
}
