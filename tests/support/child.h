/* SPDX-License-Identifier: MIT
 *
 * The child of a fork, for a test to ask what it was told.
 *
 *     pid_t child = child_fork();
 *     if (child == 0)
 *         _exit(ask_everything(pool));
 *     assert_int_equal(child_status(child), 0); */
#ifndef LEND_TESTS_SUPPORT_CHILD_H
#define LEND_TESTS_SUPPORT_CHILD_H

#include <sys/types.h>

/* fork(2). Valgrind does not judge what this thread does in the child: to it the parent's threads,
 * of which the child has none, are still there and race with it. */
pid_t child_fork(void);

/* Wait for its end: what it exited with, or -1 if it did not. */
int child_status(pid_t child);

#endif
