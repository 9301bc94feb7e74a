/* SPDX-License-Identifier: MIT
 *
 * Choices: everything that is left open in a run. Who goes on, whether time passes first, how a
 * callback turns out: each is a choice among some options, numbered from 0, and option 0 is the
 * straight way: the running thread goes on, nothing odd happens. A run is its list of picks.
 *
 * A pick comes from the plan for as long as there is one, then from the strategy. So the same
 * machinery explores, replays, and shortens what failed. */
#ifndef LEND_TESTS_SIM_CHOICE_H
#define LEND_TESTS_SIM_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

enum { CHOICES_MAX = 1 << 16, THREADS_MAX = 20 };

enum choice_kind {
    CHOICE_THREAD, /* who goes on */
    CHOICE_DATA,   /* what a scenario asked for: none is odder than another */
    CHOICE_FLUKE,  /* does what may happen, and hardly ever does, happen now? */
};

struct options {
    enum choice_kind kind;
    uint8_t count;
    /* of CHOICE_THREAD: */
    bool runs;  /* option 0 is the running thread, so that every other one interrupts it */
    bool timer; /* the last option is that the next deadline passes first */
    uint8_t threads[THREADS_MAX + 1];
};

/* Does this pick leave the straight way? Of those that had to be someone, none does. */
static inline bool choice_deviates(const struct options *options, unsigned pick) {
    if (options->kind == CHOICE_DATA || pick == 0)
        return false;
    return options->kind == CHOICE_FLUKE || options->runs ||
           (options->timer && pick == options->count - 1u);
}

/* One run as it was, in memory that outlives the process of the run. */
struct record {
    uint32_t length;
    uint8_t pick[CHOICES_MAX];
    uint8_t count[CHOICES_MAX];         /* of options */
    uint8_t deviations[CHOICES_MAX];    /* options 1 to count - 1: does each of them deviate? */
    uint8_t last_deviates[CHOICES_MAX]; /* and the last */
    uint32_t steps;
    uint64_t history;   /* the same for runs that differ in the order of independent steps only */
    char invariant[16]; /* that was broken; "" if none */
    char words[1000];
};

extern struct record *record;

struct strategy {
    const char *name;
    void (*begin)(uint64_t seed);
    unsigned (*pick)(const struct options *options);
};

/* The next run: picks[length], then those of the strategy. */
void choice_begin(const uint8_t *picks, uint32_t length, const struct strategy *strategy,
                  uint64_t seed);

unsigned choose(const struct options *options);

#endif
