/* SPDX-License-Identifier: MIT
 *
 * Slots: the place of one model, its life, and who has it.
 *
 *     FREE      idle: may be lent
 *     LENT      with a borrower
 *     RETIRING  its model is to go
 *     LOADING   without a model until it is loaded; or idle before, and being renewed or checked:
 *               then it keeps its model until it is known that it can be done without
 *     LOST      without a model: loading failed, and is tried again after a pause
 *     ABSENT    not part of the pool: beyond its present size
 *
 *     FREE     -> LENT               acquire, grant
 *     FREE     -> LOADING            an idle model is renewed or checked
 *     FREE     -> RETIRING           one too many
 *     LENT     -> FREE               release
 *     LENT     -> RETIRING           release: broken, reset failed, worn, one too many
 *     LENT     -> LOADING            release of one that is to be renewed
 *     RETIRING -> LOADING | ABSENT   unloaded
 *     LOADING  -> FREE | LOST        loaded, or not
 *     LOADING  -> RETIRING           found unfit by a check; loaded, but one too many by then
 *     LOST     -> LOADING | ABSENT
 *     ABSENT   -> LOST               one too few; due at once
 *
 * Who may touch a slot is the one that moves it:
 *   FREE     whoever takes it (gate.h)
 *   LENT     the lease's owner; its thread alone gives it back
 *   others   while there is `work` on it, the mender that has it as its chore, which alone touches
 *            the model and moves the slot; else whoever has pool->lock: the keeper, a mender that
 *            looks for its next chore, the closer. States change under pool->lock
 *
 * Work that is late makes a slot `stuck`: it stays the mender's, with whatever model it has, and
 * is counted as RETIRING or LOADING still, but is not hoped for (HOPE) until the work returns.
 *
 * State, gate and generation are one word, so that to be free, to be takeable and to be taken are
 * one thing. The generation counts the leases of the slot: a lease is valid exactly while life is
 * {its generation, LENT}. All fields that somebody else may read meanwhile (a report) are words. */
#ifndef LEND_SRC_POOL_SLOT_H
#define LEND_SRC_POOL_SLOT_H

#include "base/clock.h"
#include "base/histogram.h"
#include "base/list.h"
#include "base/memory.h"
#include "sync/thread.h"
#include "sync/word.h"

#include <lend/report.h>
#include <lend/site.h>

enum slot_state {
    SLOT_ABSENT,
    SLOT_FREE,
    SLOT_LENT,
    SLOT_RETIRING,
    SLOT_LOADING,
    SLOT_LOST,
};

#define LIFE_STATE_BITS 3
#define LIFE_SHUT (UINT64_C(1) << LIFE_STATE_BITS)
#define LIFE_GENERATION_SHIFT (LIFE_STATE_BITS + 1)

/* A benchmark compiles the core once more without, to see what it costs to know who has what. */
#ifdef LEND_UNACCOUNTED
#define SLOT_ACCOUNTED false
#else
#define SLOT_ACCOUNTED true
#endif

/* How long leases were held is counted for the first ones of a slot and then for a share of them:
 * reading the clock once more would cost a third of an uncontended pair. */
#define HOLDS_FIRST 64
#define HOLDS_SHARE 16

/* After so many leases its owner looks how fast they followed each other (tick.c). */
#define SLOT_TURNS 4096

/* The operation of a model that is under way in the background. */
enum slot_work {
    WORK_NONE,
    WORK_UNLOAD, /* RETIRING; or LOADING, and there is another model for it */
    WORK_LOAD,   /* and check: LOADING */
    WORK_CHECK,  /* LOADING, with its model */
};

struct slot {
    /* one line: all that an uncontended pair touches */
    _Alignas(CACHE_LINE) struct word life; /* generation << 4 | shut << 3 | state */
    void *model;                           /* NULL while ABSENT and LOST, and LOADING anew */
    struct word told;     /* the generation of the lease that the next three speak of */
    struct word owner;    /* owner_word */
    struct word since_ns; /* coarse clock */
    struct word site;     /* const struct lend_site * */
    /* of the model; set by who loads it, read by who has it */
    uint64_t first_generation; /* of its leases */
    int64_t loaded_ns;

