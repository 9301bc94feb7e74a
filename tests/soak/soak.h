/* SPDX-License-Identifier: MIT
 *
 * The soak's world: halls, each with a pool and an executor on it, and the threads that use them in
 * every way at once.
 *
 * A hall's door is held open (for reading) by whoever is in it: a pool may be closed only when
 * nobody can begin a call on it. What must never be seen is counted in `wrongs`, with words. */
#ifndef LEND_TESTS_SOAK_SOAK_H
#define LEND_TESTS_SOAK_SOAK_H

#include <lend/lend.h>
#include <pthread.h>
#include <stdatomic.h>

enum { HALLS_MAX = 16, THREADS_MAX = 256 };

/* The ways to leave a lease behind. Each has a site of its own. */
enum leak { LEAK_RETURN, LEAK_EXIT, LEAK_CANCEL, LEAK_JOB, LEAKS };

struct hall {
    pthread_rwlock_t door;
    lend_pool *pool;
    lend_executor *executor;
    char name[16];
    uint32_t models_max;
    pthread_mutex_t shelf_lock;
    struct lend_lease shelf; /* a detached lease for whoever comes by; under shelf_lock */
};

struct world {
    struct hall halls[HALLS_MAX];
    uint32_t hall_count, thread_count;
    uint64_t seed;
    atomic_bool over, faulty;
    atomic_uint alive; /* models */
    atomic_uint wrongs;
    _Atomic uint64_t dice;  /* of what runs on the library's threads */
    _Atomic uint64_t steps; /* of all kinds, for the watchdog */
    _Atomic uint64_t borrows, timeouts, refusals, deadlocks, reopened, forks, signals;
    _Atomic uint64_t seeded[LEAKS], reported[LEAKS];
    _Atomic uint64_t accepted, told, dropped, cancelled;
};

extern struct world world;

/* One of the threads; `random` is its own. */
struct worker {
    pthread_t thread;
    uint64_t random;
    uint32_t number;
    uint64_t borrows;
};

/* A number below `bound`. */
uint32_t draw(struct worker *worker, uint32_t bound);

/* Count it and say so, once for each sentence. */
#define WRONG(condition)                                                                           \
    do {                                                                                           \
        static atomic_flag said_ = ATOMIC_FLAG_INIT;                                               \
        if (condition)                                                                             \
            wrong(#condition, __FILE__, __LINE__, &said_);                                         \
    } while (0)
void wrong(const char *condition, const char *file, int line, atomic_flag *said);

/* Open and close a hall. Nobody is in it. */
void hall_open(struct hall *hall);
void hall_close(struct hall *hall);

/* Everything that a pool says of itself adds up. */
void hall_check(struct hall *hall);

/* From the one to the other a borrower has the model. */
void model_begin(void *model);
void model_end(void *model);

/* Where each leak is borrowed. */
extern const struct lend_site leak_sites[LEAKS];

/* What became of a lease that holds no model; releases it. */
void take_refusal(struct lend_lease *lease);

/* One step, of a kind that is drawn. The hall is held open. */
void step(struct worker *worker, struct hall *hall);

/* One job of a kind that is drawn, and a thread that leaves a lease behind. */
void submit_something(struct worker *worker, struct hall *hall);
void leave_something(struct worker *worker, struct hall *hall);

#endif
