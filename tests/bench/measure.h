/* SPDX-License-Identifier: MIT
 *
 * What every benchmark here measures with: a clock, and samples whose median and spread are
 * printed. Absolute times drift on shared machines, so contenders are always run in turn, A B C A B
 * C, and ratios are taken within one round. */
#ifndef LEND_BENCH_MEASURE_H
#define LEND_BENCH_MEASURE_H

#include <stddef.h>

#define SAMPLES_MAX 101

struct samples {
    double values[SAMPLES_MAX];
    size_t count;
};

/* CLOCK_MONOTONIC in seconds. */
double now_s(void);

/* Beyond SAMPLES_MAX they are dropped. */
void samples_add(struct samples *samples, double value);

/* 0 of no samples. */
double samples_median(const struct samples *samples);
double samples_least(const struct samples *samples);
double samples_most(const struct samples *samples);

/* The benchmarks: each gets what follows its name on the command line and returns an exit status.
 */
int bench_ocr(int argc, char **argv);

#endif
