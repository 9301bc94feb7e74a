/* SPDX-License-Identifier: MIT */
#include "beats.h"

#include <time.h>

#define NS_PER_MS INT64_C(1000000)

int64_t beats_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

void beats_begin(struct beats *beats) {
    *beats = (struct beats){.last_ns = beats_now_ns()};
}

/* In a gap of 30 ms beats were due after 5, 10, 15, 20, 25 and 30, and are late by as many ms as
 * are left of it: three of them by more than 10. */
void beats_note(struct beats *beats) {
    int64_t now_ns = beats_now_ns();
    int64_t gap_ms = (now_ns - beats->last_ns) / NS_PER_MS;
    int64_t late_ns = now_ns - beats->last_ns - BEAT_MS * NS_PER_MS;
    beats->count += gap_ms < BEAT_MS ? 1 : (uint64_t)(gap_ms / BEAT_MS);
    if (gap_ms > BEAT_MS + LATE_MS)
        beats->late += (uint64_t)((gap_ms - LATE_MS - 1) / BEAT_MS);
    if (late_ns > beats->worst_ns)
        beats->worst_ns = late_ns;
    beats->last_ns = now_ns;
}
