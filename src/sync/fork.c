/* SPDX-License-Identifier: MIT
 *
 * Forks on pthread_atfork. */
#include "sync/fork.h"

#include <pthread.h>

struct word lend__fork_era;

static void begin_era(void) {
    word_count(&lend__fork_era);
}

/* Child handlers run in the order in which they were registered. */
void lend__fork_handle(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    pthread_atfork(NULL, NULL, begin_era);
    pthread_atfork(prepare, parent, child);
}
