/* SPDX-License-Identifier: MIT
 *
 * The simulated machine: threads that are fibers, a clock that is a number, and one choice after
 * another. Between two points a thread runs alone; at a point any other may go on.
 *
 * Time stands still while anybody can go on. When nobody can, it jumps to the next deadline; and
 * by choice it jumps there at any point, as if everybody else were slow. When nobody can go on and
 * there is no deadline, the run hangs, and has failed: HANG. */
#ifndef LEND_TESTS_SIM_THREADS_H
#define LEND_TESTS_SIM_THREADS_H

#include "choice.h"
#include "fiber.h"
#include "history.h"

#include "sync/thread.h"

enum sim_thread_state { SIM_NONE, SIM_READY, SIM_BLOCKED, SIM_ENDED };

/* What runs when a thread is ended in the middle of a function. */
struct sim_guard {
    void (*cleanup)(void *);
    void *argument;
    struct sim_guard *outer;
};

struct sim_thread {
    struct fiber fiber;
    enum sim_thread_state state;
    uint32_t number; /* its place in the machine; its tid is one more */
    uint32_t serial; /* of all threads in this run, from 1 */
    char name[16];
    const void *blocked_on;
    int64_t deadline_ns; /* of the wait that it is about to begin */
    int64_t until_ns;    /* while blocked: when it goes on in any case; INT64_MAX: never */
    bool woken;
    struct thread_self self; /* while another one runs */
    struct sim_guard *guards;
    uint32_t locks; /* held */
    bool shielded, cancelled, identified, detached;
    struct history history;
};

extern struct machine {
    struct sim_thread threads[THREADS_MAX];
    struct sim_thread *running;
    int64_t now_ns;
    uint64_t run; /* its number in this process */
    bool calm;    /* nothing is left to choose */
    bool early;   /* deadlines may pass at any point; unless the scenario says no */
    bool traced;  /* each switch is printed */
} machine;

/* Run main on thread 0 until every thread has ended. */
void machine_run(void (*main)(void *));

/* Before something that another thread could notice. `what`, for the trace, is about `object`. */
void sim_point(const char *what, const void *object);

/* Wait until somebody unblocks this object, or until the time: false then. */
bool sim_block(const char *what, const void *object, int64_t until_ns);
void sim_unblock(const void *object);

/* What lend__thread_at_end was given. */
extern void (*sim_thread_end)(void);

/* Start a thread of the scenario's own, and wait for its end. */
struct sim_thread *sim_start(const char *name, void (*main)(void *), void *argument);
void sim_join(struct sim_thread *thread);

/* End the running thread here, as pthread_exit does. */
_Noreturn void sim_exit(void);

/* As pthread_cancel and a cancellation point. */
void sim_cancel(struct sim_thread *thread);
void sim_cancellation_point(void);

/* Let this much time pass for the running thread. */
void sim_pause_ms(int64_t ms);

/* Let everybody else go on until they wait for something. */
void sim_settle(void);

/* An answer from 0 to count - 1 that the run leaves open; all are explored alike. */
unsigned sim_choose(unsigned count);

/* Does what hardly ever happens happen? */
bool sim_fluke(void);

/* It knows this number, which other runs may have otherwise. */
void sim_learned(uint64_t what);

/* What poll would be to a bell's descriptor. */
struct bell;
void sim_bell_wait(const struct bell *bell);

/* The thread on whose stack this lies, or NULL. */
struct sim_thread *sim_thread_of(const void *address);

static inline uint32_t sim_tid(const struct sim_thread *thread) {
    return thread->number + 1;
}

#endif
