/* SPDX-License-Identifier: MIT
 *
 * Pools: a fixed number of preloaded models, each lent to one borrower at a time.
 *
 *     lend_pool *pool;
 *     struct lend_reason reason = {0};
 *     int error = lend_pool_open(&pool, &LEND_POOL_OPTIONS(.name = "ocr", .ops = &engine_ops,
 *                                                          .models = 4, .reason = &reason));
 *     ...                                                  // lend/scope.h, lend/lease.h: borrow
 *     error = lend_pool_close(pool, lend_within_ms(5000), NULL);
 *
 * All models are loaded when lend_pool_open returns. A model that breaks later is replaced in the
 * background, with pauses that grow from 100 ms to 30 s while that fails; as long as no model is
 * left, whoever asks is told the loader's own error at once. One at a time is replaced, renewed or
 * checked. An operation of a model that hangs costs that model and a thread, and nothing else: it
 * is reported, the others are looked after by another thread, and if it returns, however late, what
 * it brings is used or unloaded.
 *
 * Every function may be called from any thread. None may be called from a signal handler. The child
 * of a fork has none of its parent's pools, executors, leases, futures and completion queues: calls
 * on them return EOWNERDEAD at once, and lend_release does nothing.
 *
 * The threads of a pool, on which models are loaded, checked and unloaded, block all signals but
 * those that an instruction of their own raises (SIGSEGV, SIGFPE ...); so do what these start. A
 * sink is called with cancellation disabled. */
#ifndef LEND_POOL_H
#define LEND_POOL_H

#include <lend/base.h>
#include <lend/deadline.h>
#include <lend/error.h>
#include <lend/event.h>
#include <lend/histogram.h>
#include <lend/model.h>
#include <lend/report.h>

LEND_BEGIN_DECLS

typedef struct lend_pool lend_pool;

#define LEND_MODELS_MAX 4096

/* As many models as the machine has room for, at least one:
 *
 *   cores   those that this process may use (the smaller of its affinity mask and its cgroup's CPU
 *           quota, rounded up), divided by options.model_threads
 *   memory  what is left when the first model is loaded, divided by options.model_bytes. What is
 *           left is the smaller of the memory limits of its cgroups, less what they use, and
 *           MemAvailable, less a quarter for those who borrow; or what options.memory_left says,
 *           all of it
 *
 * and at most options.models_max, if that is set. Cgroups of version 1 and 2 are read. */
#define LEND_MODELS_AUTO UINT32_MAX

/* A model that keeps none of this machine's cores busy: it computes elsewhere, say on a GPU. */
#define LEND_NO_CORES UINT32_MAX

/* Nobody waits: a pool without a free model refuses at once (ENOBUFS). */
#define LEND_NO_WAITERS UINT32_MAX

/* Zero means the default, field by field; only `ops` and `models` have none. */
struct lend_pool_options {
    size_t size; /* of this struct; LEND_POOL_OPTIONS sets it */

    const char *name; /* in reports and events; up to 63 bytes are copied. Default "pool" */
    const struct lend_model_ops *ops; /* required; copied */
    void *ops_context;                /* handed to each of them */
    uint32_t models;                  /* required: 1 to LEND_MODELS_MAX, or LEND_MODELS_AUTO */

    uint32_t waiters_max;    /* borrowers that may queue. Default 8 per model */
    int64_t wait_ms_default; /* what a zeroed deadline means. Default 30000; -1: for ever */
    uint32_t loaders;        /* threads that load at once. Default one per usable core */

    /* Told after each model, on the thread that opens. May be NULL. Must not use the pool. */
    void (*progress)(uint32_t loaded, uint32_t models, void *context);
    void *progress_context;

    uint32_t models_max; /* how many lend_pool_resize may ask for, not less than `models`; or what
                            LEND_MODELS_AUTO may find. Default `models` */

    /* How many models may be loaded beyond the size, each in place of one whose job has overrun its
     * deadline and does not return, or whose load does not. Default none: there may be no memory
     * for it. */
    uint32_t spares;

    uint64_t recycle_lends; /* load a model anew after so many leases. Default never */
    int64_t recycle_ms;     /* or when it is given back at this age. Default never */
    int64_t check_every_ms; /* check a model that was idle for so long (ops.check). Default never */

    /* A time that is longer than a century is never. */

    int64_t hold_alarm_ms;  /* report leases held for longer, once each. Default 60000; -1: never */
    int64_t stall_alarm_ms; /* report that borrowers wait and nothing came back for so long, once.
                               Default 10000; -1: never */

