/* SPDX-License-Identifier: MIT
 *
 * struct lend_pool: its state, its invariants, its locks. Read this, slot.h and gate.h first.
 *
 * WHOLE   each slot is in exactly one state; every count is taken by walking the slots
 * GATE    after every region under pool->lock: while the pool is not OPEN, somebody waits, or what
 *         comes back is looked at first (`minds`), every slot is shut; else none that is FREE is,
 *         and one that is LENT at most until it comes back. States but FREE and LENT are shut
 * LISTS   a slot is in `open` if it is not shut, in `idle` if it is FREE and shut, else in neither
 * WORK    after every region under pool->lock: while somebody waits and the pool is not suspended,
 *         no slot is FREE
 * SIZE    there are as many slots that are not ABSENT as are wanted (lend__pool_wanted), or the
 *         keeper is about to see to it
 * FAIR    waiters are granted in the order of the list; while there is one, nobody else can take a
 *         slot, since all are shut and an arriving borrower queues behind
 * ONCE    a borrower in the list is undecided; deciding it unlinks it (sync/waiter.h)
 * HOPE    while `hopeless`, nobody waits
 * CLOSED  a pool is freed only when every slot is FREE, RETIRING, LOST or ABSENT, nobody is inside
 *         a slow path (`visitors`; a borrower that was granted a model has left that list, and its
 *         LENT slot keeps the pool alive instead), no tenant is left and no mender is busy
 * MENDED  a slot has work exactly while it is the chore of one mender; it is RETIRING or LOADING
 *         then
 *
 * lend__pool_settle restores GATE and WORK; whoever changes the waiters, a list or the phase under
 * the lock calls it before leaving. lend__pool_survey derives `hopeless` and `minds` from the
 * slots; whoever changes a state other than between FREE and LENT, or what is wanted, calls it
 * before that. Shutting costs what opening has paid for: a slot is opened once when it is made free
 * with nobody waiting, so a queue that comes and goes costs each lease a swap or two, however many
 * slots there are.
 *
 * Locks: pool->lock; before it perhaps the watch's, an executor's or a completion queue's. No
 * operation of a model, sink or progress callback runs under any. Fast paths touch the pool's first
 * lines and one slot, and nothing of the pool after they have put the slot back: it may be freed
 * then. */
#ifndef LEND_SRC_POOL_STATE_H
#define LEND_SRC_POOL_STATE_H

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "pool/gate.h"
#include "pool/lending.h"
#include "pool/report.h"
#include "pool/slot.h"
#include "pool/watch.h"
#include "sync/fork.h"
#include "sync/lock.h"
#include "sync/thread.h"
#include "sync/waiter.h"

#include <lend/pool.h>

enum pool_phase {
    POOL_OPEN,
    POOL_CLOSING, /* for good: a close that gave up leaves it here */
};

/* The rate at which a pool is lent; the keeper's own. */
struct tick {
    int64_t window_ns; /* when it was last looked at; 0 while nobody asks */
    uint64_t leases;   /* how many there had been by then */
};

struct lend_pool {
    /* constant after open */
    struct lend_pool_options options; /* defaults filled in; name and ops point to these two: */
    char name[64];
    struct lend_model_ops ops;
    uint32_t waiters_max; /* options.waiters_max with LEND_NO_WAITERS as 0 */
    struct thread keeper;
    struct list_node entry; /* in the registry, under its lock */

    /* what fast paths read; constant but for: */
    _Alignas(CACHE_LINE) struct word gate; /* 1 while all slots are shut, by LISTS; only advice */
    struct word tick_ns; /* the coarse clock as the keeper reads it; 0: read it yourself */
    struct slot *slots;  /* slot_count of them */
    uint32_t slot_count; /* options.models_max + options.spares */
    uint64_t number;     /* of the pools of the process, from 1 */
    uint64_t era;        /* sync/fork.h */
    bool wears;          /* models are recycled */
    bool plain;          /* a model that comes back needs nothing done: no reset, no wear */

