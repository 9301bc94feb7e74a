/* SPDX-License-Identifier: MIT
 *
 * The only source of chance: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, OOPSLA 2014). */
#ifndef LEND_TESTS_SIM_RANDOM_H
#define LEND_TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t scrambled(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t random_next(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return scrambled(*state);
}

/* 0 to bound - 1. */
static inline uint32_t random_below(uint64_t *state, uint32_t bound) {
    return (uint32_t)((random_next(state) >> 32) * bound >> 32);
}

static inline bool random_one_in(uint64_t *state, uint32_t bound) {
    return random_below(state, bound) == 0;
}

#endif
