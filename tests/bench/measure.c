/* SPDX-License-Identifier: MIT
 *
 * Clock, work and medians. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double read_clock_s(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double now_s(void) {
    return read_clock_s(CLOCK_MONOTONIC);
}

double thread_cpu_s(void) {
    return read_clock_s(CLOCK_THREAD_CPUTIME_ID);
}

double process_cpu_s(void) {
    return read_clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

void work(uint64_t steps) {
    uint64_t x = steps;
    for (uint64_t i = 0; i < steps; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        __asm__ volatile("" : "+r"(x)); /* each one is done */
    }
}

uint64_t work_steps(double seconds) {
    enum { STEPS = 1000000, TRIES = 20 };
    static double fastest_s;
    for (int i = 0, known = fastest_s != 0; !known && i < TRIES; i++) {
        double began_s = now_s();
        work(STEPS);
        double took_s = now_s() - began_s;
        if (fastest_s == 0 || took_s < fastest_s)
            fastest_s = took_s;
    }
    return (uint64_t)(seconds / fastest_s * STEPS);
}

void samples_add(struct samples *samples, double value) {
    if (samples->count < SAMPLES_MAX)
        samples->values[samples->count++] = value;
}

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

double rank_of(double *values, size_t count, double rank) {
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, ascending);
    return values[(size_t)(rank * (double)(count - 1) + 0.5)];
}

static double ranked(const struct samples *samples, double rank) {
    double values[SAMPLES_MAX];
    memcpy(values, samples->values, samples->count * sizeof *values);
    return rank_of(values, samples->count, rank);
}

double samples_median(const struct samples *samples) {
    return ranked(samples, 0.5);
}

double samples_least(const struct samples *samples) {
    return ranked(samples, 0);
}

double samples_most(const struct samples *samples) {
    return ranked(samples, 1);
}

struct samples samples_ratio(const struct samples *one, const struct samples *other) {
    struct samples ratios = {0};
    for (size_t i = 0; i < one->count && i < other->count; i++)
        samples_add(&ratios, one->values[i] / other->values[i]);
    return ratios;
}

struct samples samples_difference(const struct samples *one, const struct samples *other) {
    struct samples differences = {0};
    for (size_t i = 0; i < one->count && i < other->count; i++)
        samples_add(&differences, one->values[i] - other->values[i]);
    return differences;
}
