/* SPDX-License-Identifier: MIT
 *
 * What the scenarios of the fault loop stand on: models that may fail, threads, and the statement
 * of what a call may answer while faults strike.
 *
 *     if (!MAY(lend_pool_open(&stage->pool, &options), ENOMEM, EIO))
 *         return;
 */
#ifndef LEND_TESTS_FAULTS_STAGE_H
#define LEND_TESTS_FAULTS_STAGE_H

#include "support/await.h"
#include "support/gate.h"

#include <lend/lend.h>
#include <pthread.h>
#include <stdatomic.h>

/* One run of a scenario, in a process of its own. */
struct stage {
    lend_pool *pool;         /* NULL, or open: closed by stage_end */
    lend_pool *other;        /* likewise */
    lend_executor *executor; /* likewise, and before them */
    bool shut, stopping;     /* pool or executor are closing: they need not work any more */
    atomic_uint alive;       /* models */
    atomic_uint shared;      /* models that two had at once */
    atomic_uint checks;
    bool strikes_open;
    _Atomic(struct gate *) unload_gate; /* or NULL */
};

struct scenario {
    const char *name;
    void (*run)(struct stage *stage);
};

extern const struct scenario pool_scenarios[], executor_scenarios[],
    loop_scenarios[]; /* up to one without a name */

/* True if the call returned 0; it may also return one of the errors that follow. Any other answer
 * is wrong: it is printed, and the run has failed. On any thread. */
#define MAY(call, ...) may((call), #call, __FILE__, __LINE__, (const int[]){__VA_ARGS__, 0})
bool may(int error, const char *call, const char *file, int line, const int *allowed);

/* Must hold; likewise. */
#define MUST(condition) must((condition), #condition, __FILE__, __LINE__)
bool must(bool holds, const char *condition, const char *file, int line);

/* The same for a lease, which is released if it holds no model; the report of a failure, if there
 * was memory for one, has to name the error. */
#define MAY_BORROW(lease, ...)                                                                     \
    may_borrow((lease), #lease, __FILE__, __LINE__, (const int[]){__VA_ARGS__, 0})
bool may_borrow(struct lend_lease *lease, const char *words, const char *file, int line,
                const int *allowed);

/* How many answers were wrong in this run. */
unsigned stage_wrongs(void);

/* Open the stage's pools. That is not struck, since scenarios of its own do nothing else: those say
 * so by `strikes_open`. */
#define STAGE_POOL(...) stage_pool(stage, &stage->pool, &LEND_POOL_OPTIONS(__VA_ARGS__))
#define STAGE_OTHER(...) stage_pool(stage, &stage->other, &LEND_POOL_OPTIONS(__VA_ARGS__))
bool stage_pool(struct stage *stage, lend_pool **ret_pool, const struct lend_pool_options *options);
#define STAGE_EXECUTOR(...)                                                                        \
    stage_executor(stage, &LEND_EXECUTOR_OPTIONS(.pool = stage->pool, __VA_ARGS__))
bool stage_executor(struct stage *stage, const struct lend_executor_options *options);

/* From the one to the other a borrower uses the model. */
void model_begin(void *model);
void model_end(void *model);

/* The scenario is over, and no more faults strike: what is open still works, and closes. */
void stage_end(struct stage *stage);

/* Its thread has ended, too: nothing is left. */
void stage_balance(void);

/* A thread of the scenario. */
struct actor {
    pthread_t thread;
    struct stage *stage;
    void (*act)(struct actor *actor);
    struct tally ready, go; /* of its own use */
    atomic_int error;       /* likewise */
    atomic_bool over;
};

void actor_start(struct actor *actor, struct stage *stage, void (*act)(struct actor *actor));
void actor_join(struct actor *actor);

#endif
