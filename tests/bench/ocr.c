/* SPDX-License-Identifier: MIT
 *
 * lend-bench ocr: how many pages per second, with
 *
 *   one        one model
 *   two        two models
 *   uncapped   two models whose engines start the threads they like
 *   command    `xargs -P 2` over the tesseract command with OMP_THREAD_LIMIT=1
 *
 * in turn, round after round, each over the same files; and what a job costs that reads nothing. A
 * contender's models are loaded before its clock starts, as a service's are; the command loads one
 * for each file, as it has to. */
#include "measure.h"

#include <glob.h>
#include <lend/lend.h>
#include <lend/ocr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
    const char *path;
    void *data;
    size_t size;
};

struct bench {
    struct file *files;
    size_t file_count;
    int rounds;
    size_t uncapped_files; /* the uncapped run is slow enough with some of them */
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

/* Read `count` files as jobs and wait for all. Returns pages per second, or less than 0. */
static double read_all(lend_executor *executor, const struct file *files, size_t count) {
    struct lend_ocr_request *requests = calloc(count, sizeof *requests);
    lend_future **futures = calloc(count, sizeof *futures);
    size_t submitted = 0, read = 0;
    double began = now_s();
    for (; requests != NULL && futures != NULL && submitted < count; submitted++) {
        const struct file *file = &files[submitted];
        requests[submitted] = LEND_OCR_REQUEST(.data = file->data, .data_size = file->size);
        if (lend_submit(executor,
                        &LEND_JOB(.run = lend_ocr_job, .argument = &requests[submitted],
                                  .deadline = LEND_FOREVER),
                        &futures[submitted]) != 0)
            break;
    }
    for (size_t i = 0; i < submitted; i++) {
        if (lend_future_join(futures[i], LEND_FOREVER) == 0 &&
            lend_future_outcome(futures[i]) == LEND_SUCCEEDED)
            read++;
        else
            fail(files[i].path, lend_future_reason(futures[i]));
        lend_future_drop(futures[i]);
    }
    double took = now_s() - began;
    free(futures);
    free(requests);
    return read == count ? (double)count / took : -1;
}

/* One contender's turn: open, read all, close. */
static double read_with(const struct bench *bench, uint32_t models, bool engine_threads) {
    struct lend_ocr_options ocr = LEND_OCR_OPTIONS(.engine_threads = engine_threads);
    struct lend_reason reason = {0};
    lend_pool *pool = NULL;
    lend_executor *executor = NULL;
    double rate = -1;
    size_t count = engine_threads ? bench->uncapped_files : bench->file_count;
    if (lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &lend_ocr_model_ops, .ops_context = &ocr,
                                                 .models = models, .reason = &reason)) != 0)
        fail("no pool", reason.text);
    else if (lend_executor_open(&executor,
                                &LEND_EXECUTOR_OPTIONS(.pool = pool, .queue_max = UINT16_MAX)) != 0)
        fail("no executor", "out of memory or threads");
    else
        rate = read_all(executor, bench->files, count);
    if (lend_executor_close(executor, LEND_FOREVER) != 0 ||
        lend_pool_close(pool, LEND_FOREVER, NULL) != 0)
        return -1;
    return rate;
}

/* The command, two at a time. File names go in through a pipe, so that none is interpreted. */
static double read_with_command(const struct bench *bench) {
    double began = now_s();
    FILE *xargs = popen("OMP_THREAD_LIMIT=1 xargs -0 -P 2 -I FILE tesseract FILE - "
                        ">/dev/null 2>&1",
                        "w");
    if (xargs == NULL)
        return -1;
    for (size_t i = 0; i < bench->file_count; i++)
        fwrite(bench->files[i].path, 1, strlen(bench->files[i].path) + 1, xargs);
    if (pclose(xargs) != 0)
        return -1;
    return (double)bench->file_count / (now_s() - began);
}

static int load_nothing(void **ret_model, void *context, struct lend_reason *reason) {
    static char model;
    (void)context;
    (void)reason;
    *ret_model = &model;
    return 0;
}

static void unload_nothing(void *model, void *context) {
    (void)model;
    (void)context;
}

static int do_nothing(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    (void)job;
    return 0;
}

/* Seconds from submitting a job that does nothing to having its outcome, thread switches
 * included: the median of many. */
static double job_cost_s(void) {
    static const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = load_nothing, .unload = unload_nothing);
    lend_pool *pool;
    lend_executor *executor;
    struct samples costs = {0};
    if (lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = 2)) != 0)
        return -1;
    if (lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool)) != 0)
        return -1;
    for (int i = 0; i < SAMPLES_MAX * 100; i++) {
        lend_future *future;
        double began = now_s();
        if (lend_submit(executor, &LEND_JOB(.run = do_nothing), &future) != 0 ||
            lend_future_wait(future, LEND_FOREVER) != 0)
            return -1;
        if (i % 100 == 0)
            samples_add(&costs, now_s() - began);
        lend_future_drop(future);
    }
    if (lend_executor_close(executor, LEND_FOREVER) != 0 ||
        lend_pool_close(pool, LEND_FOREVER, NULL) != 0)
        return -1;
    return samples_median(&costs);
}

