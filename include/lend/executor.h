/* SPDX-License-Identifier: MIT
 *
 * Executors: a fixed number of threads that run jobs on models borrowed from a pool.
 *
 *     lend_executor *executor;
 *     error = lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool));
 *     lend_future *future;
 *     error = lend_submit(executor, &LEND_JOB(.run = recognise_job, .argument = request,
 *                                             .deadline = lend_within_ms(2000)), &future);
 *     ...
 *     error = lend_executor_close(executor, lend_within_ms(5000));
 *
 * A queued job holds no model; a worker borrows one when it starts the job. The queue is bounded
 * in jobs and, if wanted, in bytes. A job's deadline is answered on time wherever the job is: a
 * run that overruns keeps its thread and model until it returns, but its future is decided.
 *
 * While jobs take less than 20 us, a thread that is about to sleep (a worker without a job, one
 * that waits for a future, a submitter without room) looks again for some microseconds first. With
 * longer jobs it sleeps at once. */
#ifndef LEND_EXECUTOR_H
#define LEND_EXECUTOR_H

#include <lend/base.h>
#include <lend/deadline.h>
#include <lend/error.h>
#include <lend/event.h>
#include <lend/future.h>
#include <lend/histogram.h>
#include <lend/job.h>
#include <lend/pool.h>

LEND_BEGIN_DECLS

typedef struct lend_executor lend_executor;

/* What lend_submit does when the queue is full. */
enum lend_when_full {
    LEND_FULL_REFUSE,   /* EAGAIN */
    LEND_FULL_WAIT,     /* wait in order of arrival until there is room or the job's deadline */
    LEND_FULL_RUN_HERE, /* run the job on the submitting thread, before lend_submit returns */
};

#define LEND_WORKERS_MAX 4096

/* Zero means the default, field by field; only `pool` has none. */
struct lend_executor_options {
    size_t size; /* of this struct; LEND_EXECUTOR_OPTIONS sets it */

    const char *name;         /* in reports, events and thread names; copied. Default: the pool's */
    lend_pool *pool;          /* required; stays open at least as long as the executor */
    uint32_t workers;         /* threads. Default one per model that the pool has */
    uint32_t queue_max;       /* queued jobs. Default 4 per worker */
    uint64_t queue_bytes_max; /* sum of the queued jobs' `bytes`. Default: no bound */
    enum lend_when_full when_full;
    int64_t job_ms_default; /* what a zeroed deadline of a job means. Default 30000; -1: for ever */

    /* Called on each worker as it starts, and before it ends. May be NULL. */
    void (*worker_begins)(void *context);
    void (*worker_ends)(void *context);
    void *worker_context;

    lend_sink *sink; /* Default: the pool's. May be called until the last future is dropped */
    void *sink_context;

    /* Filled when opening fails. May be NULL. */
    struct lend_reason *reason;
};

#ifndef __cplusplus
#define LEND_EXECUTOR_OPTIONS(...)                                                                 \
    ((struct lend_executor_options){.size = sizeof(struct lend_executor_options), __VA_ARGS__})
#endif

/* Open an executor and start its threads. They block all signals but those that an instruction of
 * their own raises (SIGSEGV, SIGFPE ...). The executor's callbacks must return. Only a job may end
 * its thread, and not one that a callback runs in place.
 *
 * EINVAL     ret_executor, options or options.pool is missing, or a number is out of range;
 *            options.reason says which, if options.size is set
 * E2BIG      the options are larger than this library knows, and set something there
 * ENOMEM     no memory or thread
 * ESHUTDOWN  the pool is closing
 * EOWNERDEAD the pool belongs to the process that forked this one */
LEND_API LEND_NODISCARD int lend_executor_open(lend_executor **ret_executor,
                                               const struct lend_executor_options *options);

