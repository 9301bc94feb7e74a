/* SPDX-License-Identifier: MIT
 *
 * Release: check that the lease is what it says, reset the model, put the slot back.
 *
 * Only the owner's own thread passes the check, and a lease passes it once, since the life of its
 * slot moves on: so from there to the end of the lease nobody else touches the slot. */
#include "base/clock.h"
#include "base/probe.h"
#include "base/text.h"
#include "pool/state.h"

#include <lend/lease.h>

/* Count how long a lease that ends has lasted: on its owner's thread, while the slot is LENT. */
__attribute__((__noinline__)) static void count_hold(lend_pool *pool, struct slot *slot,
                                                     uint64_t generation) {
    int64_t now_ns = lend__clock_coarse_ns();
    int64_t since_ns = (int64_t)word_peek(&slot->since_ns);
    word_count(&slot->holds[histogram_bucket(elapsed_ns(since_ns, now_ns))]);
    if (generation % SLOT_TURNS == 0)
        lend__tick_note_turns(pool, slot, now_ns);
}

static inline void sample(lend_pool *pool, struct slot *slot, uint64_t generation) {
    if (__builtin_expect(lease_is_sampled(generation), 0))
        count_hold(pool, slot, generation);
}

/* Is this lease of the slot going on, and the running thread's? Whoever knows a lease knows it
 * told. In the child of a fork nobody owns what the parent lent: the thread is another one there,
 * and does not return to a job that it was in the middle of (lend/job.h). */
static inline bool is_own(const struct slot *slot, uint64_t generation) {
    return slot_is_lent(slot, generation) &&
           (!SLOT_ACCOUNTED || word_peek(&slot->owner) == lend__thread_self.owner);
}

/* 0, or why this lease may not be given back here: ESTALE, EPERM. Of a lease that was detached, the
 * caller becomes the owner. */
static int refusal(const struct lend_lease *lease) {
    const lend_pool *pool = lease->pool;
    if (lease->slot >= pool->slot_count)
        return ESTALE;
    struct slot *slot = &pool->slots[lease->slot];
    if (is_own(slot, lease->generation))
        return 0;
    if (!slot_is_lent(slot, lease->generation) || word_read(&slot->told) != lease->generation)
        return ESTALE;
    return lend__slot_adopt(slot, lease->generation);
}

/* A foreign lease stays as it is, so that its owner can still give it back. */
static void refuse(struct lend_lease *lease, int error) {
    lend_pool *pool = lease->pool;
    struct slot_holder holder = {0};
    char words[128];
    struct text text = text_into(words, sizeof words);
    word_next(&pool->bad_releases);
    int slot = lease->slot < pool->slot_count ? (int)lease->slot : -1;
    lend__text_add(&text, "thread %u gave back ", owner_tid(thread_owner()));
    if (error != EPERM) {
        *lease = (struct lend_lease){0};
        lend__text_add(&text, "a copy of a lease that was over");
    } else if (slot_holder(&pool->slots[slot], &holder)) {
        lend__text_add(&text, "what is with ");
        lend__text_add_owner(&text, owner_reported_kind(holder.owner),
                             owner_reported_id(holder.owner), owner_tid(holder.owner));
    } else {
        lend__text_add(&text, "what was another's");
    }
    lend__pool_event(pool, LEND_EVENT_BAD_RELEASE, error, slot, holder.site, words);
}

/* Give the model to the keeper instead of the next borrower. Counts one of locked's totals. */
static void to_keeper(lend_pool *pool, uint32_t index, uint64_t *total) {
    struct slot *slot = &pool->slots[index];
    struct list woken = {0};
    sample(pool, slot, life_generation(word_peek(&slot->life)));
    lend__lock_acquire(&pool->lock);
    lend__pool_move(pool, slot, SLOT_RETIRING);
    slot->overdue = false;
    ++*total;
    lend__pool_survey(pool, &woken);
    lend__pool_settle(pool, &woken);
    lend__parker_wake(&pool->keeper_parker);
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
}

