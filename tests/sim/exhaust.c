/* SPDX-License-Identifier: MIT
 *
 * Depth first without a tree: the next run follows the last one up to its last choice that has an
 * option left, and takes that. */
#include "exhaust.h"

#include <string.h>

void exhaustion_begin(struct exhaustion *exhaustion, uint32_t bound) {
    exhaustion->bound = bound;
    exhaustion->length = 0;
}

static uint32_t cost(const struct record *run, uint32_t at, unsigned pick) {
    if (pick == 0)
        return 0;
    return pick + 1u == run->count[at] ? run->last_deviates[at] : run->deviations[at];
}

bool exhaustion_go_on(struct exhaustion *exhaustion, const struct record *last) {
    uint32_t spent = 0;
    for (uint32_t i = 0; i < last->length; i++)
        spent += cost(last, i, last->pick[i]);
    for (uint32_t i = last->length; i-- > 0;) {
        spent -= cost(last, i, last->pick[i]);
        for (unsigned pick = last->pick[i] + 1u; pick < last->count[i]; pick++) {
            if (spent + cost(last, i, pick) > exhaustion->bound)
                continue;
            memcpy(exhaustion->picks, last->pick, i);
            exhaustion->picks[i] = (uint8_t)pick;
            exhaustion->length = i + 1;
            return true;
        }
    }
    return false;
}
