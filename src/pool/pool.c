/* SPDX-License-Identifier: MIT
 *
 * Opening a pool, reading it, and taking it apart. */
#include "base/cores.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/text.h"
#include "pool/keeper.h"
#include "pool/loader.h"
#include "pool/mender.h"
#include "pool/registry.h"
#include "pool/sizing.h"
#include "pool/state.h"

/* Of all pools in the process. */
static struct word pools_numbered;

#define WAIT_MS 30000
#define HOLD_ALARM_MS 60000
#define STALL_ALARM_MS 10000
#define LOAD_ALARM_MS 60000

/* The caller's operations, by the size rule, and what is required of them. */
static int read_ops(lend_pool *pool, struct lend_reason *reason) {
    int error = lend__options_read(&pool->ops, sizeof pool->ops, pool->options.ops);
    if (error == EINVAL)
        return lend_reason_set(reason, error, "ops is missing, or ops.size is not set");
    if (error != 0)
        return lend_reason_set(reason, error, "ops: %s", lend_strerror(error));
    if (pool->ops.load == NULL || pool->ops.unload == NULL)
        return lend_reason_set(reason, EINVAL, "ops.load and ops.unload are required");
    pool->options.ops = &pool->ops;
    return 0;
}

static int check_ranges(const struct lend_pool_options *options, struct lend_reason *reason) {
    const struct option_range ranges[] = {
        {"wait_ms_default", options->wait_ms_default, -1, INT64_MAX},
        {"models_max", options->models_max, 0, LEND_MODELS_MAX},
        {"spares", options->spares, 0, LEND_MODELS_MAX},
        {"recycle_ms", options->recycle_ms, 0, INT64_MAX},
        {"check_every_ms", options->check_every_ms, 0, INT64_MAX},
        {"hold_alarm_ms", options->hold_alarm_ms, -1, INT64_MAX},
        {"stall_alarm_ms", options->stall_alarm_ms, -1, INT64_MAX},
        {"load_alarm_ms", options->load_alarm_ms, -1, INT64_MAX},
    };
    return lend__options_check(ranges, sizeof ranges / sizeof ranges[0], reason);
}

static int check_options(const struct lend_pool_options *options, struct lend_reason *reason) {
    if (options->models == 0)
        return lend_reason_set(reason, EINVAL, "models is required: 1 to %d, or LEND_MODELS_AUTO",
                               LEND_MODELS_MAX);
    if (options->models > LEND_MODELS_MAX && options->models != LEND_MODELS_AUTO)
        return lend_reason_set(reason, EINVAL, "models is %u, more than %d", options->models,
                               LEND_MODELS_MAX);
    int error = check_ranges(options, reason);
    if (error != 0)
        return error;
    if (options->models != LEND_MODELS_AUTO && options->models_max != 0 &&
        options->models_max < options->models)
        return lend_reason_set(reason, EINVAL, "models_max is %u, less than models, %u",
                               options->models_max, options->models);
    return 0;
}

/* More cannot be counted in nanoseconds and added to a time: a century and a half. */
#define INTERVAL_MAX_MS (INT64_MAX / 2 / NS_PER_MS)

static int64_t alarm_or_default(int64_t alarm_ms, int64_t default_ms) {
    if (alarm_ms == 0)
        return default_ms;
    return alarm_ms <= INTERVAL_MAX_MS ? alarm_ms : -1;
}

/* Those that depend on the number of models are settled once one is loaded (sizing.h). */
static void fill_defaults(lend_pool *pool) {
    struct lend_pool_options *options = &pool->options;
    lend__text_copy(pool->name, sizeof pool->name, options->name != NULL ? options->name : "pool");
    options->name = pool->name;
    options->reason = NULL;
    if (options->model_threads == 0)
        options->model_threads = 1;
    if (options->wait_ms_default == 0)
        options->wait_ms_default = WAIT_MS;
    if (options->loaders == 0)
        options->loaders = lend__cores_usable();
    options->hold_alarm_ms = alarm_or_default(options->hold_alarm_ms, HOLD_ALARM_MS);
    options->stall_alarm_ms = alarm_or_default(options->stall_alarm_ms, STALL_ALARM_MS);
    options->load_alarm_ms = alarm_or_default(options->load_alarm_ms, LOAD_ALARM_MS);
    if (options->check_every_ms > INTERVAL_MAX_MS)
        options->check_every_ms = 0;
    pool->wears = options->recycle_lends != 0 || options->recycle_ms != 0;
    pool->plain = pool->ops.reset == NULL && !pool->wears;
}

static int read_options(lend_pool *pool, const struct lend_pool_options *given,
                        struct lend_reason *reason) {
    int error = lend__options_read(&pool->options, sizeof pool->options, given);
    if (error != 0)
        return lend_reason_set(reason, error, "options: %s", lend_strerror(error));
    error = check_options(&pool->options, reason);
    if (error == 0)
        error = read_ops(pool, reason);
    if (error == 0)
        fill_defaults(pool);
    return error;
}

/* As many slots as there may be. */
static uint32_t slots_bound(const struct lend_pool_options *options) {
    uint32_t models = options->models;
    if (models == LEND_MODELS_AUTO)
        models = lend__sizing_bound(options);
    return (models > options->models_max ? models : options->models_max) + options->spares;
}

