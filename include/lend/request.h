/* SPDX-License-Identifier: MIT
 *
 * Requests: acquire a model without waiting for it, and be told on the loop's own thread.
 *
 *     static void on_model(struct lend_lease *lease, void *page) {
 *         if (lend_lease_ok(lease))
 *             begin_recognising(page, lend_lease_take(lease));
 *         else
 *             fail(page, lend_lease_error(lease), lend_lease_report(lease));
 *     }
 *     ...
 *     error = lend_acquire_later(pool, lend_within_ms(500),
 *                                &LEND_REQUEST(.queue = queue, .acquired = on_model,
 *                                              .argument = page, .task = page->number),
 *                                &request);
 *
 * A request stands in the same line as the threads that wait in lend_acquire, and is served in the
 * same order. Its answer comes through a completion queue (lend/completions.h), also if a model is
 * free at once: never on the stack of who asked. */
#ifndef LEND_REQUEST_H
#define LEND_REQUEST_H

#include <lend/base.h>
#include <lend/completions.h>
#include <lend/deadline.h>
#include <lend/lease.h>
#include <lend/pool.h>
#include <lend/site.h>

LEND_BEGIN_DECLS

/* An acquire that is under way. Valid until its callback returns or it was cancelled. */
typedef struct lend_request lend_request;

/* The answer, told once by lend_completions_run: a lease that holds a model, or that says why not,
 * with its report, in just the words of lend_acquire (lend/lease.h): ETIMEDOUT, EDEADLK, ESHUTDOWN
 * or EIO. What is to outlive the call, lend_lease_take takes; what is left in *lease is released
 * when the callback returns. */
typedef void lend_acquired(struct lend_lease *lease, void *argument);

#define LEND_TASK_MAX ((UINT64_C(1) << 39) - 1)

/* What lend_acquire_later takes. Copied. */
struct lend_request_spec {
    size_t size; /* of this struct; LEND_REQUEST sets it */

    lend_completions *queue; /* required: where the answer comes */
    lend_acquired *acquired; /* required */
    void *argument;          /* handed to it */

    /* In whose name: a number of the caller's, 1 to LEND_TASK_MAX, for what to its loop is one
     * thread of work, such as a coroutine or a client's connection. Reports name it, and the check
     * for deadlocks takes its word that it does one thing at a time: while it waits for a model, it
     * gives back none. One that has two requests at once is taken not to wait at all. Zero: no
     * name; the lease becomes that of the thread which runs the queue. */
    uint64_t task;
};

#ifndef __cplusplus
#define LEND_REQUEST(...)                                                                          \
    ((struct lend_request_spec){.size = sizeof(struct lend_request_spec), __VA_ARGS__})
#endif

/* Ask for a model until the deadline; a zeroed one is the pool's default patience. *ret_request,
 * for cancelling, is filled before the answer can come; ret_request may be NULL. On failure
 * nothing was asked for: the callback never runs, *ret_request is untouched.
 *
 * 0           the callback will run, once
 * EINVAL      pool, spec, spec.queue or spec.acquired is missing, or spec.task is out of range
 * E2BIG       the spec is larger than this library knows, and sets something there
 * EBUSY       LEND_NOW, and no model was free or others wait already
 * ENOBUFS     options.waiters_max are waiting already
 * ESHUTDOWN   the pool is closing
 * EIO         no model is left and none can be loaded
 * ENOMEM      no memory
 * EOWNERDEAD  the pool or the queue belongs to the process that forked this one
 *
 * lend_pool_print says who has the models. Waits for nothing but short locks.
 *
 * The lease belongs to the task from the moment in which it is lent. As long as the callback has
 * not run, reports say that it is in a completion queue; from then on a task is known by the thread
 * that ran the queue, and any code on that thread may release, detach or adopt what a task of it
 * holds. When the thread ends, so do its tasks: leases that they still have are left leases
 * (lend/lease.h). */
LEND_API LEND_NODISCARD int lend_acquire_later_at(lend_pool *pool, lend_deadline deadline,
                                                  const struct lend_request_spec *spec,
                                                  lend_request **ret_request,
                                                  const struct lend_site *site);

/* The same without a site, for callers that cannot use the macro of the same name. */
LEND_API LEND_NODISCARD int lend_acquire_later(lend_pool *pool, lend_deadline deadline,
                                               const struct lend_request_spec *spec,
                                               lend_request **ret_request);

#ifndef __cplusplus
#define lend_acquire_later(pool, deadline, spec, ret_request)                                      \
    lend_acquire_later_at((pool), (deadline), (spec), (ret_request), LEND_HERE)
#endif

/* Ask no more. A model that was lent already and has not been told is handed to whoever waits next.
 * On the thread that runs the queue a request can be cancelled whenever its callback has not begun;
 * other threads must make sure that it has not returned.
 *
 * 0           the callback will not run, and the request is gone
 * EALREADY    the callback has begun
 * EINVAL      request is NULL
 * EOWNERDEAD  it belongs to the process that forked this one */
LEND_API int lend_request_cancel(lend_request *request);

LEND_END_DECLS

#endif
