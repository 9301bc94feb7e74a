/* SPDX-License-Identifier: MIT
 *
 * The gate: how slots are taken and put back without a lock while nobody waits.
 *
 * Each slot has its own, the `shut` bit of its life. While it is open, anybody may take the slot
 * (FREE to LENT) and its owner may put it back (LENT to FREE), each with one compare-and-swap on
 * that word and nothing else; while it is shut, only the holder of pool->lock changes the word. So
 * "does anyone wait" and "put it back" are one atomic step, and a model cannot be put back past a
 * waiter: he has shut every gate before he looks for free slots, and who comes later finds it shut.
 * The swap is also the owner's last touch of the pool, which may be closed and freed after it.
 *
 * Threads that keep to slots of their own share no cache line. What they pay for that is the walk
 * of the first one who finds nothing; from then on the pool's gate advises all others to queue.
 *
 * A generation, taken at each lease, makes the word never the same twice, so that a slot which went
 * and came back is not mistaken for one that stayed (ABA); it would take 2^60 leases. */
#ifndef LEND_SRC_POOL_GATE_H
#define LEND_SRC_POOL_GATE_H

#include "pool/slot.h"

/* What lending adds to the life of a free slot: a generation, and the other state. */
#define LIFE_LEND ((UINT64_C(1) << LIFE_GENERATION_SHIFT) + SLOT_LENT - SLOT_FREE)

/* Take the slot if it is free and open: its generation then, from 1, and it is the caller's;
 * else 0. */
static inline uint64_t gate_take(struct slot *slot) {
    uint64_t life = word_read(&slot->life);
    while ((life & (LIFE_SHUT | (LIFE_SHUT - 1))) == SLOT_FREE)
        if (word_swap(&slot->life, &life, life + LIFE_LEND))
            return life_generation(life + LIFE_LEND);
    return 0;
}

/* Put a slot back: not the caller's any more. False, and nothing done, if it is shut, or not LENT
 * in this generation. */
static inline bool gate_put(struct slot *slot, uint64_t generation) {
    uint64_t lent = life_make(generation, SLOT_LENT), life = lent;
    while (!word_swap(&slot->life, &life, life_make(generation, SLOT_FREE)))
        if (life != lent)
            return false;
    return true;
}

/* The same, and take it again at once, as the next generation. */
static inline bool gate_renew(struct slot *slot, uint64_t generation) {
    uint64_t lent = life_make(generation, SLOT_LENT), life = lent;
    while (!word_swap(&slot->life, &life, life_make(generation + 1, SLOT_LENT)))
        if (life != lent)
            return false;
    return true;
}

/* Under pool->lock: from here on the word is the lock holder's. Returns the state it is in. */
static inline enum slot_state gate_shut(struct slot *slot) {
    word_set(&slot->life, LIFE_SHUT);
    return life_state(word_peek(&slot->life));
}

/* Under pool->lock: a free slot is anybody's from here on. */
static inline void gate_open(struct slot *slot) {
    word_publish(&slot->life, word_peek(&slot->life) & ~LIFE_SHUT);
}

/* Under pool->lock, of a slot that is shut, or LENT and the caller's: to another state, and shut.
 */
static inline void gate_become(struct slot *slot, enum slot_state state) {
    word_publish(&slot->life,
                 life_make(life_generation(word_peek(&slot->life)), state) | LIFE_SHUT);
}

/* The same for a free one: lent. Returns the generation. */
static inline uint64_t gate_lend(struct slot *slot) {
    uint64_t generation = life_generation(word_peek(&slot->life)) + 1;
    word_publish(&slot->life, life_make(generation, SLOT_LENT) | LIFE_SHUT);
    return generation;
}

#endif
