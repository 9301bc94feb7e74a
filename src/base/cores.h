/* SPDX-License-Identifier: MIT
 *
 * How many cores this process may use. */
#ifndef LEND_SRC_BASE_CORES_H
#define LEND_SRC_BASE_CORES_H

#include <stdint.h>

/* The smaller of the affinity mask and the CPU quota (cgroup.h); at least 1. Reads files: not for
 * hot paths. */
uint32_t lend__cores_usable(void);

#endif
