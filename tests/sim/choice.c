/* SPDX-License-Identifier: MIT
 *
 * Making choices, and noting them down. */
#include "choice.h"

#include "fail.h"

struct record *record;

static struct {
    const uint8_t *picks;
    uint32_t length;
    const struct strategy *strategy;
} plan;

void choice_begin(const uint8_t *picks, uint32_t length, const struct strategy *strategy,
                  uint64_t seed) {
    plan.picks = picks;
    plan.length = length;
    plan.strategy = strategy;
    record->length = 0;
    record->steps = 0;
    strategy->begin(seed);
}

unsigned choose(const struct options *options) {
    uint32_t at = record->length;
    if (at == CHOICES_MAX)
        sim_fail("LIVE", "%u choices, and no end in sight", at);
    unsigned pick = plan.strategy->pick(options);
    if (at < plan.length)
        pick = plan.picks[at] < options->count ? plan.picks[at] : 0;
    record->pick[at] = (uint8_t)pick;
    record->count[at] = options->count;
    record->deviations[at] = choice_deviates(options, 1);
    record->last_deviates[at] = choice_deviates(options, options->count - 1u);
    record->length = at + 1;
    return pick;
}
