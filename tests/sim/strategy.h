/* SPDX-License-Identifier: MIT
 *
 * Strategies: how picks are made where there is no plan. Side by side, since each is blind to
 * something that another one sees (Thomson, Donaldson, Betts: Concurrency Testing Using Controlled
 * Schedulers, TOPC 2016). */
#ifndef LEND_TESTS_SIM_STRATEGY_H
#define LEND_TESTS_SIM_STRATEGY_H

#include "choice.h"

/* Those of the seeds: seed n belongs to strategy n % STRATEGIES.
 *
 *   pct-2, 3, 4  a random priority for each thread, the highest goes on, and at 1, 2, 3 random
 *                choices the one that runs falls behind all others, or the next deadline passes: a
 *                bug that takes so many orderings is met in each run with probability 1/(n k^(d-1))
 *                (Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with
 *                Probabilistic Guarantees of Finding Bugs, ASPLOS 2010)
 *   uniform      whoever can go on, all alike
 *   starve       one thread goes on only if no other one can
 *   early        deadlines pass early, often, and whoever runs mostly goes on */
enum { STRATEGIES = 6 };
extern const struct strategy strategies[STRATEGIES];

/* Always the straight way: for what has a plan, and where the plan ends. */
extern const struct strategy straight;

/* How many choices about threads a run has, for the strategies that spread something over them. */
void strategy_expect(uint32_t choices);

#endif
