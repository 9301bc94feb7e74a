/* SPDX-License-Identifier: MIT
 *
 * Futures: what became of a job.
 *
 *     error = lend_future_wait(future, lend_within_ms(1000));   // ETIMEDOUT: not yet
 *     if (error == 0 && lend_future_outcome(future) == LEND_SUCCEEDED)
 *         text = lend_future_take(future);
 *     lend_future_drop(future);
 *
 * Each accepted job has exactly one outcome, decided once and never changed. A future belongs to
 * the caller of lend_submit until lend_future_drop; it may be used from several threads until
 * then, and outlives its executor. */
#ifndef LEND_FUTURE_H
#define LEND_FUTURE_H

#include <lend/base.h>
#include <lend/completions.h>
#include <lend/deadline.h>
#include <lend/error.h>

LEND_BEGIN_DECLS

typedef struct lend_future lend_future;

#define LEND_OUTCOMES(X)                                                                           \
    X(LEND_PENDING, "pending")                                                                     \
    X(LEND_SUCCEEDED, "succeeded")                                                                 \
    X(LEND_FAILED, "failed")                                                                       \
    X(LEND_NO_MODEL, "no model")                                                                   \
    X(LEND_CANCELLED, "cancelled")                                                                 \
    X(LEND_EXPIRED, "expired")

/*                  lend_future_error
 * LEND_PENDING     EBUSY      queued, waiting for a model or running
 * LEND_SUCCEEDED   0          its run returned 0
 * LEND_FAILED      not 0      its run returned this
 * LEND_NO_MODEL    not 0      it never ran: the borrow failed like this; the reason has the report
 * LEND_CANCELLED   ECANCELED  it never ran, or ran, was asked to stop and returned ECANCELED
 *                  ESHUTDOWN  it never ran, or likewise, because the executor was closed
 * LEND_EXPIRED     ETIMEDOUT  its deadline passed first, wherever it was; a run under way is told
 *                             to stop and its result, if it still comes, is destroyed */
enum lend_outcome {
#define LEND_OUTCOME_MEMBER_(name, words) name,
    LEND_OUTCOMES(LEND_OUTCOME_MEMBER_)
#undef LEND_OUTCOME_MEMBER_
};

/* The words for an outcome. Static. */
LEND_API const char *lend_outcome_words(enum lend_outcome outcome);

/* Wait until the outcome is decided. A zeroed deadline is the executor's default for jobs. A job
 * that waits for another one in its own executor's queue runs that one itself, if a model is free:
 * then the wait lasts at least as long as that run.
 *
 * 0          decided; the outcome says what
 * ETIMEDOUT  not decided yet; the job is not touched by that
 * EBUSY      the same for LEND_NOW
 * EDEADLK    asked from within the job itself; or the wait could never have ended otherwise than by
 *            a deadline, since all who could end it wait too: told to the sink, with who waits for
 *            whom (LEND_EVENT_DEADLOCK)
 * EAGAIN     not decided, and the thread must not wait (lend/thread.h)
 * EINVAL     future is NULL */
LEND_API LEND_NODISCARD int lend_future_wait(lend_future *future, lend_deadline deadline);

/* Wait until one of several is decided; *ret_index says which, the lowest index if several are, and
 * is untouched on failure. NULLs among them are passed over. This thread runs no job meanwhile. A
 * zeroed deadline is the default of the first one's executor. Errors are those of lend_future_wait,
 * of all of them together: EDEADLK if none could ever be decided. And:
 *
 * EINVAL      futures or ret_index is NULL, or there is no future in it
 * EOWNERDEAD  one of them belongs to the process that forked this one
 * ENOMEM      no memory */
LEND_API LEND_NODISCARD int lend_future_wait_any(lend_future *const *futures, size_t count,
                                                 lend_deadline deadline, size_t *ret_index);

/* Wait until all of them are decided: lend_future_wait for one after the other, by the same
 * deadline; returns the first error. A zeroed deadline is the default of the first one's executor.
 * NULLs are passed over; 0 if there is none. EINVAL also if futures is NULL and count is not 0. */
LEND_API LEND_NODISCARD int lend_future_wait_all(lend_future *const *futures, size_t count,
                                                 lend_deadline deadline);

/* Called once, with the future decided. */
typedef void lend_decided(lend_future *future, void *argument);

/* Have a completion queue told when the outcome is decided, or at once if it is: the callback runs
 * on the thread that runs the queue (lend/completions.h). The future is valid during the call, also
 * if it was dropped since. Any number of times; each comes once. To be told on a worker instead,
 * give the job a `done` (lend/job.h).
 *
 * 0           the callback will run, once
 * EINVAL      future, queue or callback is NULL
 * ESTALE      called in the `done` of a future that was dropped
 * ENOMEM      no memory
 * EOWNERDEAD  future or queue belong to the process that forked this one */
LEND_API LEND_NODISCARD int lend_future_then(lend_future *future, lend_completions *queue,
                                             lend_decided *callback, void *argument);

/* The job's number, from 1: the one by which reports, dumps and events name it, and which
 * lend_job_number says inside it. Known as soon as it was accepted, and after its outcome too; in
 * the child of a fork it is still the parent's job that it names. 0 for NULL. */
LEND_API uint64_t lend_future_number(const lend_future *future);

/* These answer at once. Asking for outcome, error or reason after the decision counts as having
 * read it. NULL: LEND_FAILED, EINVAL. */
LEND_API enum lend_outcome lend_future_outcome(lend_future *future);
LEND_API int lend_future_error(lend_future *future);

/* The words of the failure: the job's own (lend_job_explain), the report of the failed borrow, or a
 * sentence: how far the job had come when it was closed or out of time, or no more than the error;
 * "" while pending and for success. Dies with the future. "" for NULL. */
LEND_API const char *lend_future_reason(lend_future *future);

/* The value that the job returned, NULL if none. peek: it stays the future's and dies with it.
 * take: it is the caller's now, and the next call gives NULL. */
LEND_API void *lend_future_peek(lend_future *future);
LEND_API LEND_NODISCARD void *lend_future_take(lend_future *future);

/* Ask that the job be given up.
 *
 * 0            it was still queued or waiting for a model: it never starts
 * EINPROGRESS  it runs: lend_job_must_stop says so to it from now on; its outcome is what it
 *              returns, LEND_CANCELLED if that is ECANCELED
 * EALREADY     it was decided before
 * EINVAL       future is NULL
 *
 * Its `done` callback still comes, once, and never from within this call. */
LEND_API int lend_future_cancel(lend_future *future);

/* Wait until the library is done with the job altogether: the run has returned, also one whose
 * deadline was answered before, the argument was dropped, `done` has returned. From then on nothing
 * of the caller's is in use. Errors as lend_future_wait; EDEADLK from its `done` too. */
LEND_API LEND_NODISCARD int lend_future_join(lend_future *future, lend_deadline deadline);

/* Give the future up. The job goes on; a value nobody took is destroyed; a failure that nobody
 * read goes to the executor's sink (LEND_EVENT_JOB_UNREAD). NULL is allowed. */
LEND_API void lend_future_drop(lend_future *future);

LEND_END_DECLS

#endif
