/* SPDX-License-Identifier: MIT
 *
 * Slots: the place of one model, its life, and who has it.
 *
 *     FREE      idle, on the idle stack (or taken off it this moment)
 *     LENT      with a borrower
 *     RETIRING  its model is to go
 *     LOADING   without a model until it is loaded; or idle before, and being renewed or checked:
 *               then it keeps its model until it is known that it can be done without
 *     LOST      without a model: loading failed, and is tried again after a pause
 *     ABSENT    not part of the pool: beyond its present size
 *
 *     FREE     -> LENT               acquire, grant
 *     FREE     -> LOADING            the keeper renews or checks an idle model
 *     FREE     -> RETIRING           one too many
 *     LENT     -> FREE               release
 *     LENT     -> RETIRING           release: broken, reset failed, worn, one too many
 *     LENT     -> LOADING            release of one that is to be renewed
 *     RETIRING -> LOADING | ABSENT   unloaded
 *     LOADING  -> FREE | LOST        loaded, or not
 *     LOADING  -> RETIRING           found unfit by a check
 *     LOST     -> LOADING | ABSENT
 *     ABSENT   -> LOST               one too few; due at once
 *
 * Who may touch a slot is the one that moves it:
 *   FREE     whoever takes it off the idle stack (idle.h); nobody while it is on it
 *   LENT     the lease's owner; its thread alone gives it back
 *   others   the keeper, and the closer once the keeper was joined; states change under pool->lock
 *
 * The generation in `life` counts the leases of the slot: a lease is valid exactly while life is
 * {its generation, LENT}. All fields that somebody else may read meanwhile (a report) are words. */
#ifndef LEND_SRC_POOL_SLOT_H
#define LEND_SRC_POOL_SLOT_H

#include "base/histogram.h"
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

#define SLOT_STATE_BITS 3

struct slot {
    _Alignas(CACHE_LINE) struct word life; /* generation << 3 | state */
    struct word next;                      /* the slot below on the idle stack */
    void *model;                           /* NULL while ABSENT and LOST, and LOADING anew */
    struct word owner;                     /* owner_word; these three: of the last lease */
    struct word since_ns;                  /* coarse clock */
    struct word site;                      /* const struct lend_site * */

    _Alignas(CACHE_LINE) struct word holds[LEND_HISTOGRAM_BUCKETS]; /* counted by each owner */
    /* of the model in it; set by who loads it, read by who has it */
    uint64_t first_generation; /* of its leases */
    int64_t loaded_ns;
    int64_t checked_ns; /* when it was last found fit: loaded or checked */
    /* under pool->lock */
    uint64_t edition;    /* of the pool, when it was loaded */
    uint32_t failures;   /* loads that failed in a row */
    int64_t retry_at_ns; /* while LOST: when to load again */
    bool overdue;        /* while LENT: to a job that overran its deadline */
    /* the keeper's own */
    uint64_t alarmed; /* the generation of the last lease that was told to be held long */
};

static inline uint64_t life_make(uint64_t generation, enum slot_state state) {
    return generation << SLOT_STATE_BITS | (uint64_t)state;
}

static inline enum slot_state life_state(uint64_t life) {
    return (enum slot_state)(life & ((1u << SLOT_STATE_BITS) - 1));
}

static inline uint64_t life_generation(uint64_t life) {
    return life >> SLOT_STATE_BITS;
}

static inline enum slot_state slot_state(const struct slot *slot) {
    return life_state(word_read(&slot->life));
}

/* Move to another state within the same generation. */
static inline void slot_become(struct slot *slot, enum slot_state state) {
    word_publish(&slot->life, life_make(life_generation(word_peek(&slot->life)), state));
}

/* Begin a lease of a slot that was just taken off the stack. The owner comes before the life that
 * makes it valid, and each is published: a reader who sees a field of the new lease sees the life
 * of the old one ended (slot_holder). Returns the generation. */
static inline uint64_t slot_lend(struct slot *slot, owner_word owner, const struct lend_site *site,
                                 int64_t now_ns) {
    uint64_t generation = life_generation(word_peek(&slot->life)) + 1;
    word_publish(&slot->owner, owner);
    word_publish(&slot->since_ns, (uint64_t)now_ns);
    word_publish(&slot->site, (uint64_t)(uintptr_t)site);
    word_publish(&slot->life, life_make(generation, SLOT_LENT));
    return generation;
}

/* End the lease: on the owner's thread, before anybody else can have the slot. */
static inline void slot_end_lease(struct slot *slot, int64_t now_ns, enum slot_state next) {
    int64_t since_ns = (int64_t)word_peek(&slot->since_ns);
    int64_t held_ns = now_ns > since_ns ? now_ns - since_ns : 0;
    word_count(&slot->holds[histogram_bucket(held_ns)]);
    slot_become(slot, next);
}

/* The same as reports have it. */
static inline enum lend_owner_kind owner_reported_kind(owner_word owner) {
    switch (owner_kind(owner)) {
    case OWNER_JOB:
        return LEND_OWNER_JOB;
    case OWNER_DETACHED:
        return LEND_OWNER_DETACHED;
    case OWNER_TASK:
        return LEND_OWNER_TASK;
    case OWNER_NONE:
    case OWNER_THREAD:
        return LEND_OWNER_THREAD;
    }
    return LEND_OWNER_THREAD;
}

static inline uint64_t owner_reported_id(owner_word owner) {
    bool numbered = owner_kind(owner) == OWNER_JOB || owner_kind(owner) == OWNER_TASK;
    return numbered ? owner_number(owner) : owner_tid(owner);
}

/* Who has the slot, read without a lock while it may change hands; false if nobody has, or it
 * changed hands meanwhile. The second look at `life` catches a mixture of two leases. */
struct slot_holder {
    owner_word owner;
    int64_t since_ns;
    const struct lend_site *site;
};

static inline bool slot_holder(const struct slot *slot, struct slot_holder *ret_holder) {
    uint64_t life = word_read(&slot->life);
    if (life_state(life) != SLOT_LENT)
        return false;
    ret_holder->owner = word_read(&slot->owner);
    ret_holder->since_ns = (int64_t)word_read(&slot->since_ns);
    ret_holder->site = (const struct lend_site *)(uintptr_t)word_read(&slot->site);
    return word_peek(&slot->life) == life;
}

#endif
