/* SPDX-License-Identifier: MIT
 *
 * Errors: what each number means here, and the words that travel with it.
 *
 * Functions of lend return 0 or a positive errno value out of the closed list in their comment.
 * Two go without saying: EINVAL for a struct whose `size` was not set, and EOWNERDEAD for what
 * belongs to the process that forked this one (lend/pool.h).
 * `errno` itself is neither read nor set, and there is no thread-local "last error": what a call
 * has to say is in what it returned or in what the caller handed in to be filled. */
#ifndef LEND_ERROR_H
#define LEND_ERROR_H

#include <errno.h>
#include <lend/base.h>

LEND_BEGIN_DECLS

/* Every error that lend itself gives, with its sentence. lend_errname and lend_strerror are
 * generated from this list. */
#define LEND_ERRORS(X)                                                                             \
    X(EINVAL, "an argument is missing or out of range")                                            \
    X(ENOMEM, "no memory or thread could be had")                                                  \
    X(EMFILE, "no descriptor could be had")                                                        \
    X(E2BIG, "the caller was built for a newer lend: it uses options unknown here")                \
    X(EBUSY, "not now: somebody still has it")                                                     \
    X(ETIMEDOUT, "the deadline passed first")                                                      \
    X(ENOBUFS, "a bound was reached: too many wait, or it would never fit")                        \
    X(EAGAIN, "the queue is full, or this thread must not wait")                                   \
    X(EDEADLK, "the wait could never have ended")                                                  \
    X(ESHUTDOWN, "it is closing and takes nothing new")                                            \
    X(ECANCELED, "it was cancelled")                                                               \
    X(EINPROGRESS, "it was asked to stop and still runs")                                          \
    X(EALREADY, "it is over or under way already")                                                 \
    X(EIO, "the model could not be loaded or does not work")                                       \
    X(ESTALE, "the lease is not valid: given back already, or never filled")                       \
    X(EPERM, "the lease belongs to another thread or job")                                         \
    X(EOWNERDEAD, "it belongs to the process that forked this one")                                \
    X(ENOTSUP, "the format is not one that is read")                                               \
    X(EBADMSG, "the data is damaged or cut short")                                                 \
    X(EFBIG, "the data is larger than the limit")                                                  \
    X(ENODATA, "there is no data")

/* The name of an error, "ETIMEDOUT"; "0" for 0. For a number that is not in the list, a model's or
 * a job's own, the C library's name, where it has one to give (glibc); else "unknown". Static. */
LEND_API const char *lend_errname(int error);

/* Its sentence, without a full stop; "success" for 0. For a number that is not in the list likewise
 * the C library's; else "an error of the caller's own". Static, and the same on every thread and in
 * every locale. */
LEND_API const char *lend_strerror(int error);

/* An error and its words, in memory that the caller owns: how a loader, a job or an image tells
 * why. Zeroed, it says "no error". */
struct lend_reason {
    int error;
    char text[252]; /* always ends with a NUL; what did not fit ends with "..." */
};

/* Fill `reason` and return `error`, so that a failing function can end with
 *
 *     return lend_reason_set(reason, EIO, "no such language: %s", name);
 *
 * A NULL reason is allowed: then only the number travels. */
LEND_API int lend_reason_set(struct lend_reason *reason, int error, const char *format, ...)
    LEND_PRINTF(3, 4);

LEND_END_DECLS

#endif
