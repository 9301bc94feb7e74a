/* SPDX-License-Identifier: MIT
 *
 * Threads with one thing told to Helgrind: first on the include path of a build for it.
 *
 * Before a mutex is destroyed Helgrind itself reads it, and takes that for a race with glibc's
 * writes on the way out of the last unlock, of which it knows the beginning only; POSIX lets a
 * mutex go as soon as it is unlocked. Valgrind 3.21 has it mended, in the same way (bug 327548). */
#ifndef LEND_TESTS_VALGRIND_PTHREAD_H
#define LEND_TESTS_VALGRIND_PTHREAD_H
#pragma GCC system_header

#include_next <pthread.h>
#include <valgrind/helgrind.h>

#define pthread_mutex_destroy(mutex)                                                               \
    (__extension__({                                                                               \
        pthread_mutex_t *told_mutex_ = (mutex);                                                    \
        VALGRIND_HG_DISABLE_CHECKING(told_mutex_, sizeof *told_mutex_);                            \
        int told_result_ = pthread_mutex_destroy(told_mutex_);                                     \
        VALGRIND_HG_ENABLE_CHECKING(told_mutex_, sizeof *told_mutex_);                             \
        told_result_;                                                                              \
    }))

#endif
