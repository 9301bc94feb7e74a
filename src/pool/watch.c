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
#define TASK_HASH_BITS 10

/* One for the process: a thread may hold models of any pools. */
static struct watch {
    struct lock lock;
    struct wait *shown[1 << HASH_BITS]; /* by who waits; under lock */
    uint64_t walks;                     /* under lock */

    /* How many leases tasks have, by their numbers: of some that hash alike, together. At least as
     * many as each of them has, which is all that is asked. */
    struct word held[1 << TASK_HASH_BITS];
} watch = {.lock = LOCK_INIT};

struct walk {
    uint64_t number;
    struct wait *first, *last; /* met so far, through `later` */
    bool forks;                /* somebody was met whom two waits hold up */
};

/* Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4). */
static uint64_t hash(uint64_t key, unsigned bits) {
    return key * UINT64_C(11400714819323198485) >> (64 - bits);
}

/* Who waits, as one number: a thread by its id, whatever it borrows as, or a task. */
static uint64_t thread_key(uint32_t tid) {
    return tid;
}

static uint64_t task_key(uint64_t task) {
    return owner_make(OWNER_TASK, 0, task);
}

static uint64_t key_of(const struct wait *wait) {
    bool is_task = owner_kind(wait->owner) == OWNER_TASK;
    return is_task ? task_key(owner_number(wait->owner)) : thread_key(owner_tid(wait->owner));
}

static struct wait **chain_of(uint64_t key) {
    return &watch.shown[hash(key, HASH_BITS)];
}

static struct wait *find_from(struct wait *wait, uint64_t key) {
    while (wait != NULL && key_of(wait) != key)
        wait = wait->next;
    return wait;
}

/* The only wait of whoever it is: NULL if there is none or more. */
static struct wait *find(uint64_t key) {
    struct wait *wait = find_from(*chain_of(key), key);
    return wait != NULL && find_from(wait->next, key) == NULL ? wait : NULL;
}

static void meet(struct walk *walk, struct wait *wait) {
    if (wait->walk == walk->number)
        return;
    wait->walk = walk->number;
    wait->later = NULL;
    wait->tied = NULL;
    wait->ends = false;
    if (walk->last != NULL)
        walk->last->later = wait;
    else
        walk->first = wait;
    walk->last = wait;
}

/* Does the other wait, if there is one, hold up somebody who could end this one? */
static bool is_held_up(struct walk *walk, struct wait *wait, struct wait *other,
                       const struct tie *tie) {
    if (other == NULL)
        return false;
    meet(walk, other);
    if (other->ends)
        return false;
    if (wait->tied == NULL) {
        wait->tied = other;
        wait->tie = *tie;
    }
    return true;
}

bool lend__watch_meets(struct walk *walk, struct wait *wait, struct tie tie) {
    struct wait *of_thread = find(thread_key(tie.tid));
    struct wait *of_task = tie.task != 0 ? find(task_key(tie.task)) : NULL;
    walk->forks = walk->forks || (of_thread != NULL && of_task != NULL);
    bool by_thread = is_held_up(walk, wait, of_thread, &tie);
    bool by_task = is_held_up(walk, wait, of_task, &tie);
    return !by_thread && !by_task;
}

/* Look at all that were met, and at those who are met by that. As long as nobody was met whom two
 * waits hold up, whoever ends has all ends before him: the newest does too. */
static bool look_once(struct walk *walk, bool *ret_newest_ends) {
    bool found = false;
    for (struct wait *wait = walk->first; wait != NULL; wait = wait->later) {
        if (wait->ends)
            continue;
        wait->tied = NULL;
        wait->ends = wait->ops->may_end(wait, walk);
        found = found || wait->ends;
        if (wait->ends && !walk->forks)
            walk->first->ends = true;
        if (walk->first->ends)
            break;
    }
    *ret_newest_ends = walk->first->ends;
    return found;
}

struct wait *lend__watch_judge(struct wait *newest) {
    struct walk walk = {.number = ++watch.walks};
    bool ends = false;
    meet(&walk, newest);
    while (look_once(&walk, &ends) && !ends)
        ;
    if (ends)
        return NULL;
    struct wait *first_to_end = newest;
    for (struct wait *wait = walk.first; wait != NULL; wait = wait->later)
        if (!wait->ends && wait->deadline.at_ns < first_to_end->deadline.at_ns)
            first_to_end = wait;
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
        .holder_task = wait->tie.task,
        .slot = wait->tie.slot,
        .held_ns = wait->tie.since_ns != 0 ? elapsed_ns(wait->tie.since_ns, now_ns) : 0,
        .held_site = wait->tie.site,
    };
    struct text awaits = text_into(step->awaits, sizeof step->awaits);
    wait->ops->name(wait, &awaits);
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

/* Each round decides one of them. */
static void judge_and_refuse(struct wait *newest, struct list *woken) {
    for (struct wait *victim; (victim = lend__watch_judge(newest)) != NULL;) {
        victim->steps = trace(victim);
        victim->ops->refuse(victim, woken);
    }
}

void lend__watch_enter(struct wait *wait, struct list *woken) {
    struct wait **chain = chain_of(key_of(wait));
    wait->next = *chain;
    *chain = wait;
    judge_and_refuse(wait, woken);
}

void lend__watch_show(struct wait *wait) {
    struct list woken = {0};
    lend__lock_acquire(&watch.lock);
    lend__watch_enter(wait, &woken);
    lend__lock_release(&watch.lock);
    lend__waiters_wake(&woken);
}

void lend__watch_hide(struct wait *wait) {
    lend__lock_acquire(&watch.lock);
    struct wait **link = chain_of(key_of(wait));
    while (*link != wait)
        link = &(*link)->next;
    *link = wait->next;
    lend__lock_release(&watch.lock);
}

void lend__watch_review(void) {
    struct list woken = {0};
    lend__lock_acquire(&watch.lock);
    for (size_t i = 0; i < sizeof watch.shown / sizeof watch.shown[0]; i++)
        for (struct wait *wait = watch.shown[i]; wait != NULL; wait = wait->next)
            judge_and_refuse(wait, &woken);
    lend__lock_release(&watch.lock);
    lend__waiters_wake(&woken);
}

void lend__watch_task_holds(uint64_t task, int change) {
    word_add(&watch.held[hash(task, TASK_HASH_BITS)], change);
}

bool lend__watch_task_may_be_awaited(uint64_t task) {
    return word_peek(&watch.held[hash(task, TASK_HASH_BITS)]) != 0;
}

void lend__watch_lock(void) {
    lend__lock_acquire(&watch.lock);
}

void lend__watch_unlock(void) {
    lend__lock_release(&watch.lock);
}

void lend__watch_clear(void) {
    memset(watch.shown, 0, sizeof watch.shown);
    for (size_t i = 0; i < sizeof watch.held / sizeof watch.held[0]; i++)
        word_poke(&watch.held[i], 0);
}
