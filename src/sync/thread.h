/* SPDX-License-Identifier: MIT
 *
 * Threads: starting and joining them, who the running one is, and calls that survive its end. */
#ifndef LEND_SRC_SYNC_THREAD_H
#define LEND_SRC_SYNC_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread {
    pthread_t handle;
};

/* Run main(argument) on a new thread that blocks all signals but those that an instruction of its
 * own raises, under the first 15 bytes of `name`. `thread` is filled on the new one, before `main`,
 * and by the time this returns. 0 or ENOMEM. */
int lend__thread_start(struct thread *thread, const char *name, void (*main)(void *),
                       void *argument);
void lend__thread_join(struct thread *thread);

/* Nobody will join the calling thread. */
void lend__thread_detach_self(void);

/* Is it the one that runs this? */
bool lend__thread_is_self(const struct thread *thread);

/* Who borrows: the calling thread, the job that it runs, or a task of the loop that it runs. One
 * word, so that it can be stored, compared and published whole:
 *
 *     kind : 3 | tid : 22 | number : 39
 *
 * `number` tells threads apart whose tid the kernel used again, and is a job's or a task's number.
 * 22 bits are the kernel's own limit on thread ids (PID_MAX_LIMIT); 39 last 17 years at a thousand
 * a second. */
typedef uint64_t owner_word;

enum owner_kind {
    OWNER_NONE,
    OWNER_THREAD,
    OWNER_JOB,
    OWNER_DETACHED, /* anybody: the rest is who it was */
    OWNER_TASK,     /* of an event loop; tid 0: lent, and not told so far. Number 0: not named */
};

#define OWNER_NUMBER_BITS 39
#define OWNER_TID_BITS 22
#define OWNER_KIND_SHIFT (OWNER_NUMBER_BITS + OWNER_TID_BITS)

static inline owner_word owner_make(enum owner_kind kind, uint32_t tid, uint64_t number) {
    return (uint64_t)kind << OWNER_KIND_SHIFT | (uint64_t)tid << OWNER_NUMBER_BITS |
           (number & ((UINT64_C(1) << OWNER_NUMBER_BITS) - 1));
}

static inline enum owner_kind owner_kind(owner_word owner) {
    return (enum owner_kind)(owner >> OWNER_KIND_SHIFT);
}

static inline uint32_t owner_tid(owner_word owner) {
    return (uint32_t)(owner >> OWNER_NUMBER_BITS) & ((UINT32_C(1) << OWNER_TID_BITS) - 1);
}

static inline uint64_t owner_number(owner_word owner) {
    return owner & ((UINT64_C(1) << OWNER_NUMBER_BITS) - 1);
}

/* What the running thread is in the middle of, on its stack: work for an executor, and within it
 * perhaps a job run in place for another, and so on outwards. */
struct errand {
    const void *executor;
    const void *task; /* or NULL */
    struct errand *outer;
};

/* The slot that a thread had last in a pool. */
struct last_slot {
    _Alignas(32) uint64_t pool_number; /* from 1, and never used again: while it fits, the slot is
                                          there */
    void *slot;
    uint32_t index; /* of the slot */
};

/* Of so many pools at a time a thread remembers that. */
#define THREAD_SLOTS 4

/* What lend knows of the running thread. */
struct thread_self {
    struct last_slot slots[THREAD_SLOTS]; /* thread_last_slot */
    owner_word owner;       /* who borrows on it now: the thread, or a job; 0 while its end would
                               not be seen: before its first use of lend, or for want of memory */
    struct errand *errands; /* the innermost first */
    owner_word identity;    /* the thread, from its first use of lend on */
    uint32_t held; /* leases taken on it and not given back on it: at least as many as it has */
    uint32_t task_held; /* of these, tasks' */
    uint64_t handed_on; /* the number of the pool in which a model that it gave back went straight
                           to a waiter, until it has given way for that; or 0 */
    bool never_blocks;  /* lend_thread_forbid_blocking */
};

/* A thread-local is one load and no call, in a few bytes of the room that glibc's loader keeps for
 * libraries opened late. musl's keeps none, and would not open a library that asks for it. */
#ifdef __GLIBC__
#define THREAD_LOCAL_MODEL __attribute__((__tls_model__("initial-exec")))
#else
#define THREAD_LOCAL_MODEL
#endif

extern _Thread_local struct thread_self lend__thread_self THREAD_LOCAL_MODEL
    __attribute__((__visibility__("hidden")));