static void print_rate(const char *name, const struct samples *rates) {
    printf("  %-10s %7.2f pages/s   %6.2f to %.2f\n", name, samples_median(rates),
           samples_least(rates), samples_most(rates));
}

static void print_ratio(const char *what, const struct samples *ratios, double wanted) {
    printf("  %-28s %6.2f   %6.2f to %-7.2f wanted: at least %.2f   %s\n", what,
           samples_median(ratios), samples_least(ratios), samples_most(ratios), wanted,
           samples_median(ratios) >= wanted ? "yes" : "NO");
}

static int run(const struct bench *bench) {
    enum { ONE, TWO, UNCAPPED, COMMAND, CONTENDERS };
    static const char *const names[] = {"one", "two", "uncapped", "command"};
    struct samples rates[CONTENDERS] = {0}, to_one = {0}, to_uncapped = {0}, to_command = {0};
    for (int round = 0; round < bench->rounds; round++) {
        const double rate[CONTENDERS] = {
            [ONE] = read_with(bench, 1, /* engine_threads= */ false),
            [TWO] = read_with(bench, 2, /* engine_threads= */ false),
            [UNCAPPED] = read_with(bench, 2, /* engine_threads= */ true),
            [COMMAND] = read_with_command(bench),
        };
        for (int i = 0; i < CONTENDERS; i++) {
            if (rate[i] <= 0)
                return fail(names[i], "did not read every page");
            samples_add(&rates[i], rate[i]);
        }
        samples_add(&to_one, rate[TWO] / rate[ONE]);
        samples_add(&to_uncapped, rate[TWO] / rate[UNCAPPED]);
        samples_add(&to_command, rate[TWO] / rate[COMMAND]);
        fprintf(stderr, "round %d of %d: one %.2f, two %.2f, uncapped %.2f, command %.2f\n",
                round + 1, bench->rounds, rate[ONE], rate[TWO], rate[UNCAPPED], rate[COMMAND]);
    }
    double job_s = job_cost_s();
    double share = job_s * samples_median(&rates[ONE]);
    if (job_s < 0)
        return fail("jobs that do nothing", "did not all run");

    printf("ocr: %zu files, %d rounds; median, least and most\n", bench->file_count, bench->rounds);
    for (int i = 0; i < CONTENDERS; i++)
        print_rate(names[i], &rates[i]);
    printf("ratios within a round\n");
    print_ratio("two / one", &to_one, 1.85);
    print_ratio("two / uncapped", &to_uncapped, 5);
    print_ratio("two / command", &to_command, 1.15);
    printf(
        "pool and executor, there and back: %.1f us, %.4f %% of a page   wanted: under 0.1   %s\n",
        job_s * 1e6, share * 100, share < 0.001 ? "yes" : "NO");
    return 0;
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

static int usage(int status) {
    fprintf(status == 0 ? stdout : stderr,
            "usage: lend-bench ocr [--rounds N] [--uncapped N] [FILE...]\n"
            "  --rounds N    how often each contender has its turn (5)\n"
            "  --uncapped N  how many of the files the uncapped one reads per round (4)\n");
    return status;
}

static int run_on(struct bench *bench, char *const *paths, size_t count) {
    bench->files = calloc(count, sizeof *bench->files);
    if (bench->files == NULL)
        return fail("files", "no memory for them");
    int error = 0;
    while (error == 0 && bench->file_count < count) {
        error = read_file(paths[bench->file_count], &bench->files[bench->file_count]);
        bench->file_count += error == 0;
    }
    if (bench->uncapped_files > bench->file_count)
        bench->uncapped_files = bench->file_count;
    if (error == 0)
        error = run(bench);
    for (size_t i = 0; i < bench->file_count; i++)
        free(bench->files[i].data);
    free(bench->files);
    return error;
}

int bench_ocr(int argc, char **argv) {
    struct bench bench = {.rounds = 5, .uncapped_files = 4};
    int next = 1;
    for (; next < argc && strncmp(argv[next], "--", 2) == 0; next += 2) {
        if (strcmp(argv[next], "--help") == 0)
            return usage(0);
        int value = next + 1 < argc ? atoi(argv[next + 1]) : 0;
        if (value < 1)
            return usage(2);
        if (strcmp(argv[next], "--rounds") == 0)
            bench.rounds = value < SAMPLES_MAX ? value : SAMPLES_MAX;
        else if (strcmp(argv[next], "--uncapped") == 0)
            bench.uncapped_files = (size_t)value;
        else
            return usage(2);
    }
    if (next < argc)
        return run_on(&bench, argv + next, (size_t)(argc - next));
    glob_t found;
    if (!find_files(&found))
        return fail("files", "none are named and none are found");
    int error = run_on(&bench, found.gl_pathv, found.gl_pathc);
    globfree(&found);
    return error;
}
