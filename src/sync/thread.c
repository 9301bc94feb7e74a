/* SPDX-License-Identifier: MIT
 *
 * Threads on pthreads. */
#define _GNU_SOURCE
#include "sync/thread.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/text.h"
#include "sync/fork.h"
#include "sync/parker.h"
#include "sync/word.h"

#include <errno.h>
#include <lend/thread.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

_Thread_local struct thread_self lend__thread_self THREAD_LOCAL_MODEL; /* gcc forgets that it was
                                                                           declared so */

static struct word threads_identified;

/* What a thread is to do. */
struct work {
    void (*main)(void *);
    void *argument;
    char name[16];
};

/* On the stack of who starts the thread, until that has taken over the work. */
struct start {
    struct work work;
    struct thread *thread;
    struct parker taken_over;
};

/* The handle is set here: pthread_create may write its own as late as it likes, when what began on
 * the thread has already replaced it by another one (musl does). */
static void *start_thread(void *argument) {
    struct start *start = argument;
    struct work work = start->work;
    start->thread->handle = pthread_self();
    lend__parker_wake(&start->taken_over);
    pthread_setname_np(pthread_self(), work.name);
    work.main(work.argument);
    return NULL;
}

/* What is raised by an instruction of the thread itself, and handled there or nowhere: an engine
 * may mean to trap. All other signals are for the program's own threads. */
static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

int lend__thread_start(struct thread *thread, const char *name, void (*main)(void *),
                       void *argument) {
    pthread_t handle;
    struct start start = {.work = {.main = main, .argument = argument}, .thread = thread};
    struct text text = text_into(start.work.name, sizeof start.work.name);
    lend__text_add(&text, "%.15s", name);
    parker_init(&start.taken_over);

    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int error = pthread_create(&handle, NULL, start_thread, &start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        lend__parker_sleep(&start.taken_over, LEND_FOREVER);
    parker_deinit(&start.taken_over);
    return error == 0 ? 0 : ENOMEM;
}

void lend__thread_join(struct thread *thread) {
    int state = lend__thread_shield();
    int error = pthread_join(thread->handle, NULL);
    LEND_ASSERT(error == 0, "could not join a thread");
    lend__thread_unshield(state);
}

void lend__thread_detach_self(void) {
    pthread_detach(pthread_self());
}

bool lend__thread_is_self(const struct thread *thread) {
    return pthread_equal(thread->handle, pthread_self()) != 0;
}

/* What the key holds: how many rounds of destructors have been. */
static struct word end_key;  /* pthread_key_t + 1, or 0 */
static struct word end_hook; /* void (*)(void), or 0 */

static int set_round(uintptr_t round) {
    return pthread_setspecific((pthread_key_t)(word_read(&end_key) - 1), (void *)round);
}

/* After a cancellation AddressSanitizer takes the frames that were unwound for still being there,
 * and complains of the hook's use of their stack; it is in the program, or it is not. */
extern void __asan_handle_no_return(void) __attribute__((__weak__));

/* Whatever the caller's destructors give back shall be given back by them, so the last round but
 * one is waited for (glibc and musl have four); in the last, ThreadSanitizer forgets the thread. If
 * there is no memory for another round, this one has to do. */
static void end_round(void *value) {
    uintptr_t round = (uintptr_t)value;
    void (*hook)(void) = (void (*)(void))(uintptr_t)word_read(&end_hook);
    if (__asan_handle_no_return != NULL)
        __asan_handle_no_return();
    if (round + 1 < PTHREAD_DESTRUCTOR_ITERATIONS && set_round(round + 1) == 0)
        return;
    hook();
}

/* Without a lock, which the child of a fork might find taken: of two who make the key at once, one
 * throws his away. */
int lend__thread_at_end(void (*hook)(void)) {
    pthread_key_t key;
    uint64_t none = 0;
    word_publish(&end_hook, (uint64_t)(uintptr_t)hook);
    if (word_read(&end_key) != 0)
        return 0;
    if (pthread_key_create(&key, end_round) != 0)
        return ENOMEM;
    while (none == 0 && !word_swap(&end_key, &none, (uint64_t)key + 1))
        ;
    if (none != 0)
        pthread_key_delete(key);
    return 0;
}

/* Tried again at each use until it works. */
owner_word lend__thread_identify(void) {
    struct thread_self *self = &lend__thread_self;
    uint32_t tid = (uint32_t)gettid();
    if (self->identity == 0)
        self->identity = owner_make(OWNER_THREAD, tid, word_next(&threads_identified));
    if (word_read(&end_key) == 0 || set_round(1) == 0)
        self->owner = self->identity;
    return self->identity;
}

/* Each time costs a third of a microsecond if no other thread wants the core. */
#define LINGERS 10

bool lend__thread_lingers(uint32_t *times) {
    if (*times >= LINGERS)
        return false;
    ++*times;
    sched_yield();
    return true;
}

void lend__thread_gives_way(void) {
    sched_yield();
}

/* About what it takes to sleep and to be woken. */
#define SPIN_NS (5 * NS_PER_US)

/* From one look to the next, so that whoever writes what is looked at is not always interrupted. */
#define PAUSES 16

static inline void pause_core(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

bool lend__thread_spins(int64_t *since_ns) {
    int64_t now_ns = lend__clock_now_ns();
    if (*since_ns == 0)
        *since_ns = now_ns;
    if (now_ns - *since_ns >= SPIN_NS)
        return false;
    for (int i = 0; i < PAUSES; i++)
        pause_core();
    return true;
}

struct parker *lend__thread_parker(void) {
    static _Thread_local struct parker parker THREAD_LOCAL_MODEL; /* zeroed: PARKER_EMPTY */
    return &parker;
}

bool lend_thread_forbid_blocking(bool forbidden) {
    bool before = lend__thread_self.never_blocks;
    lend__thread_self.never_blocks = forbidden;
    return before;
}

int lend__thread_shield(void) {
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    return state;
}

void lend__thread_unshield(int state) {
    pthread_setcancelstate(state, NULL);
}

void lend__thread_guard(void (*function)(void *), void *argument, void (*cleanup)(void *),
                        void *cleanup_argument) {
    pthread_cleanup_push(cleanup, cleanup_argument);
    function(argument);
    pthread_cleanup_pop(1);
}
