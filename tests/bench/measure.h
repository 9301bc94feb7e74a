/* SPDX-License-Identifier: MIT
 *
 * What every benchmark here measures with: a clock, work of a given length, and samples whose
 * median and spread are printed. Absolute times drift on shared machines, so contenders are always
 * run in turn, A B C A B C, and ratios are taken within one round. */
#ifndef LEND_BENCH_MEASURE_H
#define LEND_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in seconds. */
double now_s(void);

/* Processor time in seconds: of the calling thread, of all threads. */
double thread_cpu_s(void);
double process_cpu_s(void);

/* So many steps of arithmetic that depend on each other. */
void work(uint64_t steps);

/* How many of them take that long on a core of one's own. Measured at the first call, which should
 * come before there are other threads. */
uint64_t work_steps(double seconds);

#define SAMPLES_MAX 101

/* One value per round. */
struct samples {
    double values[SAMPLES_MAX];
    size_t count;
};

/* Beyond SAMPLES_MAX they are dropped. */
void samples_add(struct samples *samples, double value);

/* 0 of no samples. */
double samples_median(const struct samples *samples);
double samples_least(const struct samples *samples);
double samples_most(const struct samples *samples);

/* One against the other, round by round. */
struct samples samples_ratio(const struct samples *one, const struct samples *other);
struct samples samples_difference(const struct samples *one, const struct samples *other);

/* The value at the share `rank` (0 to 1) of `count` values, which it sorts. 0 of none. */
double rank_of(double *values, size_t count, double rank);

#endif