/* Because it does not work. The event comes first: afterwards the pool may be closed and gone. */
static void retire(lend_pool *pool, uint32_t index, enum lend_event_kind kind, int error,
                   const char *why) {
    const struct slot *slot = &pool->slots[index];
    const struct lend_site *site = (const struct lend_site *)(uintptr_t)word_peek(&slot->site);
    lend__pool_event(pool, kind, error, (int)index, site, why);
    to_keeper(pool, index, &pool->locked.broken);
}

/* Has it been lent often enough, or for long enough, to be loaded anew? */
static bool is_worn(const lend_pool *pool, const struct slot *slot) {
    const struct lend_pool_options *options = &pool->options;
    uint64_t lends = life_generation(word_peek(&slot->life)) - slot->first_generation + 1;
    if (options->recycle_lends != 0 && lends >= options->recycle_lends)
        return true;
    return options->recycle_ms != 0 &&
           elapsed_ns(slot->loaded_ns, lend__clock_coarse_ns()) / NS_PER_MS >= options->recycle_ms;
}

__attribute__((__noinline__)) static void put_back_shut(lend_pool *pool, struct slot *slot) {
    struct list woken = {0};
    lend__lock_acquire(&pool->lock);
    lend__pool_take_back(pool, slot, &woken);
    lend__thread_self.handed_on = woken.length > 0 ? pool->number : 0;
    lend__lock_release(&pool->lock);
    lend__waiters_wake(&woken);
}

/* The last touch of the pool is the swap, or leaving the lock. */
static inline bool put_back_open(lend_pool *pool, struct slot *slot, uint64_t generation) {
    PROBE(release, pool->name, (int)(slot - pool->slots));
    return gate_put(slot, generation);
}

static void put_back(lend_pool *pool, struct slot *slot, uint64_t generation) {
    if (!put_back_open(pool, slot, generation))
        put_back_shut(pool, slot);
}

typedef int model_operation(void *model, void *context, struct lend_reason *reason);

/* Reset or check, if there is such an operation. It may contain cancellation points; a thread
 * cancelled in one would leave with the model. */
static int operate(const lend_pool *pool, model_operation *operation, uint32_t index,
                   struct lend_reason *reason) {
    reason->error = 0;
    reason->text[0] = '\0';
    if (operation == NULL)
        return 0;
    int shield = lend__thread_shield();
    int error = operation(pool->slots[index].model, pool->options.ops_context, reason);
    lend__thread_unshield(shield);
    return error;
}

/* To the next borrower, or to the keeper if it is not fit for one. */
static void give_back(lend_pool *pool, uint32_t index, model_operation *check) {
    struct lend_reason reason;
    enum lend_event_kind kind = LEND_EVENT_RESET_FAILED;
    struct slot *slot = &pool->slots[index];
    uint64_t generation = life_generation(word_peek(&slot->life));
    int error = operate(pool, pool->ops.reset, index, &reason);
    if (error == 0 && check != NULL) {
        kind = LEND_EVENT_CHECK_FAILED;
        error = operate(pool, check, index, &reason);
    }
    if (error != 0) {
        retire(pool, index, kind, error, reason.text);
    } else if (pool->wears && is_worn(pool, slot)) {
        to_keeper(pool, index, &pool->locked.recycled);
    } else {
        sample(pool, slot, generation);
        put_back(pool, slot, generation);
    }
}

/* Empty the caller's lease, and say whether there is a model to give back, in *ret_lease. */
static bool surrender(struct lend_lease *lease, struct lend_lease *ret_lease) {
    if (lease == NULL)
        return false;
    if (lease->model == NULL) {
        lend_report_free(lease->report);
        *lease = (struct lend_lease){0};
        return false;
    }
    if (pool_is_foreign(lease->pool)) {
        *lease = (struct lend_lease){0};
        return false;
    }
    int error = refusal(lease);
    if (error != 0) {
        refuse(lease, error);
        return false;
    }
    *ret_lease = lend_lease_take(lease);
    lend__thread_self.held--;
    return true;
}

