/* SPDX-License-Identifier: MIT
 *
 * Main memory: how much of it is left, and how much this process has of its own. */
#ifndef LEND_SRC_BASE_ROOM_H
#define LEND_SRC_BASE_ROOM_H

#include <stdint.h>

/* `root` as in cgroup.h. */

/* How many bytes this process may yet take: the smaller of what its control groups leave it and
 * what the kernel deems available (MemAvailable); UINT64_MAX if neither is known. */
uint64_t lend__room_left(const char *root);

/* How many bytes of memory this process has that nothing else could provide: resident, less what is
 * of files or shared. Of files that are mapped a second model uses the same pages as the first, and
 * the kernel can take them back; so what a model maps is no part of what one more will cost. From
 * /proc/self/statm, which is one short line, where smaps_rollup walks every page table; the kernel
 * sums it up per thread, so it is right to within some 256 KiB a thread. 0 if it is not known. */
uint64_t lend__room_taken(const char *root);

#endif
