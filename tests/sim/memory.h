/* SPDX-License-Identifier: MIT
 *
 * The simulation's heap: memory is given out once in a run, in order, and what was freed is filled
 * with a pattern that has to be there still at the end. So a run finds the same addresses whenever
 * it is repeated, and who writes to what is gone is found out. */
#ifndef LEND_TESTS_SIM_MEMORY_H
#define LEND_TESTS_SIM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* What was made and not unmade. */
extern struct balance { int64_t blocks, locks, parkers, bells; } balance;

void memory_begin_run(void);

/* Everything is back, and nobody wrote to what was freed. */
void memory_end_run(void);

/* Is it in a block that is not freed? */
bool memory_is_live(const void *address);

#endif
