/* SPDX-License-Identifier: MIT
 *
 * lend-bench: measures lend beside what else could be used, in one run. */
#include "benches.h"
#include "progress.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} benches[] = {
    {"pools", bench_pools, "borrow and give back: uncontended, contended, while others work"},
    {"executor", bench_executor, "jobs: many at once, one there and back"},
    {"waiters", bench_waiters, "one of many who wait; what others notice of them"},
    {"memory", bench_memory, "bytes for a slot, a queued job, a waiting request"},
#if BENCH_HAS_OCR
    {"ocr", bench_ocr, "pages per second: models, engine threads, the tesseract command"},
#endif
};

static void print_usage(FILE *stream) {
    fprintf(stream, "usage: lend-bench NAME [--help]\n\n");
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
        fprintf(stream, "  %-10s %s\n", benches[i].name, benches[i].what);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return 0;
    }
    interruption_catch();
    for (size_t i = 0; argc >= 2 && i < sizeof benches / sizeof *benches; i++)
        if (strcmp(argv[1], benches[i].name) == 0)
            return benches[i].run(argc - 1, argv + 1);
    print_usage(stderr);
    return 2;
}
