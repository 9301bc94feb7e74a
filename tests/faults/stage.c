/* SPDX-License-Identifier: MIT
 *
 * Models, threads and answers of the fault loop. */
#include "faults/stage.h"

#include "faults/inject.h"

#include <stdio.h>
#include <stdlib.h>

static atomic_uint wrongs;

bool may(int error, const char *call, const char *file, int line, const int *allowed) {
    bool known = error == 0;
    for (; *allowed != 0; allowed++)
        known |= error == *allowed;
    if (!known) {
        atomic_fetch_add(&wrongs, 1);
        fprintf(stderr, "%s:%d: %s: %s is not in its list\n", file, line, call,
                lend_errname(error));
    }
    return error == 0;
}

bool must(bool holds, const char *condition, const char *file, int line) {
    if (!holds) {
        atomic_fetch_add(&wrongs, 1);
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    }
    return holds;
}

bool may_borrow(struct lend_lease *lease, const char *words, const char *file, int line,
                const int *allowed) {
    int error = lend_lease_error(lease);
    const struct lend_report *report = lend_lease_report(lease);
    must(report == NULL || report->error == error, "the report has the lease's error", file, line);
    bool ok = may(error, words, file, line, allowed);
    if (!ok)
        lend_release(lease);
    return ok;
}

unsigned stage_wrongs(void) {
    return atomic_load(&wrongs);
}

/* the models */

struct model {
    struct stage *stage;
    atomic_uint users;
};

void model_begin(void *model) {
    struct model *own = model;
    if (atomic_fetch_add(&own->users, 1) != 0)
        atomic_fetch_add(&own->stage->shared, 1);
}

void model_end(void *model) {
    struct model *own = model;
    atomic_fetch_sub(&own->users, 1);
}

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    struct stage *stage = context;
    if (fault_strikes("load", NULL))
        return lend_reason_set(reason, ENODATA, "the loader has nothing");
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL)
        abort();
    model->stage = stage;
    atomic_fetch_add(&stage->alive, 1);
    *ret_model = model;
    return 0;
}

static void unload(void *model, void *context) {
    struct stage *stage = context;
    struct gate *gate = atomic_load(&stage->unload_gate);
    if (gate != NULL)
        gate_wait(gate);
    model_begin(model);
    atomic_fetch_sub(&stage->alive, 1);
    free(model);
}

static int operate(void *model, const char *name) {
    model_begin(model);
    bool fails = fault_strikes(name, NULL);
    model_end(model);
    return fails ? EIO : 0;
}

static int reset(void *model, void *context, struct lend_reason *reason) {
    (void)context, (void)reason;
    return operate(model, "reset");
}

static int check(void *model, void *context, struct lend_reason *reason) {
    (void)reason;
    struct stage *stage = context;
    atomic_fetch_add(&stage->checks, 1);
    return operate(model, "check");
}

bool stage_pool(struct stage *stage, lend_pool **ret_pool,
                const struct lend_pool_options *options) {
    static const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset, .check = check);
    struct lend_reason reason = {0};
    struct lend_pool_options own = *options;
    own.ops = &ops;
    own.ops_context = stage;
    own.reason = &reason;
    faults_hold_off(!stage->strikes_open);
    int error = lend_pool_open(ret_pool, &own);
    faults_hold_off(false);
    MUST(error == 0 || (reason.error != 0 && reason.text[0] != '\0'));
    return MAY(error, ENOMEM, EIO);
}

bool stage_executor(struct stage *stage, const struct lend_executor_options *options) {
    return MAY(lend_executor_open(&stage->executor, options), ENOMEM);
}

/* What a pool promises when nothing fails any more: all models are there, and lent. */
static void prove_pool(lend_pool *pool) {
    struct lend_pool_options options;
    MUST(lend_pool_resume(pool) == 0);
    MUST(eventually(stats_of(pool).free == stats_of(pool).models));
    MUST(stats_of(pool).models >= 1);
    MUST(lend_pool_options_get(pool, &options) == 0);
    for (uint32_t i = 0; i < options.models_max + 1; i++) {
        struct lend_lease lease = lend_acquire(pool, lend_within_ms(PATIENCE_MS));
        if (MUST(lend_lease_ok(&lease))) {
            model_begin(lease.model);
            model_end(lease.model);
        }
        lend_release(&lease);
    }
}

static int run_proof(void *model, void *argument, lend_job *job) {
    (void)argument, (void)job;
    model_begin(model);
    model_end(model);
    return 0;
}

static void prove_executor(lend_executor *executor) {
    lend_future *future;
    if (!MUST(lend_submit(executor, &LEND_JOB(.run = run_proof), &future) == 0))
        return;
    MUST(lend_future_wait(future, lend_within_ms(PATIENCE_MS)) == 0);
    MUST(lend_future_error(future) == 0);
    lend_future_drop(future);
}

static unsigned threads_of_process(void) {
    unsigned threads = 0;
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Threads: %u", &threads) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return threads;
}

void stage_end(struct stage *stage) {
    if (stage->pool != NULL && !stage->shut)
        prove_pool(stage->pool);
    if (stage->other != NULL)
        prove_pool(stage->other);
    if (stage->executor != NULL) {
        if (!stage->stopping)
            prove_executor(stage->executor);
        MUST(lend_executor_close(stage->executor, lend_within_ms(PATIENCE_MS)) == 0);
    }
    MUST(lend_pool_close(stage->pool, lend_within_ms(PATIENCE_MS), NULL) == 0);
    MUST(lend_pool_close(stage->other, lend_within_ms(PATIENCE_MS), NULL) == 0);
    MUST(atomic_load(&stage->alive) == 0);
    MUST(atomic_load(&stage->shared) == 0);
}

void stage_balance(void) {
    MUST(eventually(threads_of_process() == 1));
    MUST(faults_imbalance() == 0);
}

/* threads */

static void *begin_act(void *argument) {
    struct actor *actor = argument;
    actor->act(actor);
    atomic_store(&actor->over, true);
    return NULL;
}

void actor_start(struct actor *actor, struct stage *stage, void (*act)(struct actor *actor)) {
    *actor = (struct actor){.stage = stage, .act = act};
    tally_init(&actor->ready);
    tally_init(&actor->go);
    if (pthread_create(&actor->thread, NULL, begin_act, actor) != 0)
        abort();
}

void actor_join(struct actor *actor) {
    pthread_join(actor->thread, NULL);
    tally_deinit(&actor->ready);
    tally_deinit(&actor->go);
}
