/* SPDX-License-Identifier: MIT
 *
 * The strategies. A run that goes on for very long is let go on fairly, before it is judged: any
 * other strategy can keep one thread from what all wait for. */
#include "strategy.h"

#include "random.h"

enum { DEPTH_MAX = 4, FAIR_FROM = 5000 };

static uint64_t random_state;
static uint32_t expected = 100;

static struct {
    uint32_t choices; /* about threads, so far in this run */
    uint32_t depth;
    uint32_t changes[DEPTH_MAX];
    uint64_t priority[THREADS_MAX]; /* the low ones are those of who fell behind */
    bool times;                     /* deadlines pass at changes, too */
    bool flukes;
    uint32_t victim;
} now;

void strategy_expect(uint32_t choices) {
    expected = choices > 0 ? choices : 1;
}

static void begin(uint64_t seed, uint32_t depth) {
    random_state = scrambled(seed + 1);
    now.choices = 0;
    now.depth = depth;
    now.times = random_one_in(&random_state, 2);
    now.flukes = random_one_in(&random_state, 2);
    now.victim = random_below(&random_state, 8);
    for (uint32_t i = 0; i + 1 < depth; i++)
        now.changes[i] = random_below(&random_state, expected);
    for (uint32_t i = 0; i < THREADS_MAX; i++)
        now.priority[i] = DEPTH_MAX + (random_next(&random_state) >> 8);
}

static void begin_pct_2(uint64_t seed) {
    begin(seed, 2);
}

static void begin_pct_3(uint64_t seed) {
    begin(seed, 3);
}

static void begin_pct_4(uint64_t seed) {
    begin(seed, 4);
}

static void begin_plain(uint64_t seed) {
    begin(seed, 0);
}

static uint32_t count_threads(const struct options *options) {
    return options->count - options->timer;
}

static unsigned any_thread(const struct options *options) {
    return random_below(&random_state, count_threads(options));
}

static bool is_long(void) {
    return now.choices > FAIR_FROM + 2 * expected;
}

/* What is not about threads. */
static unsigned pick_other(const struct options *options) {
    if (options->kind == CHOICE_DATA)
        return random_below(&random_state, options->count);
    return now.flukes && random_one_in(&random_state, 24);
}

static unsigned pick_pct(const struct options *options) {
    if (options->kind != CHOICE_THREAD)
        return pick_other(options);
    uint32_t at = now.choices++;
    if (is_long())
        return any_thread(options);
    for (uint32_t i = 0; i + 1 < now.depth; i++) {
        if (now.changes[i] != at)
            continue;
        if (options->timer && now.times && random_one_in(&random_state, 2))
            return options->count - 1u;
        now.priority[options->threads[0]] = i;
    }
    unsigned best = 0;
    for (unsigned i = 1; i < count_threads(options); i++)
        if (now.priority[options->threads[i]] > now.priority[options->threads[best]])
            best = i;
    return best;
}

static unsigned pick_uniform(const struct options *options) {
    if (options->kind != CHOICE_THREAD)
        return pick_other(options);
    now.choices++;
    if (options->timer && now.times && !is_long() && random_one_in(&random_state, 32))
        return options->count - 1u;
    return any_thread(options);
}

static unsigned pick_starve(const struct options *options) {
    unsigned pick = pick_uniform(options);
    if (options->kind != CHOICE_THREAD || is_long() || pick >= count_threads(options))
        return pick;
    if (options->threads[pick] == now.victim && count_threads(options) > 1)
        pick = (pick + 1) % count_threads(options);
    return pick;
}

static unsigned pick_early(const struct options *options) {
    if (options->kind != CHOICE_THREAD)
        return pick_other(options);
    now.choices++;
    if (options->timer && !is_long() && random_one_in(&random_state, 12))
        return options->count - 1u;
    if (options->runs && !random_one_in(&random_state, 4))
        return 0;
    return any_thread(options);
}

const struct strategy strategies[STRATEGIES] = {
    {"pct-2", begin_pct_2, pick_pct},     {"pct-3", begin_pct_3, pick_pct},
    {"pct-4", begin_pct_4, pick_pct},     {"uniform", begin_plain, pick_uniform},
    {"starve", begin_plain, pick_starve}, {"early", begin_plain, pick_early},
};

static void begin_straight(uint64_t seed) {
    (void)seed;
}

static unsigned pick_straight(const struct options *options) {
    (void)options;
    return 0;
}

const struct strategy straight = {"exhaustive", begin_straight, pick_straight};
