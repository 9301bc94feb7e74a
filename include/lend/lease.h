/* SPDX-License-Identifier: MIT
 *
 * Leases: a borrowed model, or the reason there is none.
 *
 *     struct lend_lease page = lend_acquire(pool, lend_within_ms(500));
 *     if (lend_lease_ok(&page))
 *         recognise(page.model, image);
 *     else
 *         log_error(lend_strerror(lend_lease_error(&page)));
 *     lend_release(&page);
 *
 * A lease is a value on the borrower's stack and belongs to the thread that acquired it, or to the
 * job that this thread was running, or to a task of its loop (lend/request.h). The words in
 * lend/scope.h release it by themselves: prefer them. A pointer into the model dies with the lease.
 *
 * A lease whose owner has ended (the thread left, the job returned) is taken back, told to the
 * pool's sink with the site of the borrow (LEND_EVENT_LEASE_LEFT), and its model reset, checked
 * and lent again, or replaced if that fails. */
#ifndef LEND_LEASE_H
#define LEND_LEASE_H

#include <lend/base.h>
#include <lend/deadline.h>
#include <lend/pool.h>
#include <lend/report.h>
#include <lend/site.h>

LEND_BEGIN_DECLS

/* Do not copy one: a copy does not know when the other was released. Of one with a model its
 * release is then refused as stale; of a failed one it frees the report twice. To move one,
 * lend_lease_take. */
struct lend_lease {
    /* read-only */
    void *model; /* NULL if there is none */
    /* private. The report stands between model and pool because gcc would write those two as one
     * vector, and a release that follows soon would have to wait for it. */
    struct lend_report *report;
    lend_pool *pool;
    uint64_t generation;
    uint32_t slot;
    int error;
};

/* Borrow a model: at once if one is free and nobody waits, else in strict order of arrival, until
 * the deadline. LEND_NOW never waits. A zeroed deadline is the pool's default patience.
 *
 * Always returns a lease; if it holds no model, lend_lease_error says why, and lend_lease_report
 * who has them:
 *
 * EINVAL     pool is NULL
 * EBUSY      LEND_NOW, and no model was free or others wait already
 * ETIMEDOUT  none came back by the deadline
 * EDEADLK    it could not have come before the deadline: all who hold one wait themselves, for each
 *            other or for the caller; the report has the steps. Returned at once
 * ENOBUFS    options.waiters_max are waiting already
 * ESHUTDOWN  the pool is closing
 * EAGAIN     it would have had to wait, and the thread must not (lend/thread.h)
 * EIO        no model is left and none can be loaded; the report has the loader's words
 * ENOMEM     no memory to have the end of this thread seen, at which what it left is taken back
 * EOWNERDEAD the pool belongs to the process that forked this one; without a report
 *
 * A thread whose last release handed a model of the pool to a waiter, and that finds none free now
 * and holds no other, calls sched_yield(2) once before it queues. Where more threads want to run
 * than there are cores, those who have models can use them meanwhile, and the queue stays short. It
 * counts as part of the wait; if the deadline passes in it, that is ETIMEDOUT like any other.
 *
 * Threads that hold one model and wait for another can come to wait for each other. Of such a ring
 * the wait that would have ended first by its deadline is refused (the newest, if none has one),
 * and the others go on: give back what you hold, and try again.
 *
 * Not a cancellation point (pthread_cancel). */
LEND_API LEND_NODISCARD struct lend_lease lend_acquire_at(lend_pool *pool, lend_deadline deadline,
                                                          const struct lend_site *site);

/* The same without a site, for callers that cannot use the macro of the same name. */
LEND_API LEND_NODISCARD struct lend_lease lend_acquire(lend_pool *pool, lend_deadline deadline);

#ifndef __cplusplus
#define lend_acquire(pool, deadline) lend_acquire_at((pool), (deadline), LEND_HERE)
#endif

/* Give the model back and free the report. Takes any lease, any number of times: NULL, failed,
 * released and zeroed ones too. Never fails, never allocates, and waits for nothing but short
 * locks; the model's `reset` runs here, before the model is offered again.
 *
 * A copy of a lease that was released already (ESTALE) and a lease of another thread or job (EPERM;
 * of a detached lease anybody may, of a task's its thread) change nothing in the pool, which
 * reports them to its sink (LEND_EVENT_BAD_RELEASE). The copy is emptied; another's lease stays as
 * it is. */
LEND_API void lend_release(struct lend_lease *lease);

/* The same for a model that the borrower found broken: it is unloaded and replaced in the
 * background. `why` goes to the sink and may be NULL. */
LEND_API void lend_release_broken(struct lend_lease *lease, const char *why);

/* Move a lease out of a variable that would release it. What is left behind is empty. NULL gives
 * an empty one. */
LEND_API LEND_NODISCARD struct lend_lease lend_lease_take(struct lend_lease *lease);

/* Hand a lease to another thread. A lease is its owner's to release. Detached, it is nobody's: any
 * thread may release it, or adopt it and so become its owner, once. In between nobody answers for
 * it: if it is lost then, nothing finds it. The struct itself is handed over as the threads like.
 *
 * 0       done; adopting what is the caller's already is allowed, and a task's lease is the
 *         thread's from then on
 * ESTALE  the lease is empty, failed or released; or NULL
 * EPERM   detach: it is not the caller's; adopt: its owner has not detached it
 * ENOMEM  adopt: no memory to have the end of this thread seen */
LEND_API LEND_NODISCARD int lend_lease_detach(struct lend_lease *lease);
LEND_API LEND_NODISCARD int lend_lease_adopt(struct lend_lease *lease);

/* Does it hold a model? Not if it is NULL. */
static inline bool lend_lease_ok(const struct lend_lease *lease) {
    return lease != NULL && lease->model != NULL;
}

/* 0 if it holds a model, else why not, as listed above; ESTALE for an empty one (zeroed, released
 * or taken from) and for NULL. */
LEND_API int lend_lease_error(const struct lend_lease *lease);

/* Who held the models when the acquire failed. Belongs to the lease and dies with it. NULL if it
 * holds a model or is empty, or memory for the report was not to be had; lend_report_print takes
 * NULL. */
LEND_API const struct lend_report *lend_lease_report(const struct lend_lease *lease);

/* What became of it, as one line without newline into buffer[size]: the report; without one the
 * name of the error and its sentence; of a lease that holds a model, which. Returns the length
 * written; always ends with a NUL if size > 0; what did not fit ends with "...". */
LEND_API size_t lend_lease_print(const struct lend_lease *lease, char *buffer, size_t size);

LEND_END_DECLS

#endif
