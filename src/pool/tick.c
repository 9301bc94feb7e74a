/* SPDX-License-Identifier: MIT
 *
 * The tick: a pool that is lent millions of times a second has its keeper read the clock for it.
 *
 * A lease says since when it is lent, to within the coarse clock's tick. Reading that clock is the
 * dearest part of an uncontended pair, so at such rates it pays to read it on one thread, 250 times
 * a second as the usual kernel does, for all. At a hundredth of that rate it does not: then the
 * borrowers read it, and the keeper sleeps. A borrower who sees his slot turn over fast asks for
 * it; the keeper ends it when there are fewer leases. */
#include "base/clock.h"
#include "pool/state.h"

#define TICK_NS (4 * NS_PER_MS)
#define WINDOW_NS (500 * NS_PER_MS)

/* Twice what the ticks cost, at some 5 us for each time the keeper gets up and 5 ns for each read
 * that is saved. */
#define LEASES_PER_MS 500

void lend__tick_note_turns(lend_pool *pool, struct slot *slot, int64_t now_ns) {
    bool fast = elapsed_ns(slot->turned_ns, now_ns) < SLOT_TURNS / LEASES_PER_MS * NS_PER_MS;
    slot->turned_ns = now_ns;
    if (!fast || word_peek(&pool->tick_ns) != 0)
        return;
    word_poke(&pool->tick_ns, (uint64_t)now_ns);
    lend__parker_wake(&pool->keeper_parker);
}

static uint64_t count_leases(const lend_pool *pool) {
    uint64_t leases = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++)
        leases += life_generation(word_peek(&pool->slots[i].life));
    return leases;
}

lend_deadline lend__tick_look(lend_pool *pool) {
    struct tick *tick = &pool->tick;
    if (word_peek(&pool->tick_ns) == 0)
        return LEND_FOREVER;
    int64_t now_ns = lend__clock_coarse_ns();
    int64_t window_ns = elapsed_ns(tick->window_ns, now_ns);
    bool goes_on = true;
    if (window_ns >= WINDOW_NS) {
        uint64_t leases = count_leases(pool);
        uint64_t wanted = (uint64_t)(window_ns / NS_PER_MS) * LEASES_PER_MS;
        goes_on = tick->window_ns == 0 || leases - tick->leases >= wanted;
        *tick = (struct tick){.window_ns = goes_on ? now_ns : 0, .leases = leases};
    }
    word_poke(&pool->tick_ns, goes_on ? (uint64_t)now_ns : 0);
    return goes_on ? (lend_deadline){lend__clock_now_ns() + TICK_NS} : LEND_FOREVER;
}
