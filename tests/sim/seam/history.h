/* SPDX-License-Identifier: MIT
 *
 * What has become of a shared object in a run: a number that stands for all its changes, and by
 * whom, in order. */
#ifndef LEND_TESTS_SIM_SEAM_HISTORY_H
#define LEND_TESTS_SIM_SEAM_HISTORY_H

#include <stdint.h>

struct history {
    uint64_t value;
    uint64_t run; /* in which it was written: what outlives runs begins each of them anew */
};

/* The running thread has seen, or changed, the object. Two runs in which every thread sees the same
 * objects changed in the same order end with the same histories. */
void sim_saw(const struct history *history);
void sim_changed(struct history *history);

#endif
