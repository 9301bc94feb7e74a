/* SPDX-License-Identifier: MIT
 *
 * The watch. Nothing is allocated but the steps that a refused wait is given for its report. */
#include "pool/watch.h"

#include "base/clock.h"
#include "base/memory.h"
#include "pool/slot.h"
#include "sync/lock.h"

#include <string.h>

#define HASH_BITS 8

/* One for the process: a thread may hold models of any pools. */
static struct watch {
    struct lock lock;
    struct wait *shown[1 << HASH_BITS]; /* by the thread's id; under lock */
    uint64_t walks;                     /* under lock */
} watch = {.lock = LOCK_INIT};

struct walk {
    uint64_t number;
    struct wait *first, *last; /* met so far, through `later` */
};

/* Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4). */
static struct wait **chain_of(uint32_t tid) {
    return &watch.shown[tid * UINT32_C(2654435769) >> (32 - HASH_BITS)];
}

static struct wait *find(uint32_t tid) {
    struct wait *wait = *chain_of(tid);
    while (wait != NULL && owner_tid(wait->owner) != tid)
        wait = wait->next;
    return wait;
}

static void meet(struct walk *walk, struct wait *wait) {
    if (wait->walk == walk->number)
        return;
    wait->walk = walk->number;
    wait->later = NULL;
    wait->tied = NULL;
    if (walk->last != NULL)
        walk->last->later = wait;
    else
        walk->first = wait;
    walk->last = wait;
}

bool lend__watch_meets(struct walk *walk, struct wait *wait, struct tie tie) {
    struct wait *met = find(tie.tid);
    if (met == NULL)
        return true;
    meet(walk, met);
    if (wait->tied == NULL) {
        wait->tied = met;
        wait->tie = tie;
    }
    return false;
}

struct wait *lend__watch_judge(struct wait *newest) {
    struct walk walk = {.number = ++watch.walks};
    meet(&walk, newest);
    struct wait *first_to_end = newest;
    for (struct wait *wait = walk.first; wait != NULL; wait = wait->later) {
        if (wait->ops->may_end(wait, &walk))
            return NULL;
        if (wait->deadline.at_ns < first_to_end->deadline.at_ns)
            first_to_end = wait;
    }
    return first_to_end;
}

static void fill_step(struct lend_step *step, const struct wait *wait, int64_t now_ns) {
    *step = (struct lend_step){
        .kind = owner_reported_kind(wait->owner),
        .id = owner_reported_id(wait->owner),
        .tid = owner_tid(wait->owner),
        .waited_ns = elapsed_ns(wait->since_ns, now_ns),
        .site = wait->site,
        .holder_tid = wait->tie.tid,
        .slot = wait->tie.slot,
        .held_ns = wait->tie.since_ns != 0 ? elapsed_ns(wait->tie.since_ns, now_ns) : 0,
        .held_site = wait->tie.site,
    };
    wait->ops->name(wait, step->awaits, sizeof step->awaits);
}

/* From the victim along the ties, until they come round. */
static struct steps *trace(struct wait *victim) {
    uint64_t number = ++watch.walks;
    size_t count = 0;
    struct wait *next = victim;
    do {
        next->walk = number;
        next = next->tied;
        count++;
    } while (next != NULL && next->walk != number);
    struct steps *steps = lend__memory_new(sizeof *steps + count * sizeof steps->list[0]);
    if (steps == NULL)
        return NULL;
    int64_t now_ns = lend__clock_now_ns();
    for (struct wait *wait = victim; steps->count < count; wait = wait->tied)
        fill_step(&steps->list[steps->count++], wait, now_ns);
    return steps;
}

static void judge_and_refuse(struct wait *newest) {
    struct wait *victim = lend__watch_judge(newest);
    if (victim == NULL)
        return;
    victim->steps = trace(victim);
    victim->ops->refuse(victim);
}

void lend__watch_show(struct wait *wait) {
    lend__lock_acquire(&watch.lock);
    struct wait **chain = chain_of(owner_tid(wait->owner));
    wait->next = *chain;
    *chain = wait;
    judge_and_refuse(wait);
    lend__lock_release(&watch.lock);
}

void lend__watch_hide(struct wait *wait) {
    lend__lock_acquire(&watch.lock);
    struct wait **link = chain_of(owner_tid(wait->owner));
    while (*link != wait)
        link = &(*link)->next;
    *link = wait->next;
    lend__lock_release(&watch.lock);
}

void lend__watch_review(void) {
    lend__lock_acquire(&watch.lock);
    for (size_t i = 0; i < sizeof watch.shown / sizeof watch.shown[0]; i++)
        for (struct wait *wait = watch.shown[i]; wait != NULL; wait = wait->next)
            judge_and_refuse(wait);
    lend__lock_release(&watch.lock);
}

void lend__watch_lock(void) {
    lend__lock_acquire(&watch.lock);
}

void lend__watch_unlock(void) {
    lend__lock_release(&watch.lock);
}

void lend__watch_clear(void) {
    memset(watch.shown, 0, sizeof watch.shown);
}
