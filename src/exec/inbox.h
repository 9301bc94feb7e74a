/* SPDX-License-Identifier: MIT
 *
 * The inbox: how a job comes in, and how a worker hears of it, without a lock. Two words:
 *
 *     entered    how many jobs have ever been let in : 63 | shut : 1
 *     newest     0, or the job that was pushed last, each with the one before it; or the sentry
 *
 * A submitter first enters: he counts himself in, while fewer have entered than `limit` says may.
 * The limit is raised by those who make room, under the lock, and never lowered; so "full" is
 * exact, and an old look at the limit errs to the safe side. While the gate is shut, only the
 * holder of executor->lock lets anybody in: so "is there room" and "does nobody wait for room" are
 * one step.
 *
 * Then he pushes his job. The sentry is the one sleeping worker that is to be called for the next
 * job; its mark stands in `newest` while the inbox is empty. Whoever pushes over the mark has taken
 * it, and owes that worker its one wake. So "here is a job" and "somebody must be woken" are one
 * step too, and nobody is woken twice; in vain only if a busy worker was faster with the job:
 *
 *   no wake-up is lost   A worker sleeps only after it has put its mark into an empty inbox, or
 *                        beside a sentry (state.h). The mark goes in by compare-and-swap from
 *                        0: a job pushed before makes that fail, one pushed after finds the mark.
 *   nothing is freed     The push is the last that a submitter does with the executor. Its job may
 *   under a submitter    be over and the executor closed by then, but not without the sentry: a
 *                        worker that was not woken does not end.
 *   nothing is unseen    Who has entered and not pushed yet is known of: jobs accepted are fewer
 *                        than have entered.
 *
 * Who takes jobs out walks from each to the one before it, and would wait for each while its memory
 * comes over from the submitter's core. So each job also names one that was pushed a few before it,
 * whose memory is fetched then and is there when the walk comes to it (tests/bench/README.md). */
#ifndef LEND_SRC_EXEC_INBOX_H
#define LEND_SRC_EXEC_INBOX_H

#include "base/assert.h"
#include "base/memory.h"
#include "sync/word.h"

#include <stddef.h>

#define INBOX_SHUT UINT64_C(1)
#define INBOX_ONE UINT64_C(2)
#define INBOX_SENTRY UINT64_C(1) /* in `newest`: the rest is a sentry's address, not a job's */

/* How many before. */
#define INBOX_AHEAD 8

struct inbox_node {
    struct inbox_node *older;
    uint64_t ahead; /* an address to fetch from; what was there may be over and gone */
};

struct inbox {
    struct word entered;
    struct word limit_seen; /* by submitters, the last time: `limit` is on the workers' line */
    struct word newest;
    _Alignas(CACHE_LINE) struct word recent[INBOX_AHEAD]; /* where the last jobs pushed lie */
    _Alignas(CACHE_LINE) struct word limit;               /* written under executor->lock */
};

enum inbox_entry { INBOX_ENTERED, INBOX_FULL, INBOX_BARRED };

static inline void inbox_init(struct inbox *inbox, uint64_t limit, bool shut) {
    *inbox = (struct inbox){0};
    word_init(&inbox->entered, shut ? INBOX_SHUT : 0);
    word_init(&inbox->limit, limit);
}

static inline uint64_t inbox_entered(const struct inbox *inbox) {
    return word_read(&inbox->entered) / INBOX_ONE;
}

static inline bool inbox_is_full(struct inbox *inbox, uint64_t entered) {
    if (entered < word_peek(&inbox->limit_seen))
        return false;
    uint64_t limit = word_read(&inbox->limit);
    word_poke(&inbox->limit_seen, limit);
    return entered >= limit;
}

/* *ret_before: how many had entered before him. */
static inline enum inbox_entry inbox_enter(struct inbox *inbox, uint64_t *ret_before) {
    uint64_t seen = word_read(&inbox->entered);
    do {
        if ((seen & INBOX_SHUT) != 0)
            return INBOX_BARRED;
        if (inbox_is_full(inbox, seen / INBOX_ONE))
            return INBOX_FULL;
    } while (!word_swap(&inbox->entered, &seen, seen + INBOX_ONE));
    *ret_before = seen / INBOX_ONE;
    return INBOX_ENTERED;
}