    /* Report a load, check or unload in the background that has not returned for so long, and go
     * on without it. Default 60000; -1: never. A pool that has nothing else left refuses
     * borrowers then: give it more if models load that slowly. */
    int64_t load_alarm_ms;

    /* What one model takes, which LEND_MODELS_AUTO divides by. If more models are asked for than
     * the machine has room for, that is reported (LEND_EVENT_OVERSUBSCRIBED, on the thread that
     * opens) and not refused. */
    uint32_t model_threads; /* cores that it keeps busy. Default 1; or LEND_NO_CORES */
    uint64_t model_bytes; /* memory. Default: what the first one took, its load included: memory of
                             its own, not files that it mapped; or of `memory_left` */

    /* The memory that models are bounded by, if it is not main memory, but that of a GPU, say: how
     * many bytes are left at the moment. Called before and after the first load, on the thread that
     * opens. May be NULL. Must not use the pool. */
    uint64_t (*memory_left)(void *context);
    void *memory_context;

    lend_sink *sink; /* takes what nobody else can (lend/event.h). May be NULL */
    void *sink_context;

    /* Filled when opening fails, with the loader's own words if it was a load. May be NULL. */
    struct lend_reason *reason;
};

#ifndef __cplusplus
#define LEND_POOL_OPTIONS(...)                                                                     \
    ((struct lend_pool_options){.size = sizeof(struct lend_pool_options), __VA_ARGS__})
#endif

/* Open a pool and load its models: the first alone on this thread, the others in parallel. Blocks
 * as long as loading takes, which nothing bounds: no deadline, no alarm, and no dump knows of a
 * pool that is being opened; options.progress says how far it has come. If one fails, those that
 * were loaded are unloaded again, nothing is left behind and *ret_pool is untouched.
 *
 * EINVAL  ret_pool, options, a required field or a required operation is missing, or a number is
 *         out of range; options.reason says which, if options.size is set
 * E2BIG   the options or operations are larger than this library knows, and set something there
 * ENOMEM  no memory or thread
 * EIO     a load or check failed; options.reason says why, in its own words */
LEND_API LEND_NODISCARD int lend_pool_open(lend_pool **ret_pool,
                                           const struct lend_pool_options *options);

/* Close a pool in two phases. From the call on, nothing new is lent and every waiter leaves with
 * ESHUTDOWN. Then it waits until each lent model is back and each executor on the pool is closed,
 * unloads all models on this thread, and frees the pool.
 *
 * At the deadline (zeroed: wait_ms_default) it gives up waiting and returns EBUSY: the pool stays
 * shut, its holders keep their models, and close may be called again. `reterr_report`, if not NULL,
 * then receives who they are (free it with lend_report_free; NULL if memory ran out); in every
 * other case it is untouched.
 *
 * A lease of the pool is invalid once close has returned 0, even for lend_release: no call may
 * begin on a pool that may be closed meanwhile; calls that wait in it then end safely.
 *
 * 0           closed; also for NULL
 * EBUSY       not yet: somebody holds a model or an executor is open
 * EALREADY    another thread is closing it and waits
 * EDEADLK     called by a model operation of the pool itself, or its sink, on a thread of the pool;
 *             or for ever by a thread that holds a model of it: nothing is changed
 * EAGAIN      the thread must not wait (lend/thread.h)
 * EOWNERDEAD  the pool belongs to the process that forked this one */
LEND_API LEND_NODISCARD int lend_pool_close(lend_pool *pool, lend_deadline deadline,
                                            struct lend_report **reterr_report);

/* A snapshot. Counts of models and waiters are taken from the models and the queue themselves;
 * models == free + lent + loading + retiring + lost holds in each one. The rest are totals since
 * open. */
