/* SPDX-License-Identifier: MIT
 *
 * Reports: who holds what, since when, borrowed where.
 *
 * A failed acquire carries one (lend_lease_report), a close that found stragglers hands one over,
 * and lend_pool_print writes one of a live pool. Printed, it is one line:
 *
 *     pool "ocr": no model within 500 ms; 4 of 4 lent: #0 thread 4711 for 12.3 s at batch.c:88, ...
 */
#ifndef LEND_REPORT_H
#define LEND_REPORT_H

#include <lend/base.h>
#include <lend/error.h>
#include <lend/site.h>

LEND_BEGIN_DECLS

enum lend_owner_kind {
    LEND_OWNER_THREAD = 1, /* id is the kernel's thread id (gettid) */
    LEND_OWNER_JOB,        /* id is the job's number (lend_job_number) */
    LEND_OWNER_DETACHED,   /* nobody; id is the thread id of who detached it */
    LEND_OWNER_TASK,       /* id is what its loop named it (lend/request.h), or 0 */
};

/* One lent model and who has it. */
struct lend_holder {
    unsigned slot;
    enum lend_owner_kind kind;
    uint64_t id;
    uint32_t tid;                 /* of the thread that borrowed, whatever the kind; 0 of a task
                                     that is still to be told (lend/completions.h) */
    int64_t held_ns;              /* to within the coarse clock's tick, 1 to 10 ms */
    const struct lend_site *site; /* NULL if borrowed through the plain function */
};

/* One borrower who waits in the queue. */
struct lend_borrower {
    enum lend_owner_kind kind; /* as in struct lend_holder; a request is a task, named or not */
    uint64_t id;
    uint32_t tid; /* of the thread that waits, or that has made the request */
    int64_t waited_ns;
    const struct lend_site *site;
};

/* One step of a deadlock: somebody waits for what the one in the next step could give him, and the
 * last for one of those before. */
struct lend_step {
    enum lend_owner_kind kind; /* who waits, as in struct lend_holder */
    uint64_t id;
    uint32_t tid;
    char awaits[80]; /* what for: pool "ocr", or: job 17 */
    int64_t waited_ns;
    const struct lend_site *site; /* of the wait; NULL if not known */
    uint32_t holder_tid;          /* the thread in the next step */
    int slot;                     /* of the model that he holds, or -1 */
    int64_t held_ns;
    const struct lend_site *held_site; /* where he borrowed it, or NULL */
    uint64_t holder_task;              /* the task in the next step, 0 if it is not one */
};

/* The likely cause, with its words. */
#define LEND_CAUSES(X)                                                                             \
    X(LEND_CAUSE_NONE, "")                                                                         \
    X(LEND_CAUSE_HOLDERS, "every model is in use")                                                 \
    X(LEND_CAUSE_CROWD, "more borrowers than the bound on waiters allows")                         \
    X(LEND_CAUSE_LOADING, "models are still being loaded")                                         \
    X(LEND_CAUSE_LOADER, "no model can be loaded")                                                 \
    X(LEND_CAUSE_CLOSING, "the pool is closing")                                                   \
    X(LEND_CAUSE_TENANTS, "an executor is still open on the pool")                                 \
    X(LEND_CAUSE_DEADLOCK, "what is waited for is held by those who wait")                         \
    X(LEND_CAUSE_SUSPENDED, "the pool is suspended")                                               \
    X(LEND_CAUSE_STUCK, "an operation of a model does not return")                                 \
    X(LEND_CAUSE_LEASES, "models are still lent")

enum lend_cause {
#define LEND_CAUSE_MEMBER_(name, words) name,
    LEND_CAUSES(LEND_CAUSE_MEMBER_)
#undef LEND_CAUSE_MEMBER_
};

struct lend_report {
    int error;             /* why there is a report; 0 for that of a live pool */
    enum lend_cause cause; /* what most likely is behind it */
    char pool[64];         /* its name */
    int64_t waited_ns;     /* by the call that failed */
    bool suspended;        /* lend_pool_suspend */
    bool closing;          /* lend_pool_close, which may have given up */
    unsigned models;       /* free + lent + loading + retiring + lost, always */
    unsigned free, lent, loading, retiring, lost;
    unsigned stuck;   /* of those loading or retiring: options.load_alarm_ms is over */
    int work_slot;    /* whose load, check or unload has been under way for longest, or -1 */
    const char *work; /* which of them: "load", "check" or "unload"; static; "" if none is */
    int64_t work_ns;  /* and for how long */
    unsigned waiting; /* borrowers in the queue at that moment */
    unsigned waiters_max;
    char tenant[64];           /* name of an executor still open on a closing pool, or "" */
    struct lend_reason loader; /* what the last failed load said, while models are missing */
    size_t holder_count;       /* == lent, but for leases that began or ended meanwhile */
    const struct lend_holder *holders;   /* oldest first; part of the report's own memory */
    size_t waiter_count;                 /* of a live pool: the first of the queue, at most 64; of a
                                            failure 0, since then everybody would list everybody */
    const struct lend_borrower *waiters; /* in the order of the queue; likewise */
    size_t step_count;                   /* of a deadlock; 0 for every other error */
    const struct lend_step *steps;       /* from the refused wait onwards; likewise */
};

/* The words for a cause, "" for none or a foreign number. Static. */
LEND_API const char *lend_cause_words(enum lend_cause cause);

/* The report as one line without newline into buffer[size]. Returns the length written, less than
 * size; always ends with a NUL if size > 0; what did not fit ends with "...". Holders come oldest
 * first, so that what is cut is what matters least. A NULL report prints "no report". */
LEND_API size_t lend_report_print(const struct lend_report *report, char *buffer, size_t size);

/* The same as one JSON object, for machines: every number and name above, times in ms, with all
 * holders, waiters and steps, or "{}" for NULL. Returns its whole length, as snprintf does: if that
 * is not less than `size`, nothing of it was written, and the buffer holds "". So size 0, for which
 * the buffer may be NULL, asks how long it is. Names are written as they are: they should be UTF-8.
 */
LEND_API size_t lend_report_print_json(const struct lend_report *report, char *buffer, size_t size);

/* Free a report that was handed over (lend_pool_close). NULL is allowed. Those that belong to a
 * lease go with it. */
LEND_API void lend_report_free(struct lend_report *report);

LEND_END_DECLS

#endif