    _Alignas(CACHE_LINE) struct lock lock;
    struct { /* under lock */
        enum pool_phase phase;
        struct list open;     /* of struct slot.entry: see LISTS */
        struct list idle;     /* likewise */
        struct list waiters;  /* of struct borrower.waiter, oldest first */
        struct list visitors; /* of struct borrower.visit: on the slow path of acquire and not yet
                                 lent a model, or asked */
        struct heap timers;   /* of struct borrower.timer: of requests, by deadline */
        int64_t alarm_ns;     /* up to which the keeper may sleep through `timers` */
        struct list tenants;  /* of struct tenant: open executors */
        uint32_t models;      /* how many it is to have: options.models, or as resized */
        uint64_t edition;     /* counts reloads */
        bool suspended;
        bool reloading;            /* idle slots of an older edition are renewed one by one */
        bool hopeless;             /* no slot lives; derived */
        bool minds;                /* a model that comes back is looked at; derived */
        struct slot *claimed;      /* LOADING, to be renewed next, or NULL; only while reloading */
        struct list menders;       /* of struct mender.node */
        struct parker *closer;     /* of the thread that waits in close, or NULL */
        struct parker *operation;  /* of the thread that waits in reload or resize, or NULL */
        int64_t progress_ns;       /* when a waiter was granted last, or the first one came */
        int64_t stall_told_ns;     /* the progress_ns for which a stall was told */
        struct lend_reason loader; /* what the last failed load said */
        uint64_t queued, timeouts, refusals, broken, recycled, loads, load_failures;
    } locked;
    struct tick tick;
    struct parker keeper_parker; /* woken when there may be something to do for it */

    /* counters without a lock */
    struct word events;
    struct word bad_releases;
    struct word waits[LEND_HISTOGRAM_BUCKETS];
};

/* By a visitor, or who has just been lent a model. */
static inline void pool_count_wait(lend_pool *pool, int64_t waited_ns) {
    word_next(&pool->waits[histogram_bucket(waited_ns)]);
}

/* One thread in the slow path of acquire, on its stack; or a request (request.c). */
struct borrower {
    struct waiter waiter;   /* under pool->lock, see there */
    struct list_node visit; /* under pool->lock */
    struct heap_node timer; /* under pool->lock; of a request with a deadline */
    owner_word owner;       /* the rest: constant, or set by who grants, before the wake */
    int64_t since_ns;       /* coarse clock */
    const struct lend_site *site;
    struct borrow_cancel *cancel; /* or NULL */
    uint32_t slot;
    uint64_t generation;
};

/* Who has the lease once it is lent: of a request, its task, which is still to be told. */
static inline owner_word borrower_to_be_lent(const struct borrower *borrower) {
    owner_word owner = borrower->owner;
    if (borrower->waiter.tell == NULL)
        return owner;
    return owner_make(OWNER_TASK, 0, owner_kind(owner) == OWNER_TASK ? owner_number(owner) : 0);
}

/* Under the lock, by a visitor. 0: served, EINPROGRESS: queued, else refused. Then settle. */
int lend__borrower_arrive(lend_pool *pool, struct borrower *self, lend_deadline deadline);

/* Under the lock: the last that this borrower does with the pool as one. */
void lend__borrower_leave(lend_pool *pool, struct borrower *self, int error);

/* What lend_acquire returns for it. */
int lend__verdict_error(enum verdict verdict);

/* By the keeper, without the lock: answer the requests whose deadlines have passed. Returns when
 * the next one will. */
lend_deadline lend__requests_expire(lend_pool *pool);

/* Under the lock, by who may touch the slot: to another state, and to the list that goes with it;
 * not to LENT. Then settle. */
void lend__pool_move(lend_pool *pool, struct slot *slot, enum slot_state state);

/* Under the lock: shut all slots. What is FREE is in `idle` then and stays there until settle. */
void lend__pool_shut(lend_pool *pool);

