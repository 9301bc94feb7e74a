/* SPDX-License-Identifier: MIT
 *
 * lend-bench pools: what it costs to borrow and give back, when nobody waits and when everybody
 * does.
 *
 * A turn: one contender opens a pool, its threads borrow until the time is up, and it is closed.
 * The turns of a case come one after another, A B C, and every case comes once per round. */
#include "pools.h"

#include "benches.h"
#include "machine.h"
#include "progress.h"
#include "result.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 8
#define CELLS_MAX 96

/* Where nothing is done with a model, turns are so short that most of them are not interrupted, and
 * there are so many of them in a round. */
#define IDLE_TURNS 7
#define IDLE_TURN_S 0.009

/* One contender in one case. */
struct cell {
    const struct pool_contender *contender;
    const char *label; /* in the tables */
    unsigned threads, models;
    double hold_s, turn_s; /* work with each model; how long they go on borrowing */
    struct result_case *costs;
    struct result_case *waits; /* NULL if nobody waits there */
};

static const char eight[] = "eight threads, four models, so much work with each",
                  four[] = "four threads, one model, so much work with it";

static const struct {
    unsigned threads, models;
    double hold_s, turn_s;
    double wanted; /* of lend against the limit; 0: to be seen, and not wanted of anybody */
    const char *cost_name, *wait_name, *what;
} holds[] = {
    {8, 4, 2e-6, 0.1, 1.6, "T8 S4, 2 us", "T8 S4, 2 us: wait", eight},
    {8, 4, 20e-6, 0.15, 1.2, "T8 S4, 20 us", "T8 S4, 20 us: wait", eight},
    {8, 4, 200e-6, 0.2, 1.05, "T8 S4, 200 us", "T8 S4, 200 us: wait", eight},
    {8, 4, 2e-3, 1.0, 1.03, "T8 S4, 2 ms", "T8 S4, 2 ms: wait", eight},
    {4, 1, 20e-6, 0.15, 0, "T4 S1, 20 us", "T4 S1, 20 us: wait", four},
    {4, 1, 2e-3, 0.5, 0, "T4 S1, 2 ms", "T4 S1, 2 ms: wait", four},
};
#define HOLDS (sizeof holds / sizeof *holds)

static const struct {
    unsigned models;
    const char *label;
} sizes[] = {{4, "lend, 4 models"}, {64, "lend, 64 models"}, {1024, "lend, 1024 models"}};
#define SIZES (sizeof sizes / sizeof *sizes)

/* Of lend against what has its order and nothing else; the bound is ours. */
#define IN_ORDER_WANTED 1.05

struct bench {
    struct settings settings;
    struct result *result;
    struct cell cells[CELLS_MAX];
    size_t cell_count;
    struct result_case *alone, *grown, *pair, *costs[HOLDS], *waits[HOLDS];
};

static const struct pool_contender *const peers[] = {
    &pool_mutex, &pool_semaphore, &pool_apr, &pool_glib, &pool_pipe,
};
#define PEERS (sizeof peers / sizeof *peers)

/* One turn. */

struct borrower {
    const struct cell *cell;
    unsigned index;
    pthread_barrier_t *start;
    struct turn turn;
    double began_s, ended_s, cpu_s;
    pthread_t thread;
};

static void *borrow(void *argument) {
    struct borrower *self = argument;
    const struct cell *cell = self->cell;
    if (cell->threads > 1 && cell->threads <= machine_usable_cores())
        machine_stay_on_core(self->index); /* else they may all be on one, and not meet */
    struct turn warm_up = {.pool = self->turn.pool, .until_s = now_s() + 1e-4};
    cell->contender->borrow(&warm_up);
    pthread_barrier_wait(self->start);
    self->cpu_s = -thread_cpu_s();
    self->began_s = now_s();
    self->turn.until_s = self->began_s + cell->turn_s;
    cell->contender->borrow(&self->turn);
    self->ended_s = now_s();
    self->cpu_s += thread_cpu_s();
    return NULL;
}

/* From the first that began to the last that ended. One alone never sleeps, so its processor time
 * says the same, and nothing of what else the machine does. */
