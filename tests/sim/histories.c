/* SPDX-License-Identifier: MIT
 *
 * A hash table that doubles; 0 is an empty place. */
#include "histories.h"

#include <stdlib.h>

static uint64_t *places;
static uint64_t size, used;

static void insert(uint64_t history) {
    uint64_t at = history & (size - 1);
    while (places[at] != 0 && places[at] != history)
        at = (at + 1) & (size - 1);
    used += places[at] == 0;
    places[at] = history;
}

static void grow(void) {
    uint64_t *old = places;
    uint64_t old_size = size;
    size = size == 0 ? 1 << 16 : 2 * size;
    places = calloc(size, sizeof *places);
    if (places == NULL)
        abort();
    used = 0;
    for (uint64_t i = 0; i < old_size; i++)
        if (old[i] != 0)
            insert(old[i]);
    free(old);
}

void histories_add(uint64_t history) {
    if (2 * used >= size)
        grow();
    insert(history != 0 ? history : 1);
}

uint64_t histories_count(void) {
    return used;
}
