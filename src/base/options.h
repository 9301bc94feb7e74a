/* SPDX-License-Identifier: MIT
 *
 * Reading a struct that a caller filled, who may have been compiled for an older or newer lend:
 * its first field is its size as the caller knows it. */
#ifndef LEND_SRC_BASE_OPTIONS_H
#define LEND_SRC_BASE_OPTIONS_H

#include <lend/error.h>

/* Copy `given` into own[own_size]. A shorter one is filled up with zeros, which mean the default;
 * a longer one is accepted while what is unknown here is zero.
 *
 * EINVAL  `given` is NULL or its size is less than a size_t
 * E2BIG   it sets something that is unknown here */
int lend__options_read(void *own, size_t own_size, const void *given);

/* Where the caller wants the words of a failure: the field `reason` at this offset, or NULL. Looked
 * for before `given` is known to be sound: only if its size says that the field is there. */
struct lend_reason *lend__options_reason(const void *given, size_t offset);

/* A number that was given, and what it may be. */
struct option_range {
    const char *name;
    int64_t value, least, most;
};

/* 0; or EINVAL, and `reason` (NULL is allowed) names the first that is out of its range, and how.
 */
int lend__options_check(const struct option_range *ranges, size_t count,
                        struct lend_reason *reason);

#endif