__attribute__((__noinline__)) static void release_slowly(struct lend_lease *lease) {
    struct lend_lease own;
    if (surrender(lease, &own))
        give_back(own.pool, own.slot, /* check= */ NULL);
}

/* What is usual, but that somebody waits; or the lease was over before. */
__attribute__((__noinline__)) static void release_shut(struct lend_lease *lease) {
    struct lend_lease own;
    if (surrender(lease, &own))
        put_back_shut(own.pool, &own.pool->slots[own.slot]);
}

/* A model that needs nothing done, and not a lease to be counted? */
static inline bool is_usual(const struct lend_lease *lease) {
    return lease->model != NULL && lease->slot < lease->pool->slot_count && lease->pool->plain &&
           !lease_is_sampled(lease->generation);
}

/* Whether the lease is going on need not be looked at: else the swap of put_back fails, since no
 * two leases of a slot have one generation. (Then a tracer has seen a release that was none.) */
void lend_release(struct lend_lease *lease) {
    if (lease == NULL)
        return;
    if (__builtin_expect(!is_usual(lease), 0)) {
        release_slowly(lease);
        return;
    }
    struct slot *slot = &lease->pool->slots[lease->slot];
    if (__builtin_expect(SLOT_ACCOUNTED && word_peek(&slot->owner) != lend__thread_self.owner, 0)) {
        release_slowly(lease);
        return;
    }
    if (__builtin_expect(!put_back_open(lease->pool, slot, lease->generation), 0)) {
        release_shut(lease);
        return;
    }
    lease->model = NULL; /* without one the rest says nothing */
    lend__thread_self.held--;
}

bool lend__pool_is_plain(const lend_pool *pool) {
    return pool->plain;
}

bool lend__lease_renew(struct lend_lease *lease, uint64_t job_number,
                       const struct lend_site *site) {
    lend_pool *pool = lease->pool;
    struct slot *slot = &pool->slots[lease->slot];
    if (!gate_renew(slot, lease->generation))
        return false;
    PROBE(release, pool->name, (int)lease->slot);
    PROBE(acquire, pool->name, (int)lease->slot);
    sample(pool, slot, lease->generation++);
    thread_job_begin(job_number);
    if (SLOT_ACCOUNTED)
        slot_tell(slot, lease->generation, lend__thread_self.owner, site, pool_now_ns(pool));
    return true;
}

void lend_release_broken(struct lend_lease *lease, const char *why) {
    struct lend_lease own;
    if (surrender(lease, &own))
        retire(own.pool, own.slot, LEND_EVENT_MODEL_BROKEN, 0, why != NULL ? why : "");
}

/* Nobody knows in what state its borrower left it: it is checked, too, before it is lent again. */
void lend__slot_reclaim(lend_pool *pool, uint32_t index, const char *who) {
    struct slot *slot = &pool->slots[index];
    const struct lend_site *site = (const struct lend_site *)(uintptr_t)word_peek(&slot->site);
    lend__pool_event(pool, LEND_EVENT_LEASE_LEFT, 0, (int)index, site, who);
    owner_word owner = word_peek(&slot->owner);
    if (owner_kind(owner) == OWNER_TASK) {
        lend__watch_task_holds(owner_number(owner), -1);
        lend__thread_self.task_held--;
    }
    lend__thread_self.held--;
    give_back(pool, index, pool->ops.check);
}

struct lend_lease lend_lease_take(struct lend_lease *lease) {
    struct lend_lease taken = {0};
    if (lease != NULL) {
        taken = *lease;
        *lease = (struct lend_lease){0};
    }
    return taken;
}

int lend_lease_error(const struct lend_lease *lease) {
    if (lease == NULL)
        return ESTALE;
    if (lease->model != NULL)
        return 0;
    return lease->error != 0 ? lease->error : ESTALE;
}

const struct lend_report *lend_lease_report(const struct lend_lease *lease) {
    return lease != NULL ? lease->report : NULL;
}
