/* SPDX-License-Identifier: MIT
 *
 * Reading a struct that a caller filled, who may have been compiled for an older or newer lend:
 * its first field is its size as the caller knows it. */
#ifndef LEND_SRC_BASE_OPTIONS_H
#define LEND_SRC_BASE_OPTIONS_H

#include <stddef.h>

/* Copy `given` into own[own_size]. A shorter one is filled up with zeros, which mean the default;
 * a longer one is accepted while what is unknown here is zero.
 *
 * EINVAL  `given` is NULL or its size is less than a size_t
 * E2BIG   it sets something that is unknown here */
int lend__options_read(void *own, size_t own_size, const void *given);

#endif
