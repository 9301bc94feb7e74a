/* SPDX-License-Identifier: MIT
 *
 * The production heap: libc's. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void *lend__memory_new(size_t size) {
    return calloc(1, size);
}

void *lend__memory_new_aligned(size_t alignment, size_t size) {
    size_t whole = (size + alignment - 1) / alignment * alignment;
    void *memory = aligned_alloc(alignment, whole);
    if (memory != NULL)
        memset(memory, 0, whole);
    return memory;
}

void lend__memory_free(void *memory) {
    free(memory);
}
