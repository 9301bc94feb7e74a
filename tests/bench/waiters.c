/* SPDX-License-Identifier: MIT
 *
 * lend-bench waiters: what one of many costs who wait, and whether a crowd whose time is over gets
 * in the way of others. Those who wait are requests (lend/request.h): a hundred thousand threads
 * are not to be had. */
#include "benches.h"
#include "empty_model.h"
#include "machine.h"
#include "progress.h"
#include "result.h"

#include <lend/lend.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define WAITERS_MAX 100000
#define STORM_MS 1            /* how long each waiter of the storm has */
#define STORMS 3              /* in a round */
#define WAITERS_A_TURN 100000 /* in so many batches as it takes */
#define TIMED_BATCHES 50      /* at most, since each takes as long as its deadline */

static const struct {
    unsigned waiters;
    const char *label;
} crowds[] = {{10, "10 waiters"}, {1000, "1000 waiters"}, {WAITERS_MAX, "100000 waiters"}};
#define CROWDS (sizeof crowds / sizeof *crowds)

struct bench {
    struct settings settings;
    struct result *result;
    struct result_case *queued, *granted, *cancelled, *expired, *next, *neighbour, *by_the_clock;
};

static const char beside_work[] = "beside arithmetic", beside_storm[] = "beside the storm",
                  next_waiter[] = "from the release to the lease";

/* A pool whose only model is lent, and those who wait for it. */
struct crowd {
    lend_pool *pool;
    lend_completions *queue;
    struct lend_lease lease;
    lend_request *requests[WAITERS_MAX];
    unsigned answered, with_a_model;
};

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "lend-bench waiters: %s\n", what);
    exit(1);
}

static struct crowd *crowd_open(void) {
    struct crowd *crowd = calloc(1, sizeof *crowd);
    if (crowd == NULL || lend_completions_open(&crowd->queue) != 0 ||
        lend_pool_open(&crowd->pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops, .models = 1,
                                                        .waiters_max = WAITERS_MAX)) != 0)
        give_up("a pool cannot be opened");
    crowd->lease = lend_acquire(crowd->pool, LEND_NOW);
    return crowd;
}

static void crowd_close(struct crowd *crowd) {
    lend_release(&crowd->lease);
    if (lend_pool_close(crowd->pool, LEND_FOREVER, NULL) != 0 ||
        lend_completions_close(crowd->queue) != 0)
        give_up("a pool does not close");
    free(crowd);
}

/* The model goes back when this returns, to the next. */
static void on_answer(struct lend_lease *lease, void *argument) {
    struct crowd *crowd = argument;
    crowd->answered++;
    crowd->with_a_model += lend_lease_ok(lease);
}

static void crowd_queue(struct crowd *crowd, unsigned waiters, int64_t ms) {
    crowd->answered = crowd->with_a_model = 0;
    for (unsigned i = 0; i < waiters; i++)
        if (lend_acquire_later(
                crowd->pool, ms != 0 ? lend_within_ms(ms) : LEND_FOREVER,
                &LEND_REQUEST(.queue = crowd->queue, .acquired = on_answer, .argument = crowd),
                &crowd->requests[i]) != 0)
            give_up("a request is not accepted");
}

/* Until all are answered, sleeping while there is no answer. */
static void crowd_run(struct crowd *crowd, unsigned waiters) {
    struct pollfd input = {.fd = lend_completions_descriptor(crowd->queue), .events = POLLIN};
    while (crowd->answered < waiters)
        if (lend_completions_run(crowd->queue, 256) == 0)
            poll(&input, 1, -1);
}

/* Every second one, then the others: neither the first in line nor the last. */
static void crowd_cancel(struct crowd *crowd, unsigned waiters) {
    for (unsigned odd = 2; odd-- > 0;)
        for (unsigned i = odd; i < waiters; i += 2)
            if (lend_request_cancel(crowd->requests[i]) != 0)
                give_up("a request cannot be cancelled");
}

/* What one of them costs. */

/* In processor time of all threads: the machine may have other things to do. To ask for that time
 * takes about as long as to queue a waiter, so what asking takes is taken off. */
static double asking_s(void) {
    static double least_s;
    for (int i = 0, known = least_s != 0; !known && i < 1000; i++) {
        double began_s = process_cpu_s(), took_s = process_cpu_s() - began_s;
        if (least_s == 0 || took_s < least_s)
            least_s = took_s;
    }
    return least_s;
}

static double took_since_s(double began_s) {
    return process_cpu_s() - began_s - asking_s();
}

static void note_ns(struct result_case *in, size_t size, double seconds, unsigned waiters) {
    samples_add(&case_entry(in, crowds[size].label)->samples, seconds * 1e9 / waiters);
}

static void measure_cancels(struct bench *bench, struct crowd *crowd, size_t size) {
    unsigned waiters = crowds[size].waiters, batches = WAITERS_A_TURN / waiters;
    double queued_s = 0, cancelled_s = 0;
    for (unsigned i = 0; i < batches; i++) {
        double began_s = process_cpu_s();
        crowd_queue(crowd, waiters, 0);
        queued_s += took_since_s(began_s);
        began_s = process_cpu_s();
        crowd_cancel(crowd, waiters);
        cancelled_s += took_since_s(began_s);
    }
    note_ns(bench->queued, size, queued_s, batches * waiters);
    note_ns(bench->cancelled, size, cancelled_s, batches * waiters);
}