    _Alignas(CACHE_LINE) struct word holds[LEND_HISTOGRAM_BUCKETS]; /* counted by each owner */
    int64_t turned_ns;  /* the owner's: the time of the last SLOT_TURNS-th lease */
    int64_t checked_ns; /* as loaded_ns: when the model was last found fit. Not by the coarse
                           clock: with checks more often than it ticks, one would always be due */

    /* under pool->lock */
    struct list_node entry; /* in pool->locked.open or .idle, or nowhere */
    uint64_t edition;       /* of the pool, when it was loaded */
    uint32_t failures;      /* loads that failed in a row */
    int64_t retry_at_ns;    /* while LOST: when to load again */
    bool overdue;           /* while LENT: to a job that overran its deadline */
    enum slot_work work;
    bool stuck; /* the work has not returned for options.load_alarm_ms; never without work */
    int64_t work_since_ns;

    /* the keeper's own */
    uint64_t alarmed; /* the generation of the last lease that was told to be held long */
};

static inline uint64_t life_make(uint64_t generation, enum slot_state state) {
    return generation << LIFE_GENERATION_SHIFT | (uint64_t)state;
}

static inline enum slot_state life_state(uint64_t life) {
    return (enum slot_state)(life & (LIFE_SHUT - 1));
}

static inline uint64_t life_generation(uint64_t life) {
    return life >> LIFE_GENERATION_SHIFT;
}

static inline enum slot_state slot_state(const struct slot *slot) {
    return life_state(word_read(&slot->life));
}

/* Is this lease of the slot going on? */
static inline bool slot_is_lent(const struct slot *slot, uint64_t generation) {
    return (word_read(&slot->life) & ~LIFE_SHUT) == life_make(generation, SLOT_LENT);
}

/* Say who has a slot that has just become LENT. `told` comes last, and all are published: a reader
 * who sees it sees the rest, and who sees a field of a later lease sees the life of this one ended
 * (slot_holder). */
static inline void slot_tell(struct slot *slot, uint64_t generation, owner_word owner,
                             const struct lend_site *site, int64_t now_ns) {
    word_publish(&slot->owner, owner);
    word_publish(&slot->since_ns, (uint64_t)now_ns);
    word_publish(&slot->site, (uint64_t)(uintptr_t)site);
    word_publish(&slot->told, generation);
}

/* Is this one of the leases whose length is counted? */
static inline bool lease_is_sampled(uint64_t generation) {
    return SLOT_ACCOUNTED && (generation <= HOLDS_FIRST || generation % HOLDS_SHARE == 0);
}

/* The same as reports have it. */
static inline enum lend_owner_kind owner_reported_kind(owner_word owner) {
    static const enum lend_owner_kind reported[] = {
        [OWNER_NONE] = LEND_OWNER_THREAD, [OWNER_THREAD] = LEND_OWNER_THREAD,
        [OWNER_JOB] = LEND_OWNER_JOB,     [OWNER_DETACHED] = LEND_OWNER_DETACHED,
        [OWNER_TASK] = LEND_OWNER_TASK,
    };
    return reported[owner_kind(owner)];
}

static inline uint64_t owner_reported_id(owner_word owner) {
    bool numbered = owner_kind(owner) == OWNER_JOB || owner_kind(owner) == OWNER_TASK;
    return numbered ? owner_number(owner) : owner_tid(owner);
}

/* Who has the slot, read without a lock while it may change hands; false if nobody has, it changed
 * hands meanwhile, or whoever has just taken it has not said so yet. The second look at `life`
 * catches a mixture of two leases; that the gate was shut in between does not matter. */
struct slot_holder {
    owner_word owner;
    int64_t since_ns;
    const struct lend_site *site;
};

static inline bool slot_holder(const struct slot *slot, struct slot_holder *ret_holder) {
    uint64_t life = word_read(&slot->life);
    if (life_state(life) != SLOT_LENT || word_read(&slot->told) != life_generation(life))
        return false;
    ret_holder->owner = word_read(&slot->owner);
    ret_holder->since_ns = (int64_t)word_read(&slot->since_ns);
    ret_holder->site = (const struct lend_site *)(uintptr_t)word_read(&slot->site);
    return slot_is_lent(slot, life_generation(life));
}

#endif
