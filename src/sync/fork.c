/* SPDX-License-Identifier: MIT
 *
 * Forks on pthread_atfork. */
#include "sync/fork.h"

#include <errno.h>
#include <pthread.h>

struct word lend__fork_era;

static struct word minds_eras;

static void begin_era(void) {
    word_count(&lend__fork_era);
}

/* Child handlers run in the order in which they were registered: the era begins first. If two are
 * the first at once, it begins twice, which is as good. */
int lend__fork_handle(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    if (word_read(&minds_eras) == 0) {
        if (pthread_atfork(NULL, NULL, begin_era) != 0)
            return ENOMEM;
        word_publish(&minds_eras, 1);
    }
    return pthread_atfork(prepare, parent, child) == 0 ? 0 : ENOMEM;
}
