/* SPDX-License-Identifier: MIT
 *
 * src/sync/thread.c and fork.c once more. The headers are the real ones: a thread's handle holds
 * its number here, and what lend knows of the running thread is kept aside while another one runs.
 */
#include "fail.h"
#include "forks.h"
#include "threads.h"

#include "sync/fork.h"
#include "sync/parker.h"
#include "sync/thread.h"

#include <lend/thread.h>

_Thread_local struct thread_self lend__thread_self;

struct word lend__fork_era;

void (*sim_thread_end)(void);

static struct word threads_identified;

static struct sim_thread *find(const struct thread *thread) {
    uint32_t serial = (uint32_t)(uintptr_t)thread->handle;
    for (uint32_t i = 0; i < THREADS_MAX; i++)
        if (machine.threads[i].serial == serial && machine.threads[i].state != SIM_NONE)
            return &machine.threads[i];
    return NULL;
}

/* The handle may be read by the new thread before it is written, as with pthread_create. */
int lend__thread_start(struct thread *thread, const char *name, void (*main)(void *),
                       void *argument) {
    thread->handle = (pthread_t)(uintptr_t)sim_start(name, main, argument)->serial;
    return 0;
}

void lend__thread_join(struct thread *thread) {
    struct sim_thread *found = find(thread);
    SIM_CHECK("RET0", found != NULL && !found->detached, "%s joins a thread that is gone",
              machine.running->name);
    sim_join(found);
}

void lend__thread_detach_self(void) {
    machine.running->detached = true;
}

bool lend__thread_is_self(const struct thread *thread) {
    return machine.running->serial == (uint32_t)(uintptr_t)thread->handle;
}

owner_word lend__thread_identify(void) {
    struct thread_self *self = &lend__thread_self;
    if (self->identity == 0)
        self->identity =
            owner_make(OWNER_THREAD, sim_tid(machine.running), word_next(&threads_identified));
    machine.running->identified = true;
    self->owner = self->identity;
    return self->identity;
}

int lend__thread_at_end(void (*hook)(void)) {
    sim_thread_end = hook;
    return 0;
}

/* Once is as good as often: what others do meanwhile is for the explorer to choose. */
bool lend__thread_lingers(uint32_t *times) {
    if (*times > 0)
        return false;
    ++*times;
    sim_point("lets others have its core", times);
    return true;
}

void lend__thread_gives_way(void) {
    sim_point("gives way", &lend__thread_self);
}

bool lend__thread_spins(int64_t *since_ns) {
    if (*since_ns != 0)
        return false;
    *since_ns = 1;
    sim_point("keeps looking", since_ns);
    return true;
}

/* Each thread of a run has its own. */
struct parker *lend__thread_parker(void) {
    static struct {
        uint32_t serial;
        struct parker parker;
    } own[THREADS_MAX];
    uint32_t index = (uint32_t)(machine.running - machine.threads);
    if (own[index].serial != machine.running->serial) {
        own[index].serial = machine.running->serial;
        own[index].parker = (struct parker){.life = PARKER_LIVES};
    }
    return &own[index].parker;
}

bool lend_thread_forbid_blocking(bool forbidden) {
    bool before = lend__thread_self.never_blocks;
    lend__thread_self.never_blocks = forbidden;
    return before;
}

int lend__thread_shield(void) {
    int state = machine.running->shielded;
    machine.running->shielded = true;
    return state;
}

void lend__thread_unshield(int state) {
    machine.running->shielded = state != 0;
}

void lend__thread_guard(void (*function)(void *), void *argument, void (*cleanup)(void *),
                        void *cleanup_argument) {
    struct sim_guard guard = {cleanup, cleanup_argument, machine.running->guards};
    machine.running->guards = &guard;
    function(argument);
    machine.running->guards = guard.outer;
    cleanup(cleanup_argument);
}

/* forks */

#define HANDLERS_MAX 4

static struct { void (*prepare)(void), (*parent)(void); } handlers[HANDLERS_MAX];
static uint32_t handler_count;

int lend__fork_handle(struct word *handled, void (*prepare)(void), void (*parent)(void),
                      void (*child)(void)) {
    bool before = word_peek(handled) == FORKS_HANDLED;
    (void)child;
    word_poke(handled, FORKS_HANDLED); /* again, so that no run is longer than the others */
    if (before)
        return 0;
    SIM_CHECK("ROOM", handler_count < HANDLERS_MAX, "more fork handlers than expected");
    handlers[handler_count].prepare = prepare;
    handlers[handler_count++].parent = parent;
    return 0;
}

void sim_fork(void (*look)(void)) {
    for (uint32_t i = handler_count; i-- > 0;)
        handlers[i].prepare();
    look();
    for (uint32_t i = 0; i < handler_count; i++)
        handlers[i].parent();
}
