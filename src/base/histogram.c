/* SPDX-License-Identifier: MIT
 *
 * Reading histograms. */
#include "base/histogram.h"

uint64_t lend_histogram_count(const struct lend_histogram *histogram) {
    uint64_t count = 0;
    for (unsigned i = 0; histogram != NULL && i < LEND_HISTOGRAM_BUCKETS; i++)
        count += histogram->counts[i];
    return count;
}

uint64_t lend_histogram_quantile_us(const struct lend_histogram *histogram, double quantile) {
    uint64_t count = lend_histogram_count(histogram);
    if (count == 0 || quantile != quantile)
        return 0;
    double wanted = quantile <= 0 ? 1 : quantile >= 1 ? (double)count : quantile * (double)count;
    unsigned bucket = 0;
    uint64_t seen = histogram->counts[0];
    while (bucket < LEND_HISTOGRAM_BUCKETS - 1 && (seen == 0 || (double)seen < wanted))
        seen += histogram->counts[++bucket];
    return UINT64_C(1) << bucket;
}
