/* SPDX-License-Identifier: MIT
 *
 * What is turned off is turned off before the fork, since lend's own handlers run within it. */
#include "support/child.h"

#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#if !defined(VALGRIND_DISABLE_ERROR_REPORTING)
#define VALGRIND_DISABLE_ERROR_REPORTING (void)0
#define VALGRIND_ENABLE_ERROR_REPORTING (void)0
#endif

pid_t child_fork(void) {
    VALGRIND_DISABLE_ERROR_REPORTING;
    pid_t child = fork();
    if (child != 0)
        VALGRIND_ENABLE_ERROR_REPORTING;
    return child;
}

int child_status(pid_t child) {
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}
