/* SPDX-License-Identifier: MIT
 *
 * Halls, models and their sink. */
#include "soak/soak.h"

#include <stdio.h>
#include <stdlib.h>

struct world world;

const struct lend_site leak_sites[LEAKS] = {
    [LEAK_RETURN] = {"leak", "return", LEAK_RETURN},
    [LEAK_EXIT] = {"leak", "pthread_exit", LEAK_EXIT},
    [LEAK_CANCEL] = {"leak", "pthread_cancel", LEAK_CANCEL},
    [LEAK_JOB] = {"leak", "job", LEAK_JOB},
};

/* The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
 * OOPSLA 2014) over a counter. */
static uint64_t scramble(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

uint32_t draw(struct worker *worker, uint32_t bound) {
    worker->random += GOLDEN;
    return (uint32_t)((scramble(worker->random) >> 32) * bound >> 32);
}

static bool chance(uint32_t per_mille) {
    return scramble(atomic_fetch_add(&world.dice, GOLDEN)) % 1000 < per_mille;
}

void wrong(const char *condition, const char *file, int line, atomic_flag *said) {
    atomic_fetch_add(&world.wrongs, 1);
    if (!atomic_flag_test_and_set(said))
        fprintf(stderr, "%s:%d: wrong: %s\n", file, line, condition);
}

/* the models */

enum { PER_MILLE_LOAD = 50, PER_MILLE_RESET = 1, PER_MILLE_CHECK = 20 };

struct model {
    atomic_uint users;
    uint64_t uses; /* plain on purpose: a race would be two borrowers */
};

void model_begin(void *object) {
    struct model *model = object;
    WRONG(atomic_exchange(&model->users, 1) != 0);
    model->uses++;
}

void model_end(void *object) {
    struct model *model = object;
    WRONG(atomic_exchange(&model->users, 0) != 1);
}

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    if (atomic_load(&world.faulty) && chance(PER_MILLE_LOAD))
        return lend_reason_set(reason, EIO, "the loader is faulty");
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return lend_reason_set(reason, ENOMEM, "no memory");
    atomic_fetch_add(&world.alive, 1);
    *ret_model = model;
    return 0;
}

static void unload(void *model, void *context) {
    (void)context;
    model_begin(model);
    atomic_fetch_sub(&world.alive, 1);
    free(model);
}

static int look(void *model, uint32_t per_mille) {
    model_begin(model);
    bool fails = atomic_load(&world.faulty) && chance(per_mille);
    model_end(model);
    return fails ? EIO : 0;
}

static int reset(void *model, void *context, struct lend_reason *reason) {
    (void)context, (void)reason;
    return look(model, PER_MILLE_RESET);
}

static int check(void *model, void *context, struct lend_reason *reason) {
    (void)context, (void)reason;
    return look(model, PER_MILLE_CHECK);
}

/* Odd halls have models that nothing is done to after a lease: the shortest way back. */
static const struct lend_model_ops plain_ops = LEND_MODEL_OPS(.load = load, .unload = unload);
static const struct lend_model_ops all_ops =
    LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset, .check = check);

static void sink(const struct lend_event *event, void *context) {
    (void)context;
    WRONG(event->kind == LEND_EVENT_BAD_RELEASE);
    if (event->kind != LEND_EVENT_LEASE_LEFT)
        return;
    bool known = event->site >= leak_sites && event->site < leak_sites + LEAKS;
    WRONG(!known);
    if (known)
        atomic_fetch_add(&world.reported[event->site - leak_sites], 1);
}

void hall_open(struct hall *hall) {
    uint32_t index = (uint32_t)(hall - world.halls);
    snprintf(hall->name, sizeof hall->name, "hall %u", index);
    hall->models_max = 1 + index % 8;
    struct lend_pool_options options =
        LEND_POOL_OPTIONS(.name = hall->name, .ops = index % 2 == 0 ? &all_ops : &plain_ops,
                          .models = (hall->models_max + 1) / 2, .models_max = hall->models_max,
                          .waiters_max = 64, .check_every_ms = 50, .spares = 1, .sink = sink);
    int error;
    while ((error = lend_pool_open(&hall->pool, &options)) == EIO)
        ;
    WRONG(error != 0);
    error = lend_executor_open(
        &hall->executor, &LEND_EXECUTOR_OPTIONS(.pool = hall->pool, .workers = 2, .queue_max = 4,
                                                .when_full = (enum lend_when_full)(index % 3)));
    WRONG(error != 0);
    if (error != 0)
        abort();
}

void hall_check(struct hall *hall) {
    struct lend_pool_stats pool;
    struct lend_executor_stats jobs;
    WRONG(lend_pool_stats_get(hall->pool, &pool) != 0);
    WRONG(pool.models != pool.free + pool.lent + pool.loading + pool.retiring + pool.lost);
    WRONG(pool.models > hall->models_max + 1);
    WRONG(lend_executor_stats_get(hall->executor, &jobs) != 0);
    WRONG(jobs.accepted != jobs.pending + jobs.succeeded + jobs.failed + jobs.no_model +
                               jobs.cancelled + jobs.expired);
}

/* Jobs may overrun: then the executor is asked again. */
void hall_close(struct hall *hall) {
    int error;
    lend_release(&hall->shelf);
    hall_check(hall);
    while ((error = lend_executor_close(hall->executor, lend_within_ms(1000))) == EBUSY)
        ;
    WRONG(error != 0);
    error = lend_pool_close(hall->pool, lend_within_ms(60000), NULL);
    WRONG(error != 0);
}
