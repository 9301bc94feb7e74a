/* SPDX-License-Identifier: MIT
 *
 * Jobs: what an executor runs on a borrowed model, and what the running job may ask and say.
 *
 *     static int recognise_job(void *model, void *argument, lend_job *job) {
 *         struct page *page = recognise(model, argument);
 *         if (page == NULL)
 *             return lend_job_explain(job, EIO, "the engine gave up");
 *         lend_job_return(job, page, page_free);
 *         return 0;
 *     }
 *
 * A job never sees a lease: the executor borrows the model when the job starts and gives it back
 * whatever the job does. */
#ifndef LEND_JOB_H
#define LEND_JOB_H

#include <lend/base.h>
#include <lend/deadline.h>
#include <lend/error.h>
#include <lend/future.h>
#include <lend/site.h>

LEND_BEGIN_DECLS

/* A job while it runs. Valid in its `run` only, on the thread that runs it. */
typedef struct lend_job lend_job;

/* The work. Returns 0 or an error: errno values or numbers of its own. One that ends its thread
 * instead (pthread_exit, cancellation) has failed with ECANCELED, and its worker gets another if
 * one can be had. A cancellation that comes too late for a job strikes the next one on that thread.
 * A child that it forks must not return from it: the executor it would return to is the parent's.
 */
typedef int lend_job_function(void *model, void *argument, lend_job *job);

/* Told once, when the outcome is decided; on a worker or the executor's timekeeper, outside every
 * lock, never on the stack of a call that submits or cancels, except for LEND_FULL_RUN_HERE. Must
 * be short, must return, and must not wait for the executor. The future is valid during the call,
 * also if it was dropped. */
typedef void lend_job_done(lend_future *future, void *argument);

/* Frees an argument or a value. */
typedef void lend_destroy(void *object);

/* What lend_submit takes. Copied. */
struct lend_job_spec {
    size_t size; /* of this struct; LEND_JOB sets it */

    lend_job_function *run; /* required */
    void *argument;         /* handed to it */

    /* Called exactly once with `argument`, when the library has no more use for it: after the run
     * has returned, or the job was given up unstarted. If lend_submit fails, it is not called:
     * the argument is still the caller's. May be NULL. On the thread that was last busy with
     * the job. */
    lend_destroy *drop_argument;

    lend_job_done *done; /* may be NULL */
    void *done_argument;

    /* Of the whole job: queueing, waiting for a model, running. Zeroed: the executor's default.
     * With LEND_NOW it is accepted, and expires. */
    lend_deadline deadline;

    uint64_t bytes; /* what it weighs against options.queue_bytes_max */
};

#ifndef __cplusplus
#define LEND_JOB(...) ((struct lend_job_spec){.size = sizeof(struct lend_job_spec), __VA_ARGS__})
#endif

/* Should the job stop: was it cancelled, did its deadline pass, is the executor closing for good?
 * A job that takes long asks now and then, and returns ECANCELED (or anything) if so. Cheap: one
 * load. False for NULL. */
LEND_API bool lend_job_must_stop(const lend_job *job);

/* The deadline to hand on to whatever the job waits for. LEND_NOW for NULL. */
LEND_API lend_deadline lend_job_deadline(const lend_job *job);

/* The job's number, from 1, unique in the process: it names the job in reports and events. Its
 * submitter has it from lend_future_number. 0 for NULL. */
LEND_API uint64_t lend_job_number(const lend_job *job);

/* Leave a value for the future. `destroy`, which may be NULL, frees it if nobody takes it. The last
 * value counts; the one before is destroyed. With a NULL job the value is destroyed at once. */
LEND_API void lend_job_return(lend_job *job, void *value, lend_destroy *destroy);

/* Leave words for lend_future_reason and return `error`. Without memory for them the reason is what
 * the error says. */
LEND_API int lend_job_explain(lend_job *job, int error, const char *format, ...) LEND_PRINTF(3, 4);

/* Say that the model is broken: it is replaced when the run returns. `why` may be NULL. */
LEND_API void lend_job_model_broken(lend_job *job, const char *why);

LEND_END_DECLS

#endif
