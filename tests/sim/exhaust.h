/* SPDX-License-Identifier: MIT
 *
 * Bounded exhaustion: all runs that leave the straight way at most so many times, depth first. That
 * somebody is interrupted, that a deadline passes although somebody can go on, and that something
 * fails for no reason each leave it; who goes on when nobody runs, and what callbacks answer, do
 * not, and are tried out fully. */
#ifndef LEND_TESTS_SIM_EXHAUST_H
#define LEND_TESTS_SIM_EXHAUST_H

#include "choice.h"

struct exhaustion {
    uint32_t bound;
    uint32_t length;
    uint8_t picks[CHOICES_MAX]; /* of the next run */
};

void exhaustion_begin(struct exhaustion *exhaustion, uint32_t bound);

/* After a run: the next one. False if there is none. */
bool exhaustion_go_on(struct exhaustion *exhaustion, const struct record *last);

#endif
