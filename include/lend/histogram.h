/* SPDX-License-Identifier: MIT
 *
 * Histograms of durations, in buckets that double: bucket 0 counts what took less than 1 us,
 * bucket i what took from 2^(i-1) up to 2^i us, the last everything longer (from 1.2 hours on).
 * A quantile is therefore known to within a factor of two, which is enough to tell milliseconds
 * from seconds and costs one increment. Plain numbers: copy, add and compare them freely. */
#ifndef LEND_HISTOGRAM_H
#define LEND_HISTOGRAM_H

#include <lend/base.h>

LEND_BEGIN_DECLS

#define LEND_HISTOGRAM_BUCKETS 34

struct lend_histogram {
    uint64_t counts[LEND_HISTOGRAM_BUCKETS];
};

/* How many durations were counted. 0 for NULL. */
LEND_API uint64_t lend_histogram_count(const struct lend_histogram *histogram);

/* An upper bound in us of the duration that the share `quantile` (0 to 1) of all counted ones did
 * not exceed: the upper end of its bucket. 0 if nothing was counted, for NULL, and for a quantile
 * that is not a number. */
LEND_API uint64_t lend_histogram_quantile_us(const struct lend_histogram *histogram,
                                             double quantile);

LEND_END_DECLS

#endif
