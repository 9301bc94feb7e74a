/* SPDX-License-Identifier: MIT
 *
 * The atomic word: all that is shared between threads without a lock goes through this type, with
 * the ordering in the name of the operation. There are no fences (ThreadSanitizer does not model
 * them). A word that several threads may change is changed by read-modify-write, so that release
 * sequences hold (C11 5.1.2.4p10); a thread that alone may change it at the time may publish. */
#ifndef LEND_SRC_SYNC_WORD_H
#define LEND_SRC_SYNC_WORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct word {
    _Atomic(uint64_t) value;
};

static inline void word_init(struct word *word, uint64_t value) {
    atomic_init(&word->value, value);
}

/* Ordered by something else: a lock, or another word. */
static inline uint64_t word_peek(const struct word *word) {
    return atomic_load_explicit(&word->value, memory_order_relaxed);
}

static inline void word_poke(struct word *word, uint64_t value) {
    atomic_store_explicit(&word->value, value, memory_order_relaxed);
}

/* See all that the thread did that published this value. */
static inline uint64_t word_read(const struct word *word) {
    return atomic_load_explicit(&word->value, memory_order_acquire);
}

/* Let whoever reads this value see all that was done before. */
static inline void word_publish(struct word *word, uint64_t value) {
    atomic_store_explicit(&word->value, value, memory_order_release);
}

/* Swap if it still is *expected; if not, *expected is what it is now. May fail for no reason. */
static inline bool word_swap(struct word *word, uint64_t *expected, uint64_t desired) {
    return atomic_compare_exchange_weak_explicit(&word->value, expected, desired,
                                                 memory_order_acq_rel, memory_order_acquire);
}

/* Set these bits, whatever the others are by then; ordered as a swap is. */
static inline void word_set(struct word *word, uint64_t bits) {
    atomic_fetch_or_explicit(&word->value, bits, memory_order_acq_rel);
}

/* The next number of a counter, from 1. */
static inline uint64_t word_next(struct word *word) {
    return atomic_fetch_add_explicit(&word->value, 1, memory_order_relaxed) + 1;
}

/* Add to a number, or take away from it, whoever else does. */
static inline void word_add(struct word *word, int64_t amount) {
    atomic_fetch_add_explicit(&word->value, (uint64_t)amount, memory_order_relaxed);
}

/* Add one to a counter that only this thread writes at the moment. */
static inline void word_count(struct word *word) {
    word_poke(word, word_peek(word) + 1);
}

#endif
