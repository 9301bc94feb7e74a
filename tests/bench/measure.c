/* SPDX-License-Identifier: MIT
 *
 * Clock and medians. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void samples_add(struct samples *samples, double value) {
    if (samples->count < SAMPLES_MAX)
        samples->values[samples->count++] = value;
}

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/* The value at the share `rank` (0 to 1) of the sorted samples. */
static double ranked(const struct samples *samples, double rank) {
    double sorted[SAMPLES_MAX];
    if (samples->count == 0)
        return 0;
    memcpy(sorted, samples->values, samples->count * sizeof *sorted);
    qsort(sorted, samples->count, sizeof *sorted, ascending);
    return sorted[(size_t)(rank * (double)(samples->count - 1) + 0.5)];
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
