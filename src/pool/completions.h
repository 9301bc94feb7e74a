/* SPDX-License-Identifier: MIT
 *
 * struct lend_completions, and what is posted to it: answers, each a field of the request that it
 * answers, so that posting takes no memory and cannot fail.
 *
 *     EXPECTED ---> READY ---> CALLING
 *         |           |
 *         +-----------+--> WITHDRAWN
 *
 * An answer is EXPECTED from the moment it was asked for, READY while it is in the list, and
 * CALLING while its callback runs. Who withdraws it does so while it is one of the first two, and
 * has to see to what it answers; then the callback never runs. Whoever was about to post it finds
 * it WITHDRAWN, and lets it go in the withdrawer's place.
 *
 * ONCE   an answer is posted once and called once, or it was withdrawn
 * BELL   after every region under the lock: the bell rings if the list is not empty, and if it is
 *        empty and nobody runs the queue, it does not. So a burst of answers rings once
 * ALIVE  a queue is freed only when nothing in it is EXPECTED, READY or CALLING, nobody runs it,
 *        and who found his answer withdrawn has let it go (`leaving`)
 *
 * Locks: completions->lock, then a pool's or an executor's. Never the watch's, before or after: who
 * posts holds no lock at all. No callback runs under it. */
#ifndef LEND_SRC_POOL_COMPLETIONS_H
#define LEND_SRC_POOL_COMPLETIONS_H

#include "base/list.h"
#include "sync/bell.h"
#include "sync/lock.h"

#include <lend/completions.h>

enum answer_stage { ANSWER_EXPECTED, ANSWER_READY, ANSWER_CALLING, ANSWER_WITHDRAWN };

struct answer {
    lend_completions *queue; /* constant */

    /* Constant. By the queue's runner, no lock is held: call back, then free what this is a field
     * of. `finish` comes after `call` however that leaves: return, pthread_exit, cancellation. */
    void (*call)(struct answer *answer);
    void (*finish)(struct answer *answer);

    struct list_node node;   /* under the queue's lock */
    enum answer_stage stage; /* under the queue's lock */
};

struct lend_completions {
    struct bell bell;
    uint64_t era; /* sync/fork.h */

    struct lock lock;
    struct {                 /* under lock */
        struct list ready;   /* of struct answer.node, oldest first */
        uint32_t expected;   /* answers that are not over: EXPECTED, READY or CALLING */
        uint32_t leaving;    /* WITHDRAWN, and not let go so far */
        uint32_t runner_tid; /* of the thread that runs it, or 0 */
        bool rings;
        bool closed;
    } locked;
};

/* Is it the queue of a process that this one was forked from? */
bool lend__completions_are_foreign(const lend_completions *queue);

/* Something is asked for: `answer` is zeroed but for its constants. */
void lend__answer_expect(struct answer *answer);

/* It was refused at once: nothing will come. */
void lend__answer_forget(struct answer *answer);

/* Under the queue's lock: into the list. False if it was withdrawn: then it is the caller's to let
 * go, once the lock is left. */
bool lend__answer_post(struct answer *answer);

/* Under the queue's lock: 0, or EALREADY if its callback has begun. *ret_ready says whether it was
 * in the list, and so is the caller's to let go; if not, whoever has it will. */
int lend__answer_withdraw(struct answer *answer, bool *ret_ready);

/* A withdrawn answer is gone. May free the queue. No lock is held. */
void lend__completions_let_go(lend_completions *queue);

#endif
