/* SPDX-License-Identifier: MIT
 *
 * Forks on pthread_atfork. */
#include "sync/fork.h"

#include <pthread.h>

struct word lend__fork_era;

static pthread_once_t era_once = PTHREAD_ONCE_INIT;

static void begin_era(void) {
    word_count(&lend__fork_era);
}

static void mind_eras(void) {
    pthread_atfork(NULL, NULL, begin_era);
}

/* Child handlers run in the order in which they were registered: the era begins first. */
void lend__fork_handle(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    pthread_once(&era_once, mind_eras);
    pthread_atfork(prepare, parent, child);
}