/* Hand over a job. With ret_future NULL nobody will ask for its outcome: as if the future had been
 * dropped at once. On failure the job was not accepted: nothing of it is called, `argument` is
 * still the caller's, *ret_future is untouched. A job that is run here (LEND_FULL_RUN_HERE) finds
 * *ret_future set.
 *
 * 0          accepted: it will have exactly one outcome
 * EAGAIN     the queue is full (LEND_FULL_REFUSE, or a thread that must not wait: lend/thread.h)
 * ETIMEDOUT  it stayed full until the job's deadline (LEND_FULL_WAIT)
 * ENOBUFS    `bytes` is more than queue_bytes_max: it would never fit
 * ESHUTDOWN  the executor is closing
 * EINVAL     executor, spec or spec.run is missing
 * E2BIG      the spec is larger than this library knows, and sets something there
 * ENOMEM     no memory
 * EDEADLK    LEND_FULL_WAIT on a worker of this very executor: it would wait for itself
 * EOWNERDEAD the executor belongs to the process that forked this one */
LEND_API LEND_NODISCARD int lend_submit_at(lend_executor *executor,
                                           const struct lend_job_spec *spec,
                                           lend_future **ret_future, const struct lend_site *site);

/* The same without a site, for callers that cannot use the macro of the same name. */
LEND_API LEND_NODISCARD int lend_submit(lend_executor *executor, const struct lend_job_spec *spec,
                                        lend_future **ret_future);

#ifndef __cplusplus
#define lend_submit(executor, spec, ret_future)                                                    \
    lend_submit_at((executor), (spec), (ret_future), LEND_HERE)
#endif

/* Close an executor: nothing new is accepted, what is queued is still worked off until the
 * deadline (zeroed: job_ms_default). Then what has not started is cancelled (ESHUTDOWN), what runs
 * is told to stop, and what returns within 100 ms still counts as in time. When all is over, the
 * threads end and the executor is freed; its futures stay valid until they are dropped.
 *
 * 0         closed; also for NULL
 * EBUSY     jobs still run; lend_executor_print names them. Call again
 * EALREADY  another thread is closing it and waits
 * EDEADLK   called from one of its own jobs or callbacks
 * EAGAIN    the thread must not wait (lend/thread.h)
 * EOWNERDEAD the executor belongs to the process that forked this one */
LEND_API LEND_NODISCARD int lend_executor_close(lend_executor *executor, lend_deadline deadline);

/* A snapshot. accepted == pending + succeeded + failed + no_model + cancelled + expired, always. */
struct lend_executor_stats {
    uint32_t workers;
    uint32_t submitting; /* threads that wait for room in the queue */
    uint32_t queued;     /* in the queue */
    uint32_t borrowing;  /* with a worker, waiting for a model */
    uint32_t running;    /* on a model, also those whose deadline was answered */
    uint64_t queued_bytes;
    uint64_t accepted; /* all jobs since open */
    uint64_t pending;  /* of these, undecided */
    uint64_t succeeded, failed, no_model, cancelled, expired;
    uint64_t refused; /* submissions that were not accepted */
    uint64_t overran; /* jobs that returned after their deadline had been answered */
    uint64_t events;  /* events raised, with or without a sink */
    /* Of all jobs; while runs take less than 20 us, of the first 64 and then of every 16th, which
     * counts for 16: the clock costs as much as all else in a submission. */
    struct lend_histogram waits; /* from acceptance to a model */
    struct lend_histogram runs;  /* of the jobs' run */
};

/* Fill *ret_stats. EINVAL if an argument is NULL, EOWNERDEAD as above. */
LEND_API LEND_NODISCARD int lend_executor_stats_get(lend_executor *executor,
                                                    struct lend_executor_stats *ret_stats);

/* The state of a live executor, printed into buffer[size]: a line with its workers, its queue and
 * who waits for room in it, and one for each job that is not over, those with a thread first: its
 * number, what it does, on which thread, since when, submitted where. Each line ends with a
 * newline; they are those of lend_dump (lend/dump.h). Returns the length written, less than size;
 * always ends with a NUL if size > 0; what did not fit ends with "...". "no executor" for NULL.
 *
 * Waits for nothing but the executor's lock, which it holds while it walks the jobs: all of them,
 * or as many as fit. Not while lend_executor_close may free the executor. */
LEND_API size_t lend_executor_print(lend_executor *executor, char *buffer, size_t size);

/* The options in force: what was defaulted is filled in; `name` lives as long as the executor,
 * `reason` is NULL.
 * EINVAL if an argument is NULL, EOWNERDEAD as above. */
LEND_API LEND_NODISCARD int lend_executor_options_get(lend_executor *executor,
                                                      struct lend_executor_options *ret_options);

LEND_END_DECLS

#endif