struct lend_pool_stats {
    uint32_t models, free, lent, loading, retiring, lost;
    uint32_t stuck;              /* of those loading or retiring: options.load_alarm_ms is over */
    uint32_t waiting;            /* borrowers in the queue */
    bool suspended;              /* lend_pool_suspend */
    bool reloading;              /* lend_pool_reload is under way */
    uint64_t grants;             /* leases that got a model */
    uint64_t queued;             /* of all acquires, how many had to wait */
    uint64_t timeouts;           /* ETIMEDOUT */
    uint64_t refusals;           /* every other failed acquire */
    uint64_t broken;             /* models given back as broken, or that failed a reset or check */
    uint64_t recycled;           /* models loaded anew because of options.recycle_... */
    uint64_t loads;              /* models loaded and found fit, those of open included */
    uint64_t load_failures;      /* loads that failed, or brought what failed its check */
    uint64_t bad_releases;       /* stale or foreign ones, refused */
    uint64_t events;             /* events raised, with or without a sink */
    struct lend_histogram waits; /* of those acquires that had to wait, whatever came of it */
    /* Of leases that ended, to within the coarse clock's tick: the first 64 in each model's place,
     * then every 16th, since the clock costs more than all else that a short lease does. */
    struct lend_histogram holds;
};

/* Fill *ret_stats; on failure it is untouched. Takes the pool's lock for as long as it takes to
 * walk the models.
 *
 * EINVAL      an argument is NULL
 * EOWNERDEAD  the pool belongs to the process that forked this one */
LEND_API LEND_NODISCARD int lend_pool_stats_get(lend_pool *pool, struct lend_pool_stats *ret_stats);

/* The state of a live pool, as a report (lend/report.h), printed into buffer[size]. Returns the
 * length written. "no pool" for NULL. */
LEND_API size_t lend_pool_print(lend_pool *pool, char *buffer, size_t size);

/* The same as JSON, whole or not at all, and how long it is in any case (lend_report_print_json);
 * the next look at a live pool may be longer. "{}" for NULL. */
LEND_API size_t lend_pool_print_json(lend_pool *pool, char *buffer, size_t size);

/* The options in force: what was defaulted or found out is filled in, `model_bytes`, say, 0 if it
 * could not be measured; `models` is what lend_pool_resize has made of it. `name` lives as long as
 * the pool, `ops` too; `reason` is NULL.
 *
 * EINVAL      an argument is NULL
 * EOWNERDEAD  the pool belongs to the process that forked this one */
LEND_API LEND_NODISCARD int lend_pool_options_get(lend_pool *pool,
                                                  struct lend_pool_options *ret_options);

/* operations: one at a time in each pool, without closing it. `reason`, which may be NULL, is
 * filled on every failure. */

/* Lend nothing until lend_pool_resume. Leases that are out stay out, borrowers wait as long as
 * their deadlines let them. Both may be called twice.
 *
 * EINVAL     pool is NULL
 * ESHUTDOWN  the pool is closing
 * EOWNERDEAD the pool belongs to the process that forked this one */
LEND_API LEND_NODISCARD int lend_pool_suspend(lend_pool *pool);
LEND_API LEND_NODISCARD int lend_pool_resume(lend_pool *pool);

/* Load every model anew, one after another, each while the others are lent: an idle one, or the
 * next that comes back. The old one is unloaded when the new one has been loaded and checked, so
 * there must be memory for one more. If one cannot be loaded, the old one stays, and no more are
 * tried.
 *
 * 0          all are new
 * ETIMEDOUT  the deadline passed first: some are new, the others stay as they are; `reason` says
 *            how many models are lent and how many are not renewed
 * EIO        one could not be loaded; `reason` has the loader's own error and words
 * EALREADY   another reload or resize is under way
 * EDEADLK    called by a model operation of the pool itself, or its sink, on a thread of the pool;
 *            or for ever by a thread that holds a model of it: nothing is changed
 * ESHUTDOWN  the pool is closing
 * EAGAIN     the thread must not wait (lend/thread.h)
 * EINVAL, EOWNERDEAD */
LEND_API LEND_NODISCARD int lend_pool_reload(lend_pool *pool, lend_deadline deadline,
                                             struct lend_reason *reason);

/* Have another number of models from now on, 1 to options.models_max. Blocks until it has: models
 * are loaded; or those that are too many are unloaded one by one, of which the first are those that
 * go anyway or do not work, then idle ones, then those that come back. If the deadline passes first
 * or a load fails, the pool goes on towards that number by itself. Bounds stay as they were opened:
 * how many may wait, and the workers and the queue of each executor on the pool.
 *
 * Errors as lend_pool_reload; EINVAL also if the number is out of range, EDEADLK only for a thread
 * that holds more models than are to be left. On ETIMEDOUT `reason` says how many are lent and how
 * many are wanted. */
LEND_API LEND_NODISCARD int lend_pool_resize(lend_pool *pool, uint32_t models,
                                             lend_deadline deadline, struct lend_reason *reason);

LEND_END_DECLS

#endif
