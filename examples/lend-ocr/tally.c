/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <time.h>

int64_t tally_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct tally tally_begin(void) {
    return (struct tally){.began_ms = tally_now_ms()};
}

double tally_seconds(const struct tally *tally) {
    return (double)(tally_now_ms() - tally->began_ms) / 1000;
}

double tally_pages_per_second(const struct tally *tally) {
    double seconds = tally_seconds(tally);
    return seconds > 0 ? (double)tally->pages / seconds : 0;
}