/* Under the lock: hand idle slots to waiters, set the gates, tell a closer who may be waiting for
 * just this. Who was granted is in `woken` (lend__waiters_wake, after the lock). */
void lend__pool_settle(lend_pool *pool, struct list *woken);

/* Under the lock: decide everybody who waits. */
void lend__pool_dismiss(lend_pool *pool, enum verdict verdict, struct list *woken);

/* Under the lock: derive what depends on the slots' states. Waiters without hope are told. */
void lend__pool_survey(lend_pool *pool, struct list *woken);

/* Under the lock: how many slots there are, and how many there should be: one for each model that
 * it is to have and, as far as there are spares, for each that is overdue or stuck. */
uint32_t lend__pool_present(const lend_pool *pool);
uint32_t lend__pool_wanted(const lend_pool *pool);

/* Under the lock: how many slots have work that does not return. */
uint32_t lend__pool_stuck(const lend_pool *pool);

/* Under the lock: are there more than there should be, not counting those that are stuck? Never
 * while there are fewer than wanted. */
bool lend__pool_is_oversized(const lend_pool *pool);

/* Under the lock: is one with a model among those that are too many? What has none, or is about to
 * lose it, goes instead as far as there is enough of it: it is not counted. */
bool lend__pool_has_surplus(const lend_pool *pool);

/* Under the lock: a LENT slot that its owner gives back goes where it is needed: to a waiter, to
 * whoever comes next, or to a mender. */
void lend__pool_take_back(lend_pool *pool, struct slot *slot, struct list *woken);

/* Under the lock: tell a thread in reload or resize what has come of it. */
void lend__operation_settle(lend_pool *pool);

/* Under the lock: no more is renewed, and what was set aside for it goes back. Survey and settle
 * afterwards. */
void lend__reload_end(lend_pool *pool);

/* Is the calling thread the keeper of this pool, or one of its menders? Takes the lock. */
bool lend__pool_runs_here(lend_pool *pool);

/* "load", "check", "unload". */
const char *lend__work_words(enum slot_work work);

/* By the keeper, without the lock: tell of leases held for long and of stalls. Returns when to look
 * again. */
lend_deadline lend__alarms_look(lend_pool *pool);

/* By the owner of a slot, each SLOT_TURNS leases: if they followed each other fast, have the keeper
 * read the clock. */
void lend__tick_note_turns(lend_pool *pool, struct slot *slot, int64_t now_ns);

/* By the keeper, before it sleeps: read the clock for the borrowers, while that is worth it.
 * Returns when to look again. */
lend_deadline lend__tick_look(lend_pool *pool);

/* The coarse clock, for stamps of leases. What the keeper was too busy to refresh is a little
 * old. */
static inline int64_t pool_now_ns(const lend_pool *pool) {
    int64_t tick_ns = (int64_t)word_peek(&pool->tick_ns);
    return tick_ns != 0 ? tick_ns : lend__clock_coarse_ns();
}

/* Is it the pool of a process that this one was forked from? */
static inline bool pool_is_foreign(const lend_pool *pool) {
    return pool->era != fork_era();
}

/* Under the lock, of a pool that is closing: may it be freed? */
bool lend__pool_is_drained(const lend_pool *pool);

/* Make the caller the owner of a lease that was detached. 0, EPERM if it was not, ESTALE. */
int lend__slot_adopt(struct slot *slot, uint64_t generation);

/* End the lease of a slot that the calling thread holds, in whose name nobody else will. No lock is
 * held. */
void lend__slot_reclaim(lend_pool *pool, uint32_t index, const char *who);

/* Tell the sink. No lock is held. */
void lend__pool_event(lend_pool *pool, enum lend_event_kind kind, int error, int slot,
                      const struct lend_site *site, const char *text);

/* Free a pool that never opened or is drained: any prefix of what open does. */
void lend__pool_destroy(lend_pool *pool);

#endif
