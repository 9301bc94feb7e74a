/* SPDX-License-Identifier: MIT
 *
 * The end of a process whose lend has broken an invariant of its own: the one thing it prints. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void lend__broken(const char *sentence, const char *file, int line) {
    fprintf(stderr, "lend: broken: %s (%s:%d)\n", sentence, file, line);
    abort();
}