static void measure_grants(struct bench *bench, struct crowd *crowd, size_t size) {
    unsigned waiters = crowds[size].waiters, batches = WAITERS_A_TURN / waiters;
    double granted_s = 0;
    for (unsigned i = 0; i < batches; i++) {
        crowd_queue(crowd, waiters, 0);
        double began_s = process_cpu_s();
        lend_release(&crowd->lease);
        crowd_run(crowd, waiters);
        granted_s += took_since_s(began_s);
        if (crowd->with_a_model != waiters)
            give_up("somebody got no model");
        crowd->lease = lend_acquire(crowd->pool, LEND_NOW);
    }
    note_ns(bench->granted, size, granted_s, batches * waiters);
}

/* From the last request on. */
static void measure_timeouts(struct bench *bench, struct crowd *crowd, size_t size) {
    unsigned waiters = crowds[size].waiters, batches = WAITERS_A_TURN / waiters;
    int64_t ms = 1 + waiters / 500; /* time enough to queue them all */
    double expired_s = 0;
    if (batches > TIMED_BATCHES)
        batches = TIMED_BATCHES;
    for (unsigned i = 0; i < batches; i++) {
        crowd_queue(crowd, waiters, ms);
        double began_s = process_cpu_s();
        crowd_run(crowd, waiters);
        expired_s += took_since_s(began_s);
    }
    note_ns(bench->expired, size, expired_s, batches * waiters);
}

/* The storm. */

struct neighbour {
    lend_pool *pool;
    _Alignas(64) atomic_bool leaves;
    _Alignas(64) _Atomic(uint64_t) pairs, cpu_ns; /* so far */
};

/* On a core of its own, with a pool of its own. It never sleeps, so on a quiet machine its pairs in
 * a time are those in its processor time; on a busy one only the latter say what the storm costs
 * it. */
static void *borrow(void *argument) {
    struct neighbour *self = argument;
    machine_stay_on_core(0);
    while (!atomic_load_explicit(&self->leaves, memory_order_relaxed)) {
        for (int i = 0; i < 2000; i++) {
            struct lend_lease lease = lend_acquire(self->pool, LEND_NOW);
            lend_release(&lease);
        }
        atomic_fetch_add(&self->pairs, 2000);
        atomic_store(&self->cpu_ns, (uint64_t)(thread_cpu_s() * 1e9));
    }
    return NULL;
}

/* What it got done since then. */
struct mark {
    uint64_t pairs, cpu_ns;
    double at_s;
};

static struct mark mark_now(struct neighbour *neighbour) {
    return (struct mark){atomic_load(&neighbour->pairs), atomic_load(&neighbour->cpu_ns), now_s()};
}

/* Long enough to say how much: others may have had its core. */
static bool has_worked(struct neighbour *neighbour, struct mark since) {
    return mark_now(neighbour).cpu_ns - since.cpu_ns >= 10000000;
}

static void note_pairs(struct bench *bench, const char *beside, struct neighbour *neighbour,
                       struct mark since) {
    struct mark now = mark_now(neighbour);
    double pairs = (double)(now.pairs - since.pairs);
    samples_add(&case_entry(bench->neighbour, beside)->samples,
                pairs / (double)(now.cpu_ns - since.cpu_ns) * 1e6);
    samples_add(&case_entry(bench->by_the_clock, beside)->samples,
                pairs / (now.at_s - since.at_s) / 1e3);
}

/* A hundred thousand whose time is over one after another while they still come. */
static double storm(struct bench *bench, struct crowd *crowd, struct neighbour *neighbour) {
    struct mark before = mark_now(neighbour);
    double began_s = now_s();
    do {
        crowd_queue(crowd, WAITERS_MAX, STORM_MS);
        crowd_run(crowd, WAITERS_MAX);
    } while (!has_worked(neighbour, before));
    double took_s = now_s() - began_s;
    note_pairs(bench, beside_storm, neighbour, before);
    if (crowd->with_a_model != 0)
        give_up("somebody got a model that is lent");
    return took_s;
}

static void measure_next(struct bench *bench, struct crowd *crowd) {
    crowd_queue(crowd, 1, 0);
    double began_s = now_s();
    lend_release(&crowd->lease);
    crowd_run(crowd, 1);
    samples_add(&case_entry(bench->next, next_waiter)->samples, (now_s() - began_s) * 1e6);
    if (crowd->with_a_model != 1)
        give_up("the next waiter got no model");
}

/* What the neighbour gets done beside a core that is as busy, and has nothing to do with lend. */
static void measure_beside_work(struct bench *bench, struct neighbour *neighbour, double seconds) {
    struct mark before = mark_now(neighbour);
    double began_s = now_s();
    while (now_s() - began_s < seconds || !has_worked(neighbour, before))
        work(10000);
    note_pairs(bench, beside_work, neighbour, before);
}

