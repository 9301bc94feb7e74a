/* SPDX-License-Identifier: MIT
 *
 * Forks on pthread_atfork. */
#include "sync/fork.h"

#include "sync/thread.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

struct word lend__fork_era;

static struct word minds_eras;

static void begin_era(void) {
    word_count(&lend__fork_era);
}

/* Child handlers run in the order in which they were registered: the era begins first. If two are
 * the first at once, it begins twice, which is as good. */
static int handle(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    if (word_read(&minds_eras) == 0) {
        if (pthread_atfork(NULL, NULL, begin_era) != 0)
            return ENOMEM;
        word_publish(&minds_eras, 1);
    }
    return pthread_atfork(prepare, parent, child) == 0 ? 0 : ENOMEM;
}

/* True: the caller is about it. While one is, `handled` is his process and FORKS_HANDLED: in the
 * child of a fork that came in between he does not exist, and another one takes his place. Nobody
 * is about it for long, and pthread_atfork waits for forks that are under way: so no lock here,
 * which one of these would leave taken in its child. */
static bool begin(struct word *handled) {
    uint64_t mine = (uint64_t)getpid() + FORKS_HANDLED;
    for (uint64_t seen; (seen = word_read(handled)) != FORKS_HANDLED; lend__thread_gives_way())
        if (seen != mine && word_swap(handled, &seen, mine))
            return true;
    return false;
}

int lend__fork_handle(struct word *handled, void (*prepare)(void), void (*parent)(void),
                      void (*child)(void)) {
    if (!begin(handled))
        return 0;
    int error = handle(prepare, parent, child);
    word_publish(handled, error == 0 ? FORKS_HANDLED : 0);
    return error;
}