/* All that opening does but allocating the pool itself; lend__pool_destroy undoes any prefix. */
static int open_pool(lend_pool *pool, const struct lend_pool_options *given,
                     struct lend_reason *reason) {
    int error = read_options(pool, given, reason);
    if (error != 0)
        return error;
    if (lend__lock_init(&pool->lock) != 0)
        return lend_reason_set(reason, ENOMEM, "no memory for a pool");
    parker_init(&pool->keeper_parker);
    pool->slot_count = slots_bound(&pool->options);
    size_t slots_size = pool->slot_count * sizeof *pool->slots;
    pool->slots = lend__memory_new_aligned(CACHE_LINE, slots_size);
    if (pool->slots == NULL) {
        parker_deinit(&pool->keeper_parker);
        lend__lock_deinit(&pool->lock);
        return lend_reason_set(reason, ENOMEM, "no memory for %u models", pool->slot_count);
    }
    pool->era = fork_era();
    pool->number = word_next(&pools_numbered);
    for (uint32_t i = 0; i < pool->slot_count; i++)
        gate_become(&pool->slots[i], SLOT_ABSENT);
    error = lend__pool_load_all(pool, reason);
    if (error != 0)
        return error;
    if (lend__mender_hire(pool) != 0 ||
        lend__thread_start(&pool->keeper, "lend-keeper", lend__pool_keep, pool) != 0)
        return lend_reason_set(reason, ENOMEM, "no threads to keep the pool");
    return 0;
}

int lend_pool_open(lend_pool **ret_pool, const struct lend_pool_options *options) {
    if (options == NULL || options->size < sizeof options->size)
        return EINVAL;
    struct lend_reason *reason =
        lend__options_reason(options, offsetof(struct lend_pool_options, reason));
    if (ret_pool == NULL)
        return lend_reason_set(reason, EINVAL, "ret_pool is NULL");
    if (lend__registry_prepare() != 0)
        return lend_reason_set(reason, ENOMEM, "no memory to mind threads and forks");
    lend_pool *pool = lend__memory_new_aligned(CACHE_LINE, sizeof *pool);
    if (pool == NULL)
        return lend_reason_set(reason, ENOMEM, "no memory for a pool");
    int shield = lend__thread_shield(), errno_before = errno;
    struct lend_reason words = {0};
    int error = open_pool(pool, options, &words);
    if (error == 0) {
        lend__registry_add(pool);
        *ret_pool = pool;
    } else {
        lend__pool_destroy(pool);
    }
    if (error != 0 && reason != NULL)
        *reason = words;
    errno = errno_before;
    lend__thread_unshield(shield);
    return error;
}

void lend__pool_destroy(lend_pool *pool) {
    if (pool->slots != NULL) {
        lend__menders_end(pool);
        for (uint32_t i = 0; i < pool->slot_count; i++)
            if (pool->slots[i].model != NULL)
                pool->ops.unload(pool->slots[i].model, pool->options.ops_context);
        lend__memory_free(pool->slots);
        parker_deinit(&pool->keeper_parker);
        lend__lock_deinit(&pool->lock);
    }
    lend__memory_free(pool);
}

static void count_slot(const struct slot *slot, struct lend_pool_stats *stats) {
    uint64_t life = word_read(&slot->life);
    uint32_t absent = 0;
    uint32_t *const counts[] = {
        [SLOT_ABSENT] = &absent,          [SLOT_FREE] = &stats->free,
        [SLOT_LENT] = &stats->lent,       [SLOT_RETIRING] = &stats->retiring,
        [SLOT_LOADING] = &stats->loading, [SLOT_LOST] = &stats->lost,
    };
    ++*counts[life_state(life)];
    stats->models += life_state(life) != SLOT_ABSENT;
    stats->stuck += slot->stuck;
    stats->grants += life_generation(life);
    for (unsigned i = 0; i < LEND_HISTOGRAM_BUCKETS; i++)
        stats->holds.counts[i] += word_peek(&slot->holds[i]);
}

int lend_pool_stats_get(lend_pool *pool, struct lend_pool_stats *ret_stats) {
    if (pool == NULL || ret_stats == NULL)
        return EINVAL;
    if (pool_is_foreign(pool))
        return EOWNERDEAD;
    struct lend_pool_stats stats = {0};
    lend__lock_acquire(&pool->lock);
    for (uint32_t i = 0; i < pool->slot_count; i++)
        count_slot(&pool->slots[i], &stats);
    stats.waiting = pool->locked.waiters.length;
    stats.suspended = pool->locked.suspended;
    stats.reloading = pool->locked.reloading;
    stats.queued = pool->locked.queued;
    stats.timeouts = pool->locked.timeouts;
    stats.refusals = pool->locked.refusals;
    stats.broken = pool->locked.broken;
    stats.recycled = pool->locked.recycled;
    stats.loads = pool->locked.loads;
    stats.load_failures = pool->locked.load_failures;
    lend__lock_release(&pool->lock);
    for (unsigned i = 0; i < LEND_HISTOGRAM_BUCKETS; i++)
        stats.waits.counts[i] = word_peek(&pool->waits[i]);
    stats.bad_releases = word_peek(&pool->bad_releases);
    stats.events = word_peek(&pool->events);
    *ret_stats = stats;
    return 0;
}

int lend_pool_options_get(lend_pool *pool, struct lend_pool_options *ret_options) {
    if (pool == NULL || ret_options == NULL)
        return EINVAL;
    if (pool_is_foreign(pool))
        return EOWNERDEAD;
    struct lend_pool_options options = pool->options;
    lend__lock_acquire(&pool->lock);
    options.models = pool->locked.models;
    lend__lock_release(&pool->lock);
    *ret_options = options;
    return 0;
}
