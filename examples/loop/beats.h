/* SPDX-License-Identifier: MIT
 *
 * Beats: a loop's own pulse, by which it sees how late it is. */
#ifndef LEND_EXAMPLES_LOOP_BEATS_H
#define LEND_EXAMPLES_LOOP_BEATS_H

#include <stdint.h>

enum { BEAT_MS = 5, LATE_MS = 10 };

struct beats {
    int64_t last_ns;
    uint64_t count; /* that were due */
    uint64_t late;  /* by more than LATE_MS; of those that came together, each one that was */
    int64_t worst_ns;
};

/* CLOCK_MONOTONIC. */
int64_t beats_now_ns(void);

/* The first beat is due BEAT_MS from now; each has come when it is noted. */
void beats_begin(struct beats *beats);
void beats_note(struct beats *beats);

#endif
