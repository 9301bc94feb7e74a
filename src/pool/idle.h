/* SPDX-License-Identifier: MIT
 *
 * The idle stack and its gate, in one word: the fast path of the pool.
 *
 *     tag : 47 | shut : 1 | top : 16
 *
 * `top` is the index of the topmost idle slot, whose `next` is the one below it. `shut` is the
 * gate: while it is open, anyone may take the top or put a slot on it with one compare-and-swap;
 * while it is shut, only the holder of pool->lock changes the word. So "does anyone wait" and "put
 * it back" are one atomic step, and a model cannot be put back past a waiter who has just arrived.
 * `tag` changes with every change, so that a top that went and came back is not mistaken for one
 * that stayed (ABA); it would take 2^47 changes during one stalled swap to be fooled. */
#ifndef LEND_SRC_POOL_IDLE_H
#define LEND_SRC_POOL_IDLE_H

#include "pool/slot.h"

#define IDLE_NONE UINT32_C(0xffff)
#define IDLE_SHUT (UINT64_C(1) << 16)
#define IDLE_TAG_SHIFT 17

/* Whether the caller heeds the gate, or holds pool->lock and need not. */
enum idle_pass { IDLE_AS_ANYONE, IDLE_UNDER_LOCK };

static inline uint32_t idle_top(uint64_t idle) {
    return (uint32_t)(idle & 0xffff);
}

static inline uint64_t idle_change(uint64_t idle, uint64_t shut, uint32_t top) {
    return ((idle >> IDLE_TAG_SHIFT) + 1) << IDLE_TAG_SHIFT | shut | top;
}

static inline bool idle_bars(uint64_t idle, enum idle_pass pass) {
    return pass == IDLE_AS_ANYONE && (idle & IDLE_SHUT) != 0;
}

/* The index of a slot that is the caller's now, or IDLE_NONE if there is none or the gate bars. */
static inline uint32_t idle_take(struct word *idle, const struct slot *slots, enum idle_pass pass) {
    uint64_t seen = word_read(idle);
    for (;;) {
        uint32_t top = idle_top(seen);
        if (top == IDLE_NONE || idle_bars(seen, pass))
            return IDLE_NONE;
        uint32_t below = (uint32_t)word_peek(&slots[top].next);
        if (word_swap(idle, &seen, idle_change(seen, seen & IDLE_SHUT, below)))
            return top;
    }
}

/* Put a slot back: not the caller's any more. False, and nothing done, if the gate bars. */
static inline bool idle_put(struct word *idle, struct slot *slots, uint32_t index,
                            enum idle_pass pass) {
    uint64_t seen = word_peek(idle);
    do {
        if (idle_bars(seen, pass))
            return false;
        word_poke(&slots[index].next, idle_top(seen));
    } while (!word_swap(idle, &seen, idle_change(seen, seen & IDLE_SHUT, index)));
    return true;
}

/* Under pool->lock. */
static inline void idle_set_gate(struct word *idle, bool shut) {
    uint64_t gate = shut ? IDLE_SHUT : 0;
    uint64_t seen = word_peek(idle);
    while ((seen & IDLE_SHUT) != gate &&
           !word_swap(idle, &seen, idle_change(seen, gate, idle_top(seen))))
        ;
}

/* Take this slot from wherever in the stack it is: under pool->lock with the gate shut. Whoever saw
 * the stack before the gate was shut finds its tag changed. */
static inline void idle_remove(struct word *idle, struct slot *slots, uint32_t index) {
    uint32_t above = idle_top(word_read(idle));
    if (above == index) {
        idle_take(idle, slots, IDLE_UNDER_LOCK);
        return;
    }
    while (word_peek(&slots[above].next) != index)
        above = (uint32_t)word_peek(&slots[above].next);
    word_poke(&slots[above].next, word_peek(&slots[index].next));
}

/* The first slot on the stack for which `suits` holds, or IDLE_NONE: likewise. */
static inline uint32_t idle_find(const struct word *idle, const struct slot *slots,
                                 bool (*suits)(const struct slot *, const void *),
                                 const void *argument) {
    uint32_t index = idle_top(word_read(idle));
    while (index != IDLE_NONE && !suits(&slots[index], argument))
        index = (uint32_t)word_peek(&slots[index].next);
    return index;
}

/* How many are on the stack: under pool->lock with the gate shut, when it holds still. */
static inline uint32_t idle_count(const struct word *idle, const struct slot *slots) {
    uint32_t count = 0;
    for (uint32_t i = idle_top(word_read(idle)); i != IDLE_NONE;
         i = (uint32_t)word_peek(&slots[i].next))
        count++;
    return count;
}

#endif
