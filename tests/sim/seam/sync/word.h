/* SPDX-License-Identifier: MIT
 *
 * The simulation's word, in the place of src/sync/word.h: before each operation that another thread
 * could notice, that thread may go on. Only one thread runs at a time, so orderings do not matter
 * here: a missing one is for the race detectors to find. */
#ifndef LEND_TESTS_SIM_SEAM_WORD_H
#define LEND_TESTS_SIM_SEAM_WORD_H

#include "history.h"

#include <stdbool.h>
#include <stdint.h>

struct word {
    uint64_t value;
    struct history history;
};

/* Around each operation: the point before it, what it saw, what it changed; and whether a weak swap
 * is to fail for no reason. */
void sim_word_reads(const struct word *word);
void sim_word_writes(struct word *word);
void sim_word_written(struct word *word);
bool sim_word_swap_fails(struct word *word);

/* Counters that outlive a run begin each of them at 0. */
void sim_word_counts(struct word *word);

static inline void word_init(struct word *word, uint64_t value) {
    *word = (struct word){.value = value};
}

static inline uint64_t word_peek(const struct word *word) {
    sim_word_reads(word);
    return word->value;
}

static inline void word_poke(struct word *word, uint64_t value) {
    sim_word_writes(word);
    word->value = value;
    sim_word_written(word);
}

static inline uint64_t word_read(const struct word *word) {
    return word_peek(word);
}

static inline void word_publish(struct word *word, uint64_t value) {
    word_poke(word, value);
}

static inline bool word_swap(struct word *word, uint64_t *expected, uint64_t desired) {
    sim_word_writes(word);
    if (word->value != *expected || sim_word_swap_fails(word)) {
        *expected = word->value;
        return false;
    }
    word->value = desired;
    sim_word_written(word);
    return true;
}

static inline void word_set(struct word *word, uint64_t bits) {
    sim_word_writes(word);
    word->value |= bits;
    sim_word_written(word);
}

static inline uint64_t word_next(struct word *word) {
    sim_word_counts(word);
    uint64_t value = ++word->value;
    sim_word_written(word);
    return value;
}

static inline void word_add(struct word *word, int64_t amount) {
    sim_word_counts(word);
    word->value += (uint64_t)amount;
    sim_word_written(word);
}

static inline void word_count(struct word *word) {
    word_poke(word, word_peek(word) + 1);
}

#endif
