/* SPDX-License-Identifier: MIT
 *
 * What becomes of pools in the child of a fork: nothing is lent by them, nothing given back, no
 * lock of theirs taken, no model touched. Every call says EOWNERDEAD. The two locks of the process
 * are held across the fork, so that the child finds what they guard in order. */
#include "sync/fork.h"
#include "pool/registry.h"
#include "pool/state.h"

static struct word handled;

static void prepare(void) {
    lend__watch_lock();
    lend__registry_lock();
}

static void release(void) {
    lend__registry_unlock();
    lend__watch_unlock();
}

/* The fast path of acquire looks no further than this: no thread remembers a slot of such a pool,
 * and the walk ends before it begins. */
static void disown(lend_pool *pool) {
    pool->number = UINT64_MAX;
    word_poke(&pool->gate, 1);
}

/* This thread is another one now, and holds nothing. */
static void child(void) {
    word_publish(&handled, FORKS_HANDLED);
    lend__registry_clear(disown);
    lend__watch_clear();
    lend__thread_self.owner = lend__thread_self.identity = 0;
    lend__thread_self.held = lend__thread_self.task_held = 0;
    release();
}

int lend__fork_prepare(void) {
    return lend__fork_handle(&handled, prepare, release, child);
}
