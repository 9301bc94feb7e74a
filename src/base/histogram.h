/* SPDX-License-Identifier: MIT
 *
 * Which bucket of a histogram a duration falls into. */
#ifndef LEND_SRC_BASE_HISTOGRAM_H
#define LEND_SRC_BASE_HISTOGRAM_H

#include <lend/histogram.h>

static inline unsigned histogram_bucket(int64_t ns) {
    if (ns < 1000)
        return 0;
    unsigned bucket = 64 - (unsigned)__builtin_clzll((unsigned long long)ns / 1000);
    return bucket < LEND_HISTOGRAM_BUCKETS ? bucket : LEND_HISTOGRAM_BUCKETS - 1;
}

/* Under the lock of whoever has the histogram. */
static inline void histogram_count_for(struct lend_histogram *histogram, int64_t ns,
                                       uint64_t count) {
    histogram->counts[histogram_bucket(ns)] += count;
}

#endif
