/* SPDX-License-Identifier: MIT
 *
 * How many bytes the allocator has given out; the same number each time from one that does not
 * tell. */
#ifndef LEND_TESTS_SUPPORT_ALLOCATED_H
#define LEND_TESTS_SUPPORT_ALLOCATED_H

#include <malloc.h>
#include <stddef.h>

static inline size_t bytes_allocated(void) {
#if defined(__GLIBC__)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

#endif
