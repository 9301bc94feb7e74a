/* SPDX-License-Identifier: MIT
 *
 * The tick: a pool that is lent millions of times a second has its keeper read the clock for it.
 *
 * A lease says since when it is lent, to within the coarse clock's tick. Reading that clock is the
 * dearest part of an uncontended pair, so at such rates it pays to read it on one thread, 250 times
 * a second as the usual kernel does, for all. At a hundredth of that rate it does not: then the
 * borrowers read it, and the keeper sleeps. The rate is looked at when the keeper is up anyway. */
#include "base/clock.h"
#include "pool/state.h"

#define TICK_NS (4 * NS_PER_MS)
#define WINDOW_NS (500 * NS_PER_MS)

/* Twice what the ticks cost, at some 5 us for each time the keeper gets up and 5 ns for each read
 * that is saved. */
#define LEASES_PER_MS 500

static uint64_t count_leases(const lend_pool *pool) {
    uint64_t leases = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        leases += life_generation(word_peek(&pool->slots[i].life));
    return leases;
}

lend_deadline lend__tick_look(lend_pool *pool) {
    struct tick *tick = &pool->tick;
    int64_t now_ns = lend__clock_coarse_ns();
    int64_t window_ns = elapsed_ns(tick->window_ns, now_ns);
    bool ticks = word_peek(&pool->tick_ns) != 0;
    if (window_ns >= WINDOW_NS) {
        uint64_t leases = count_leases(pool);
        ticks = (leases - tick->leases) / (uint64_t)(window_ns / NS_PER_MS) >= LEASES_PER_MS;
        *tick = (struct tick){.window_ns = now_ns, .leases = leases};
    }
    word_poke(&pool->tick_ns, ticks ? (uint64_t)now_ns : 0);
    return ticks ? (lend_deadline){lend__clock_now_ns() + TICK_NS} : LEND_FOREVER;
}
