/* SPDX-License-Identifier: MIT
 *
 * Assertions are sentences about lend itself, never about a caller's input. They are compiled into
 * every build: each costs a compare, and a broken invariant in a pool is worth a core dump. */
#ifndef LEND_SRC_BASE_ASSERT_H
#define LEND_SRC_BASE_ASSERT_H

/* Print "lend: broken: sentence (file:line)" and abort. */
_Noreturn void lend__broken(const char *sentence, const char *file, int line);

#define LEND_ASSERT(condition, sentence)                                                           \
    ((condition) ? (void)0 : lend__broken((sentence), __FILE__, __LINE__))

#endif
