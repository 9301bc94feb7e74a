/* SPDX-License-Identifier: MIT
 *
 * What the control groups of this process leave it: version 2, version 1, or both side by side.
 *
 * A limit holds for a group and all below it, so each is looked for in the own group and in every
 * one above. Where the path that /proc/self/cgroup tells is not in sight, as in a container with
 * the host's /proc, what is in sight is the container's own: the mount's root. */
#ifndef LEND_SRC_BASE_CGROUP_H
#define LEND_SRC_BASE_CGROUP_H

#include <stdint.h>

/* `root` is put in front of /proc and /sys: "", or a folder that a test has built. All read files:
 * not for hot paths. What is missing or cannot be understood does not limit. */

/* The tightest CPU quota, in cores rounded up; UINT32_MAX if there is none. */
uint32_t lend__cgroup_cores(const char *root);

/* How many bytes may be taken until a memory limit is reached, counting what the kernel can take
 * back from the page cache (inactive_file) as free; UINT64_MAX if there is no limit. */
uint64_t lend__cgroup_memory_left(const char *root);

#endif
