/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <inttypes.h>
#include <stdio.h>

/* "850 us", "12.0 ms", "1.5 s": an upper bound, since histograms know no more. */
static void print_duration(uint64_t us) {
    if (us < 1000)
        fprintf(stderr, "%5" PRIu64 " us", us);
    else if (us < 1000 * 1000)
        fprintf(stderr, "%5.1f ms", (double)us / 1e3);
    else
        fprintf(stderr, "%5.1f s", (double)us / 1e6);
}

static void print_durations(const char *what, const struct lend_histogram *durations) {
    uint64_t count = lend_histogram_count(durations);
    fprintf(stderr, "  %-9s %9" PRIu64, what, count);
    if (count > 0) {
        static const struct {
            const char *name;
            double share;
        } quantiles[] = {{"half", 0.5}, {"90 %", 0.9}, {"all", 1}};
        for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
            fprintf(stderr, "%s %s within ", i > 0 ? "," : "  ", quantiles[i].name);
            print_duration(lend_histogram_quantile_us(durations, quantiles[i].share));
        }
    }
    fputc('\n', stderr);
}

static void print_tally(const struct tally *tally) {
    fprintf(stderr, "files\n");
    fprintf(stderr, "  %-9s %9zu  %zu pages in %.1f s, %.2f pages/s\n", "read", tally->read,
            tally->pages, tally_seconds(tally), tally_pages_per_second(tally));
    fprintf(stderr, "  %-9s %9zu\n", "failed", tally->failed);
}

static void print_pool(const struct lend_pool_stats *stats) {
    fprintf(stderr, "pool\n");
    fprintf(stderr, "  %-9s %9u  %u free, %u lent, %u loading, %u retiring, %u lost\n", "models",
            stats->models, stats->free, stats->lent, stats->loading, stats->retiring, stats->lost);
    fprintf(stderr,
            "  %-9s %9" PRIu64 "  %" PRIu64 " loads failed, %" PRIu64 " models found broken\n",
            "loads", stats->loads, stats->load_failures, stats->broken);
    fprintf(stderr,
            "  %-9s %9" PRIu64 "  %" PRIu64 " had to wait, %" PRIu64 " timed out, %" PRIu64
            " refused\n",
            "leases", stats->grants, stats->queued, stats->timeouts, stats->refusals);
    print_durations("waits", &stats->waits);
    print_durations("holds", &stats->holds);
}

static void print_executor(const struct lend_executor_stats *stats) {
    fprintf(stderr, "executor\n");
    fprintf(stderr, "  %-9s %9u  %u running, %u borrowing, %u queued\n", "workers", stats->workers,
            stats->running, stats->borrowing, stats->queued);
    fprintf(stderr,
            "  %-9s %9" PRIu64 "  %" PRIu64 " succeeded, %" PRIu64 " failed, %" PRIu64
            " without a model, %" PRIu64 " cancelled, %" PRIu64 " expired\n",
            "jobs", stats->accepted, stats->succeeded, stats->failed, stats->no_model,
            stats->cancelled, stats->expired);
    fprintf(stderr, "  %-9s %9" PRIu64 "  ended after their deadline had been answered\n",
            "overran", stats->overran);
    fprintf(stderr, "  %-9s %9" PRIu64 "  found the queue full and were tried again\n", "refused",
            stats->refused);
    print_durations("waits", &stats->waits);
    print_durations("runs", &stats->runs);
}

void stats_print(const struct tally *tally, lend_pool *pool, lend_executor *executor) {
    struct lend_pool_stats pool_stats;
    struct lend_executor_stats executor_stats;
    print_tally(tally);
    if (lend_pool_stats_get(pool, &pool_stats) == 0)
        print_pool(&pool_stats);
    if (lend_executor_stats_get(executor, &executor_stats) == 0)
        print_executor(&executor_stats);
}
