/* SPDX-License-Identifier: MIT
 *
 * The heap of the library. All memory comes through here, so that a test can make the n-th request
 * fail. */
#ifndef LEND_SRC_BASE_MEMORY_H
#define LEND_SRC_BASE_MEMORY_H

#include <stddef.h>

#define CACHE_LINE 64

/* Zeroed memory, or NULL. `alignment` is a power of two. */
void *lend__memory_new(size_t size);
void *lend__memory_new_aligned(size_t alignment, size_t size);

/* NULL is allowed. */
void lend__memory_free(void *memory);

#endif
