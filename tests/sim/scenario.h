/* SPDX-License-Identifier: MIT
 *
 * Scenarios: small programs on lend's public functions, each named after what it claims. A scenario
 * runs as thread 0; it opens what it needs, starts threads, joins them, and closes everything. */
#ifndef LEND_TESTS_SIM_SCENARIO_H
#define LEND_TESTS_SIM_SCENARIO_H

#include <stdint.h>

struct scenario {
    const char *name;
    void (*main)(void *);
    uint32_t weight; /* of the schedules, against the others; 0 is 1 */
};

struct scenario_group {
    const char *name;
    const struct scenario *scenarios; /* the last one is without a name */
};

/* Each ends with one without a name. */
extern const struct scenario waiting_scenarios[], closing_scenarios[], broken_scenarios[],
    operation_scenarios[], deadlock_scenarios[], leaving_scenarios[], job_scenarios[],
    future_scenarios[], several_scenarios[], executor_scenarios[], request_scenarios[];

#endif
