/* SPDX-License-Identifier: MIT
 *
 * lend-bench executor: what a job costs that does nothing, many at once and one there and back.
 * One thread hands over, two work. */
#include "executors.h"

#include "benches.h"
#include "machine.h"
#include "progress.h"
#include "result.h"

#include <stdio.h>
#include <stdlib.h>

#define TURN_S 0.3      /* of bulk */
#define BULK_JOBS 20000 /* between two looks at the clock */
#define TRIPS 5000      /* there and back in a turn */

struct bench {
    struct settings settings;
    struct result *result;
    struct result_case *bulk, *half, *slowest, *anywhere;
};

static const struct executor_contender *const contenders[] = {
    &executor_ping_pong, &executor_lend, &executor_deque,
    &executor_glib,      &executor_apr,  &executor_uv,
};
#define CONTENDERS (sizeof contenders / sizeof *contenders)
#define FIRST_PEER 2

/* ns per job */
static double measure_bulk(const struct executor_contender *contender, void *executor,
                           double turn_s) {
    size_t jobs = 0;
    double began_s = now_s(), took_s;
    do {
        contender->bulk(executor, BULK_JOBS);
        jobs += BULK_JOBS;
        took_s = now_s() - began_s;
    } while (took_s < turn_s);
    return took_s * 1e9 / (double)jobs;
}

static void measure_trips(const struct executor_contender *contender, void *executor,
                          double *trips_us, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double began_s = now_s();
        contender->trip(executor);
        trips_us[i] = (now_s() - began_s) * 1e6;
    }
}

/* Wherever the kernel has put the threads, and then from core to core. */
static void add_trips(struct bench *bench, const struct executor_contender *contender,
                      void *executor, size_t count) {
    static double trips_us[TRIPS];
    measure_trips(contender, executor, trips_us, count / 10); /* to warm up */
    measure_trips(contender, executor, trips_us, count);
    samples_add(&case_entry(bench->anywhere, contender->name)->samples,
                rank_of(trips_us, count, 0.5));
    machine_part_threads();
    measure_trips(contender, executor, trips_us, count);
    machine_join_threads();
    samples_add(&case_entry(bench->half, contender->name)->samples, rank_of(trips_us, count, 0.5));
    samples_add(&case_entry(bench->slowest, contender->name)->samples,
                rank_of(trips_us, count, 0.99));
}

static bool take_turn(struct bench *bench, const struct executor_contender *contender) {
    size_t trips = bench->settings.quick ? TRIPS / 10 : TRIPS;
    double turn_s = bench->settings.quick ? TURN_S / 10 : TURN_S;
    void *executor = contender->open();
    if (executor == NULL) {
        fprintf(stderr, "lend-bench executor: %s cannot be opened\n", contender->name);
        return false;
    }
    add_trips(bench, contender, executor, trips);
    if (contender->bulk != NULL)
        samples_add(&case_entry(bench->bulk, contender->name)->samples,
                    measure_bulk(contender, executor, turn_s));
    contender->close(executor);
    return true;
}

static bool take_turns(struct bench *bench) {
    for (int round = 0; round < bench->settings.rounds && !interrupted(); round++) {
        for (size_t i = 0; i < CONTENDERS && !interrupted(); i++) {
            if (contenders[i]->absent != NULL)
                continue;
            progress_say("round %d of %d: %s", round + 1, bench->settings.rounds,
                         contenders[i]->name);
            if (!take_turn(bench, contenders[i]))
                return false;
        }
        bench->result->rounds += !interrupted();
    }
    progress_clear();
    return true;
}

static const struct entry *lend_in(const struct result_case *in) {
    return case_find(in, executor_lend.name);
}

/* Of the peers, or of the peers and the limit. */
static const struct entry *best_in(const struct result_case *in, bool or_limit) {
    const char *names[CONTENDERS];
    size_t count = 0;
    for (size_t i = FIRST_PEER; i < CONTENDERS; i++)
        names[count++] = contenders[i]->name;
    if (or_limit)
        names[count++] = executor_ping_pong.name;
    return case_best(in, names, count);
}

static void add_goals(struct bench *bench) {
    struct result_case *bulk = bench->bulk, *half = bench->half, *slowest = bench->slowest;
    case_want_ratio(bulk, lend_in(bulk), best_in(bulk, /* or_limit= */ false), AT_MOST, 0.9);
    const struct entry *best_peer = best_in(half, /* or_limit= */ false);
    const struct entry *best = best_in(half, /* or_limit= */ true);
    case_want_ratio(half, lend_in(half), best_peer, AT_MOST, 1.1);
    if (best != best_peer)
        case_want_ratio(half, lend_in(half), best, AT_MOST, 1.1);
    case_want_ratio(slowest, lend_in(slowest), best_in(slowest, /* or_limit= */ false), AT_MOST, 1);
}

static int run(struct bench *bench) {
    bench->result = result_new(&bench->settings);
    for (size_t i = 0; i < CONTENDERS; i++)
        if (contenders[i]->absent != NULL)
            result_add_absent(bench->result, contenders[i]->absent);
    bench->bulk = result_add_case(bench->result, "bulk", "empty jobs, one thread hands them over",
                                  "ns per job");
    bench->half = result_add_case(bench->result, "trip, p50",
                                  "one job there and back, from one core to another", "us");
    bench->slowest = result_add_case(bench->result, "trip, p99", "the slowest in a hundred", "us");
    bench->anywhere = result_add_case(bench->result, "trip anywhere, p50",
                                      "the same wherever the kernel has put the threads", "us");
    bench->half->limit = bench->slowest->limit = bench->anywhere->limit = executor_ping_pong.name;
    bool done = take_turns(bench);
    if (done) {
        add_goals(bench);
        result_print(bench->result, bench->settings.format);
    }
    free(bench->result);
    return !done ? 1 : interrupted() ? 130 : 0;
}

int bench_executor(int argc, char **argv) {
    static struct bench bench;
    int next, status;
    bench.settings = (struct settings){
        .bench = "executor",
        .operands = "",
        .what = "What a job costs that does nothing: many at once, and one there and back.\n"
                "One thread hands over, two work. Takes about half a minute.",
        .rounds = 11,
    };
    return settings_read(&bench.settings, argc, argv, &next, &status) ? run(&bench) : status;
}