/* Under the lock, past the gate. */
static inline bool inbox_enter_locked(struct inbox *inbox) {
    uint64_t seen = word_read(&inbox->entered);
    do
        if (seen / INBOX_ONE >= word_peek(&inbox->limit))
            return false;
    while (!word_swap(&inbox->entered, &seen, seen + INBOX_ONE));
    return true;
}

/* Under the lock: there is room for one more. */
static inline void inbox_raise_limit(struct inbox *inbox) {
    word_publish(&inbox->limit, word_peek(&inbox->limit) + 1);
}

/* Under the lock. Always a change of the word, or what counts as one: who enters after it sees all
 * that was done before. */
static inline void inbox_set_gate(struct inbox *inbox, bool shut) {
    uint64_t seen = word_peek(&inbox->entered);
    while (!word_swap(&inbox->entered, &seen, (seen & ~INBOX_SHUT) | (shut ? INBOX_SHUT : 0)))
        ;
}

static inline bool inbox_is_shut(const struct inbox *inbox) {
    return (word_peek(&inbox->entered) & INBOX_SHUT) != 0;
}

static inline uint64_t inbox_mark(const void *sentry) {
    return (uint64_t)(uintptr_t)sentry | INBOX_SENTRY;
}

/* By who has entered when so many had before. Returns the sentry that is now to be woken, or NULL.
 */
static inline void *inbox_push(struct inbox *inbox, struct inbox_node *node, uint64_t before) {
    struct word *recent = &inbox->recent[before % INBOX_AHEAD];
    node->ahead = word_peek(recent);
    word_poke(recent, (uint64_t)(uintptr_t)node);
    uint64_t seen = word_read(&inbox->newest);
    do
        node->older = (seen & INBOX_SENTRY) != 0 ? NULL : (struct inbox_node *)(uintptr_t)seen;
    while (!word_swap(&inbox->newest, &seen, (uint64_t)(uintptr_t)node));
    return (seen & INBOX_SENTRY) != 0 ? (void *)(uintptr_t)(seen & ~INBOX_SENTRY) : NULL;
}

/* The rest under the lock. */

static inline bool inbox_has_jobs(const struct inbox *inbox) {
    uint64_t seen = word_peek(&inbox->newest);
    return seen != 0 && (seen & INBOX_SENTRY) == 0;
}

/* All that was pushed, oldest first, through `older`. The word is written in any case, the mark
 * over itself: who pushes after it sees all that was done before. */
static inline struct inbox_node *inbox_take_all(struct inbox *inbox) {
    uint64_t seen = word_read(&inbox->newest);
    while (!word_swap(&inbox->newest, &seen, (seen & INBOX_SENTRY) != 0 ? seen : 0))
        ;
    if ((seen & INBOX_SENTRY) != 0)
        return NULL;
    struct inbox_node *oldest = NULL;
    for (struct inbox_node *node = (struct inbox_node *)(uintptr_t)seen; node != NULL;) {
        struct inbox_node *older = node->older;
        __builtin_prefetch((void *)(uintptr_t)node->ahead, /* to be written= */ 1);
        node->older = oldest;
        oldest = node;
        node = older;
    }
    return oldest;
}

/* Put a sentry's mark into the inbox. False if a job was faster. */
static inline bool inbox_post(struct inbox *inbox, const void *sentry) {
    uint64_t seen = 0;
    while (!word_swap(&inbox->newest, &seen, inbox_mark(sentry)))
        if (seen != 0)
            return false;
    return true;
}

/* Take the mark away again. False if somebody has taken it, and wakes the sentry. */
static inline bool inbox_recall(struct inbox *inbox, const void *sentry) {
    uint64_t seen = inbox_mark(sentry);
    while (!word_swap(&inbox->newest, &seen, 0))
        if (seen != inbox_mark(sentry))
            return false;
    return true;
}

#endif