/* Give the thread its identity, and have its end seen if it can be: `owner` says whether. Returns
 * the identity. */
owner_word lend__thread_identify(void);

/* Called at the end of every thread whose end is seen, on it, after the destructors of its caller's
 * own thread-specific data: return, pthread_exit, cancellation. The same hook each time. 0 or
 * ENOMEM. */
int lend__thread_at_end(void (*hook)(void));

/* Before the calling thread sleeps for what is likely to come in a moment: true, look again; false
 * once that has gone on for so long that a sleep costs no more. A thread that sleeps, and the one
 * that wakes it, go through the kernel; who has spent as much on looking, and sleeps then, has
 * spent no more than twice the least that he could (Karlin, Li, Manasse, Owicki, Empirical Studies
 * of Competitive Spinning for a Shared-Memory Multiprocessor, SOSP 1991).
 *
 * Who lingers lets other threads have his core: for what may want a core to be brought, and at the
 * price of not being back at once where others make use of it. Who spins keeps it: for what comes
 * from another core. *times and *since_ns are 0 at first. Neither is a cancellation point. */
bool lend__thread_lingers(uint32_t *times);
bool lend__thread_spins(int64_t *since_ns);

/* Let other threads that want the calling thread's core have it, once. */
void lend__thread_gives_way(void);

/* The calling thread's own parker. For waits whose every wake is slept off: no permit is left on
 * it. */
struct parker *lend__thread_parker(void);

static inline owner_word thread_owner(void) {
    owner_word owner = lend__thread_self.owner;
    return __builtin_expect(owner != 0, 1) ? owner : lend__thread_identify();
}

/* The kernel's number of the calling thread; 0 before its first use of lend. */
static inline uint32_t thread_tid(void) {
    return owner_tid(lend__thread_self.identity);
}

/* After thread_owner: will the end of the calling thread be seen? What a thread borrows of which
 * that is not known could be lost with it. */
static inline bool thread_end_is_seen(void) {
    return __builtin_expect(lend__thread_self.owner != 0, 1);
}

/* Where the thread keeps the slot of this pool; it may be another pool's. */
static inline struct last_slot *thread_last_slot(const void *pool) {
    return &lend__thread_self.slots[((uintptr_t)pool >> 10) % THREAD_SLOTS];
}

/* From here to the matching end, this thread, which has its identity, borrows as job `number`;
 * perhaps as one after another. Returns what to hand to the end. */
static inline owner_word thread_job_begin(uint64_t number) {
    owner_word before = lend__thread_self.owner;
    lend__thread_self.owner = owner_make(OWNER_JOB, thread_tid(), number);
    return before;
}

static inline void thread_job_end(owner_word before) {
    lend__thread_self.owner = before;
}

/* Leases of the thread itself and of its jobs. */
static inline uint32_t thread_own_leases(void) {
    return lend__thread_self.held - lend__thread_self.task_held;
}

/* While a thread is on an errand, it must not wait for the end of what the errand is part of. */
static inline void thread_errand_begin(struct errand *errand, const void *executor,
                                       const void *task) {
    *errand = (struct errand){executor, task, lend__thread_self.errands};
    lend__thread_self.errands = errand;
}

static inline void thread_errand_end(struct errand *errand) {
    lend__thread_self.errands = errand->outer;
}

/* The innermost errand goes on with another task. */
static inline void thread_errand_turn(const void *task) {
    lend__thread_self.errands->task = task;
}

/* The thread ends, and the stack that its errands are on is being unwound: it is just itself. */
static inline void thread_forget_errands(void) {
    lend__thread_self.errands = NULL;
    lend__thread_self.owner = lend__thread_self.identity;
}

static inline bool thread_is_busy_for(const void *executor) {
    for (const struct errand *e = lend__thread_self.errands; e != NULL; e = e->outer)
        if (e->executor == executor)
            return true;
    return false;
}

static inline bool thread_is_busy_with(const void *task) {
    for (const struct errand *e = lend__thread_self.errands; e != NULL; e = e->outer)
        if (e->task == task)
            return true;
    return false;
}

/* No cancellation between the two; what the first returns goes to the second. */
int lend__thread_shield(void);
void lend__thread_unshield(int state);

/* function(argument), and then cleanup(cleanup_argument) whichever way it leaves: return,
 * pthread_exit or cancellation. */
void lend__thread_guard(void (*function)(void *), void *argument, void (*cleanup)(void *),
                        void *cleanup_argument);

#endif
