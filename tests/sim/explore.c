/* SPDX-License-Identifier: MIT
 *
 * The explorer. Children are forked from a process that has run nothing, so that each begins alike;
 * within a child, nothing of one run is left for the next but what the core keeps on purpose (its
 * counters of jobs and threads), and no choice depends on that. */
#define _GNU_SOURCE
#include "explore.h"

#include "exhaust.h"
#include "fail.h"
#include "histories.h"
#include "memory.h"
#include "random.h"
#include "threads.h"
#include "watcher.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct findings *findings;

/* A thread that runs for so long without a point never comes to one. */
enum { STUCK_S = 20, CALIBRATIONS = 12 };

static struct exhaustion exhaustion;
static uint64_t first_history;

void findings_make(void) {
    findings =
        mmap(NULL, sizeof *findings, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (findings == MAP_FAILED)
        abort();
    record = &findings->record;
}

_Noreturn void sim_fail(const char *invariant, const char *format, ...) {
    va_list list;
    va_start(list, format);
    snprintf(record->invariant, sizeof record->invariant, "%s", invariant);
    vsnprintf(record->words, sizeof record->words, format, list);
    va_end(list);
    fflush(stdout);
    _exit(1);
}

static void run_once(const struct scenario *scenario, const uint8_t *picks, uint32_t length,
                     const struct strategy *strategy, uint64_t seed) {
    findings->strategy = strategy->name;
    findings->seed = seed;
    memory_begin_run();
    watcher_begin_run();
    choice_begin(picks, length, strategy, seed);
    machine_run(scenario->main);
    memory_end_run();
}

static void count(int strategy) {
    findings->schedules++;
    findings->by_strategy[strategy]++;
    if (record->steps > findings->steps_max)
        findings->steps_max = record->steps;
    histories_add(record->history);
    findings->histories = histories_count();
    if (findings->schedules % 256 == 0)
        alarm(STUCK_S);
}

/* How long are its runs? The same for every exploration, so that a seed means the same run. */
static void calibrate(const struct scenario *scenario) {
    uint32_t longest = 0;
    strategy_expect(100);
    for (uint64_t i = 0; i < CALIBRATIONS; i++) {
        run_once(scenario, NULL, 0, &strategies[3], i);
        if (i == 0)
            first_history = record->history;
        longest = record->length > longest ? record->length : longest;
    }
    strategy_expect(longest);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_over(const struct effort *effort, uint64_t schedules, double until_s) {
    if (findings->schedules >= schedules)
        return true;
    return effort->seconds > 0 && findings->schedules % 64 == 0 && now_s() >= until_s;
}

static void exhaust(const struct scenario *scenario, const struct effort *effort,
                    uint64_t schedules, double until_s) {
    for (uint32_t bound = 0; bound <= effort->bound; bound++) {
        uint64_t before = findings->schedules;
        exhaustion_begin(&exhaustion, bound);
        do {
            if (is_over(effort, schedules, until_s))
                return;
            run_once(scenario, exhaustion.picks, exhaustion.length, &straight, 0);
            count(STRATEGIES);
        } while (exhaustion_go_on(&exhaustion, record));
        findings->exhausted[bound] = findings->schedules - before;
    }
}

static void explore_all(const struct scenario *scenario, const struct effort *effort) {
    double until_s = now_s() + effort->seconds;
    alarm(STUCK_S);
    calibrate(scenario);
    if (effort->strategy == STRATEGIES)
        exhaust(scenario, effort, effort->schedules, until_s);
    else if (effort->strategy < 0)
        exhaust(scenario, effort, effort->schedules / 2, until_s);
    for (uint64_t seed = effort->seed;
         effort->strategy < STRATEGIES && !is_over(effort, effort->schedules, until_s); seed++) {
        int strategy = (int)(seed % STRATEGIES);
        if (effort->strategy >= 0 && strategy != effort->strategy)
            continue;
        run_once(scenario, NULL, 0, &strategies[strategy], seed);
        count(strategy);
    }
    run_once(scenario, NULL, 0, &strategies[3], 0);
    SIM_CHECK("SEED", record->history == first_history, "a seed has meant two different runs");
    findings->oracle_asked = watcher.oracle_asked;
    findings->oracle_refused = watcher.oracle_refused;
    findings->oracle_unsure = watcher.oracle_unsure;
}

/* In the parent: what came of the child. */
static bool wait_for(pid_t child) {
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFSIGNALED(status)) {
        bool stuck = WTERMSIG(status) == SIGALRM;
        snprintf(record->invariant, sizeof record->invariant, stuck ? "STUCK" : "CRASH");
        snprintf(record->words, sizeof record->words,
                 stuck ? "a thread goes on and on without a point" : "signal %d", WTERMSIG(status));
    }
    return false;
}

bool explore(const struct scenario *scenario, const struct effort *effort) {
    memset(findings, 0, sizeof *findings);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        explore_all(scenario, effort);
        _exit(0);
    }
    return wait_for(child);
}

bool explore_plan(const struct scenario *scenario, const uint8_t *picks, uint32_t length,
                  bool traced) {
    record->invariant[0] = '\0';
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        machine.traced = traced;
        alarm(STUCK_S);
        run_once(scenario, picks, length, &straight, 0);
        fflush(stdout);
        _exit(0);
    }
    return wait_for(child);
}

bool explore_seed(const struct scenario *scenario, uint64_t seed, bool traced) {
    record->invariant[0] = '\0';
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(STUCK_S);
        calibrate(scenario);
        machine.traced = traced;
        run_once(scenario, NULL, 0, &strategies[seed % STRATEGIES], seed);
        fflush(stdout);
        _exit(0);
    }
    return wait_for(child);
}
