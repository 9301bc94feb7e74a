/* SPDX-License-Identifier: MIT
 *
 * Exploring a scenario: run after run, in a process of its own, which ends with the first run that
 * fails. What it found lies in memory shared with its parent. */
#ifndef LEND_TESTS_SIM_EXPLORE_H
#define LEND_TESTS_SIM_EXPLORE_H

#include "choice.h"
#include "scenario.h"
#include "strategy.h"

enum { BOUND_MAX = 3 };

/* How much of it. */
struct effort {
    uint64_t schedules; /* in all */
    uint64_t seed;      /* the first one */
    uint32_t bound;     /* of the exhaustion, at most */
    int strategy;       /* only this one; STRATEGIES: only the exhaustion; -1: all */
    double seconds;     /* 0: no limit */
};

struct findings {
    uint64_t schedules, histories;
    uint64_t by_strategy[STRATEGIES + 1]; /* the last: of the exhaustion */
    uint64_t exhausted[BOUND_MAX + 1];    /* schedules at each bound that was exhausted, else 0 */
    uint64_t oracle_asked, oracle_refused, oracle_unsure;
    uint32_t steps_max;
    /* of the run that is under way */
    const char *strategy;
    uint64_t seed;
    struct record record;
};

/* Shared with the children. */
extern struct findings *findings;
void findings_make(void);

/* True if nothing failed; else the run is in findings->record. */
bool explore(const struct scenario *scenario, const struct effort *effort);

/* One run, by plan or by seed. True if it did not fail. */
bool explore_plan(const struct scenario *scenario, const uint8_t *picks, uint32_t length,
                  bool traced);
bool explore_seed(const struct scenario *scenario, uint64_t seed, bool traced);

/* Take from the failed run in findings->record whatever it fails without: what is left is in
 * findings->record. */
void shorten(const struct scenario *scenario);

#endif