struct stormer {
    struct bench *bench;
    struct neighbour *neighbour;
};

/* On the other core, where the threads of the pool that it opens are too. */
static void *storm_and_work(void *argument) {
    struct stormer *self = argument;
    machine_stay_on_core(1);
    struct crowd *crowd = crowd_open();
    double took_s = storm(self->bench, crowd, self->neighbour);
    measure_next(self->bench, crowd);
    crowd_close(crowd);
    measure_beside_work(self->bench, self->neighbour, took_s);
    return NULL;
}

static void measure_storm(struct bench *bench) {
    struct neighbour neighbour = {0};
    struct stormer stormer = {bench, &neighbour};
    pthread_t borrower, other;
    if (lend_pool_open(&neighbour.pool, &LEND_POOL_OPTIONS(.ops = &empty_model_ops, .models = 4)) !=
            0 ||
        pthread_create(&borrower, NULL, borrow, &neighbour) != 0 ||
        pthread_create(&other, NULL, storm_and_work, &stormer) != 0)
        give_up("no pool or thread");
    pthread_join(other, NULL);
    atomic_store(&neighbour.leaves, true);
    pthread_join(borrower, NULL);
    if (lend_pool_close(neighbour.pool, LEND_FOREVER, NULL) != 0)
        give_up("a pool does not close");
}

/* The run. */

/* All on one core, as in the storm: whether the keeper shares the core of who runs the queue is for
 * the kernel to choose else, and makes more of a difference than how many wait. */
static void *measure_crowds(void *argument) {
    struct bench *bench = argument;
    machine_stay_on_core(1);
    struct crowd *crowd = crowd_open();
    for (size_t i = 0; i < CROWDS && !interrupted(); i++) {
        measure_cancels(bench, crowd, i);
        measure_grants(bench, crowd, i);
        measure_timeouts(bench, crowd, i);
    }
    crowd_close(crowd);
    return NULL;
}

static void take_turns(struct bench *bench) {
    for (int round = 0; round < bench->settings.rounds && !interrupted(); round++) {
        pthread_t measurer;
        progress_say("round %d of %d: crowds", round + 1, bench->settings.rounds);
        if (pthread_create(&measurer, NULL, measure_crowds, bench) != 0)
            give_up("no thread");
        pthread_join(measurer, NULL);
        progress_say("round %d of %d: storm", round + 1, bench->settings.rounds);
        for (int i = 0; i < STORMS && !interrupted(); i++)
            measure_storm(bench);
        bench->result->rounds += !interrupted();
    }
    progress_clear();
}

static void add_cases(struct bench *bench) {
    const char *unit = "ns per waiter";
    struct result *result = bench->result = result_new(&bench->settings);
    bench->queued = result_add_case(result, "queue", "to come and stand in line", unit);
    bench->granted = result_add_case(result, "grant", "to get the model and give it back", unit);
    bench->cancelled =
        result_add_case(result, "cancel", "to leave from the middle of the line", unit);
    bench->expired =
        result_add_case(result, "time out", "to be told, with a report; all threads", unit);
    bench->next = result_add_case(result, "next", "the first who comes after the storm", "us");
    bench->neighbour = result_add_case(
        result, "storm", "a neighbour's borrows while 100000 waiters expire after 1 ms each",
        "pairs per ms");
    bench->by_the_clock =
        result_add_case(result, "storm, by the clock",
                        "the same: its core may go to others meanwhile", "pairs per ms");
}

static void add_goals(struct bench *bench) {
    struct result_case *const costs[] = {bench->queued, bench->granted, bench->cancelled,
                                         bench->expired};
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        /* Ten who are out of time cost what it costs to wake the keeper, and little else. */
        size_t few = costs[i] == bench->expired ? 1 : 0;
        case_want_ratio(costs[i], case_find(costs[i], crowds[CROWDS - 1].label),
                        case_find(costs[i], crowds[few].label), AT_MOST, 2);
    }
    struct result_case *const neighbours[] = {bench->neighbour, bench->by_the_clock};
    for (size_t i = 0; i < sizeof neighbours / sizeof *neighbours; i++)
        case_want_ratio(neighbours[i], case_find(neighbours[i], beside_storm),
                        case_find(neighbours[i], beside_work), AT_LEAST, 0.9);
}

int bench_waiters(int argc, char **argv) {
    struct bench bench = {.settings = {
                              .bench = "waiters",
                              .operands = "",
                              .what =
                                  "What one of many costs who wait for a model, and what others\n"
                                  "notice of them. Takes about twenty seconds.",
                              .rounds = 9,
                          }};
    int next, status = 0;
    if (!settings_read(&bench.settings, argc, argv, &next, &status))
        return status;
    mallopt(M_TRIM_THRESHOLD, 1 << 30); /* pages are had once: faults are not what is measured */
    mallopt(M_MMAP_MAX, 0);
    add_cases(&bench);
    asking_s();
    take_turns(&bench);
    add_goals(&bench);
    result_print(bench.result, bench.settings.format);
    free(bench.result);
    return interrupted() ? 130 : 0;
}
