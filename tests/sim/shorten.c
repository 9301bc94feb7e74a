/* SPDX-License-Identifier: MIT
 *
 * Shortening a failed run: its picks, one after another and in blocks, are made the straight way
 * instead, and stay so if it fails in the same way still (delta debugging: Zeller, Hildebrandt:
 * Simplifying and Isolating Failure-Inducing Input, TSE 2002, in its simplest form). */
#include "explore.h"

#include <string.h>

static uint8_t best[CHOICES_MAX], tried[CHOICES_MAX];
static uint32_t best_length;
static char invariant[16];

static void keep(void) {
    best_length = record->length;
    memcpy(best, record->pick, best_length);
    while (best_length > 0 && best[best_length - 1] == 0)
        best_length--;
}

static bool fails(const struct scenario *scenario, const uint8_t *picks, uint32_t length) {
    return !explore_plan(scenario, picks, length, /* traced= */ false) &&
           strcmp(record->invariant, invariant) == 0;
}

/* Make `size` picks straight that were not, from `from` on. False if there is none. */
static bool straighten(uint32_t from, uint32_t size, uint32_t *ret_end) {
    uint32_t changed = 0, i = from;
    memcpy(tried, best, best_length);
    for (; i < best_length && changed < size; i++) {
        changed += tried[i] != 0;
        tried[i] = 0;
    }
    *ret_end = i;
    return changed > 0;
}

static bool pass(const struct scenario *scenario, uint32_t size) {
    bool shorter = false;
    for (uint32_t from = 0, end; from < best_length; from = end) {
        if (!straighten(from, size, &end) || !fails(scenario, tried, best_length))
            continue;
        keep();
        shorter = true;
        end = from;
    }
    return shorter;
}

void shorten(const struct scenario *scenario) {
    memcpy(invariant, record->invariant, sizeof invariant);
    keep();
    if (!fails(scenario, best, best_length)) {
        memcpy(record->invariant, invariant, sizeof invariant);
        return;
    }
    keep();
    for (uint32_t size = 64; size > 0; size /= 4)
        while (pass(scenario, size))
            ;
    fails(scenario, best, best_length);
}
