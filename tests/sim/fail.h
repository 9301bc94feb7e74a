/* SPDX-License-Identifier: MIT
 *
 * The end of a run that broke an invariant, and with it of the process that ran it: what is left in
 * memory can serve nobody. */
#ifndef LEND_TESTS_SIM_FAIL_H
#define LEND_TESTS_SIM_FAIL_H

_Noreturn void sim_fail(const char *invariant, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

#define SIM_CHECK(invariant, condition, ...)                                                       \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            sim_fail((invariant), __VA_ARGS__);                                                    \
    } while (0)

#endif
