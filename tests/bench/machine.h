/* SPDX-License-Identifier: MIT
 *
 * The machine that figures were taken on. */
#ifndef LEND_BENCH_MACHINE_H
#define LEND_BENCH_MACHINE_H

#include <stdbool.h>

struct machine {
    unsigned cores; /* that this process may use */
    char cpu[96];
    char architecture[65];
    bool is_virtual;
    char kernel[160]; /* name and release */
    char system[96];
    char day[16]; /* of the figures: 2026-01-31 */
};

/* What is not known is "?" (cores: 1). */
struct machine machine_here(void);

unsigned machine_usable_cores(void);

/* Have the calling thread run on the index-th usable core, counted from 0, and on no other. */
void machine_stay_on_core(unsigned index);

/* The calling thread on the first core that it may use, the others of the process on the rest of
 * those; from here to machine_join_threads, which lets all of them run on all again. With one core
 * nothing changes. */
void machine_part_threads(void);
void machine_join_threads(void);

#endif