static void add_up(const struct cell *cell, const struct borrower *borrowers) {
    double began_s = borrowers[0].began_s, ended_s = borrowers[0].ended_s, worst_s = 0;
    uint64_t pairs = 0;
    for (unsigned i = 0; i < cell->threads; i++) {
        const struct borrower *borrower = &borrowers[i];
        began_s = borrower->began_s < began_s ? borrower->began_s : began_s;
        ended_s = borrower->ended_s > ended_s ? borrower->ended_s : ended_s;
        worst_s = borrower->turn.worst_wait_s > worst_s ? borrower->turn.worst_wait_s : worst_s;
        pairs += borrower->turn.pairs;
    }
    double took_s = cell->threads == 1 ? borrowers[0].cpu_s : ended_s - began_s;
    double pair_s = took_s / (double)pairs;
    samples_add(&case_entry(cell->costs, cell->label)->samples,
                pair_s * (cell->hold_s == 0 ? 1e9 : 1e6));
    if (cell->waits != NULL && cell->contender != &pool_none)
        samples_add(&case_entry(cell->waits, cell->label)->samples, worst_s * 1e3);
}

static bool take_turn(const struct cell *cell) {
    struct borrower borrowers[THREADS_MAX] = {0};
    pthread_barrier_t start;
    void *pool = cell->contender->open(cell->models);
    if (pool == NULL) {
        fprintf(stderr, "lend-bench pools: %s cannot be opened\n", cell->contender->name);
        return false;
    }
    pthread_barrier_init(&start, NULL, cell->threads);
    for (unsigned i = 0; i < cell->threads; i++) {
        borrowers[i].cell = cell;
        borrowers[i].index = i;
        borrowers[i].start = &start;
        borrowers[i].turn.pool = pool;
        borrowers[i].turn.hold_steps = work_steps(cell->hold_s);
        if (pthread_create(&borrowers[i].thread, NULL, borrow, &borrowers[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < cell->threads; i++)
        pthread_join(borrowers[i].thread, NULL);
    pthread_barrier_destroy(&start);
    cell->contender->close(pool);
    add_up(cell, borrowers);
    return true;
}

/* The cases. */

static void add_cell(struct bench *bench, struct cell cell) {
    if (cell.contender->absent != NULL)
        return;
    if (cell.label == NULL)
        cell.label = cell.contender->name;
    if (bench->settings.quick)
        cell.turn_s /= 10;
    if (bench->cell_count == CELLS_MAX)
        abort();
    bench->cells[bench->cell_count++] = cell;
}

/* The limit, lend and everybody else in one case. Where there is no pool, no more threads work than
 * could have a model. */
static void add_cells(struct bench *bench, const struct pool_contender *limit, struct cell cell) {
    unsigned threads = cell.threads;
    const struct pool_contender *other = cell.hold_s == 0 ? &pool_lend_unaccounted : &pool_line;
    const struct pool_contender *const ours[] = {limit, &pool_lend, other};
    cell.costs->limit = limit->name;
    for (size_t i = 0; i < 3 + PEERS; i++) {
        cell.contender = i < 3 ? ours[i] : peers[i - 3];
        cell.threads =
            cell.contender == &pool_none && cell.models < threads ? cell.models : threads;
        add_cell(bench, cell);
    }
}

static void add_idle_cases(struct bench *bench) {
    const char *unit = "ns per pair";
    bench->alone = result_add_case(bench->result, "T1 S4",
                                   "one thread, four models, given back at once", unit);
    bench->grown = result_add_case(bench->result, "growth", "the same as the pool grows", unit);
    bench->pair = result_add_case(bench->result, "T2 S4",
                                  "two threads, four models, given back at once", unit);
    add_cells(
        bench, &pool_two_atomics,
        (struct cell){.threads = 1, .models = 4, .turn_s = IDLE_TURN_S, .costs = bench->alone});
    for (size_t i = 0; i < SIZES; i++)
        add_cell(bench, (struct cell){.contender = &pool_lend,
                                      .label = sizes[i].label,
                                      .threads = 1,
                                      .models = sizes[i].models,
                                      .turn_s = IDLE_TURN_S,
                                      .costs = bench->grown});
    add_cells(
        bench, &pool_two_atomics,
        (struct cell){.threads = 2, .models = 4, .turn_s = IDLE_TURN_S, .costs = bench->pair});
}

static void add_busy_cases(struct bench *bench) {
    for (size_t i = 0; i < HOLDS; i++) {
        bench->costs[i] =
            result_add_case(bench->result, holds[i].cost_name, holds[i].what, "us per pair");
        bench->waits[i] =
            result_add_case(bench->result, holds[i].wait_name, "the worst wait of each turn", "ms");
        add_cells(bench, &pool_none,
                  (struct cell){.threads = holds[i].threads,
                                .models = holds[i].models,
                                .hold_s = holds[i].hold_s,
                                .turn_s = holds[i].turn_s,
                                .costs = bench->costs[i],
                                .waits = bench->waits[i]});
    }
}

/* What is wanted. */

static const struct entry *lend_in(const struct result_case *in) {
    return case_find(in, pool_lend.name);
}

static const struct entry *mutex_in(const struct result_case *in) {
    return case_find(in, pool_mutex.name);
}

static const struct entry *best_peer_in(const struct result_case *in) {
    const char *names[PEERS];
    for (size_t i = 0; i < PEERS; i++)
        names[i] = peers[i]->name;
    return case_best(in, names, PEERS);
}

static void add_goals(struct bench *bench) {
    struct result_case *alone = bench->alone, *grown = bench->grown, *pair = bench->pair;
    case_want_ratio(alone, lend_in(alone), case_find(alone, pool_two_atomics.name), AT_MOST, 1.5);
    case_want_ratio(alone, lend_in(alone), mutex_in(alone), AT_MOST, 0.65);
    case_want_difference(alone, lend_in(alone), case_find(alone, pool_lend_unaccounted.name),
                         AT_MOST, 3);
    case_want_ratio(grown, case_find(grown, sizes[SIZES - 1].label),
                    case_find(grown, sizes[0].label), AT_MOST, 1.05);
    case_want_ratio(pair, lend_in(pair), best_peer_in(pair), AT_MOST, 1);
    for (size_t i = 0; i < HOLDS; i++) {
        struct result_case *costs = bench->costs[i], *waits = bench->waits[i];
        if (holds[i].wanted == 0)
            continue;
        case_want_ratio(costs, lend_in(costs), case_find(costs, pool_none.name), AT_MOST,
                        holds[i].wanted);
        case_want_ratio(costs, lend_in(costs), case_find(costs, pool_line.name), AT_MOST,
                        IN_ORDER_WANTED);
        if (holds[i].hold_s >= 20e-6)
            case_want_ratio(waits, lend_in(waits), mutex_in(waits), AT_MOST, 0.5);
    }
}

/* The run. */

/* One turn each, of those who do nothing with a model or of those who work. */
static bool take_turns_of(const struct bench *bench, int round, bool idle) {
    for (size_t i = 0; i < bench->cell_count && !interrupted(); i++) {
        const struct cell *cell = &bench->cells[i];
        if ((cell->hold_s == 0) != idle)
            continue;
        progress_say("round %d of %d: %s: %s", round + 1, bench->settings.rounds, cell->costs->name,
                     cell->label);
        if (!take_turn(cell))
            return false;
    }
    return true;
}

/* Rounds until all are done, or turns until Ctrl-C. False if a turn failed. */
static bool take_turns(const struct bench *bench) {
    for (int round = 0; round < bench->settings.rounds && !interrupted(); round++) {
        for (int i = 0; i < IDLE_TURNS; i++)
            if (!take_turns_of(bench, round, /* idle= */ true))
                return false;
        if (!take_turns_of(bench, round, /* idle= */ false))
            return false;
        bench->result->rounds += !interrupted();
    }
    progress_clear();
    return true;
}

static int run(struct bench *bench) {
    bench->result = result_new(&bench->settings);
    for (size_t i = 0; i < PEERS; i++)
        if (peers[i]->absent != NULL)
            result_add_absent(bench->result, peers[i]->absent);
    work_steps(1);
    add_idle_cases(bench);
    add_busy_cases(bench);
    bool done = take_turns(bench);
    if (done) {
        add_goals(bench);
        result_print(bench->result, bench->settings.format);
    }
    free(bench->result);
    return !done ? 1 : interrupted() ? 130 : 0;
}

int bench_pools(int argc, char **argv) {
    static struct bench bench;
    int next, status;
    bench.settings = (struct settings){
        .bench = "pools",
        .operands = "",
        .what = "What it costs to borrow a model and to give it back, beside what else lends.\n"
                "T8 S4 is eight threads on four models; a time is how much work each does\n"
                "with a model that it has. Takes about two minutes.",
        .rounds = 7,
    };
    return settings_read(&bench.settings, argc, argv, &next, &status) ? run(&bench) : status;
}
