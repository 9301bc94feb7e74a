/* SPDX-License-Identifier: MIT
 *
 * Opening an executor, reading it, and freeing it. */
#include "base/cores.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/text.h"
#include "exec/state.h"

#define WORKER_QUEUE 4
#define JOB_MS 30000

/* Fills *ret_pool with those of its pool. */
static int check_options(const struct lend_executor_options *options,
                         struct lend_pool_options *ret_pool) {
    struct lend_reason *reason = options->reason;
    if (options->pool == NULL)
        return lend_reason_set(reason, EINVAL, "pool is required");
    if (lend_pool_options_get(options->pool, ret_pool) != 0)
        return lend_reason_set(reason, EOWNERDEAD, "%s", lend_strerror(EOWNERDEAD));
    if (options->when_full > LEND_FULL_RUN_HERE)
        return lend_reason_set(reason, EINVAL, "when_full is %d, which is no choice",
                               (int)options->when_full);
    const struct option_range ranges[] = {
        {"workers", options->workers, 0, LEND_WORKERS_MAX},
        {"job_ms_default", options->job_ms_default, -1, INT64_MAX},
    };
    return lend__options_check(ranges, sizeof ranges / sizeof ranges[0], reason);
}

static void fill_defaults(lend_executor *executor, const struct lend_pool_options *pool) {
    struct lend_executor_options *options = &executor->options;
    lend__text_copy(executor->name, sizeof executor->name,
                    options->name != NULL ? options->name : pool->name);
    options->name = executor->name;
    options->reason = NULL;
    if (options->workers == 0)
        options->workers = pool->models;
    if (options->queue_max == 0)
        options->queue_max = WORKER_QUEUE * options->workers;
    if (options->job_ms_default == 0)
        options->job_ms_default = JOB_MS;
    if (options->sink == NULL) {
        options->sink = pool->sink;
        options->sink_context = pool->sink_context;
    }
}

int lend__worker_start(struct worker *worker) {
    char name[16];
    struct text text = text_into(name, sizeof name);
    lend__text_add(&text, "%.10s/%u", worker->executor->name, worker->number);
    return lend__thread_start(&worker->thread, name, lend__worker_main, worker);
}

static int start_worker(lend_executor *executor, uint32_t number) {
    struct worker *worker = &executor->workers[number];
    worker->executor = executor;
    worker->number = number;
    worker->waiter.parker = &worker->parker;
    parker_init(&worker->parker);
    int error = lend__worker_start(worker);
    if (error != 0)
        parker_deinit(&worker->parker);
    return error;
}

/* All of them, or none. */
static int start_threads(lend_executor *executor) {
    uint32_t workers = executor->options.workers;
    executor->workers = lend__memory_new_aligned(CACHE_LINE, workers * sizeof *executor->workers);
    if (executor->workers == NULL)
        return ENOMEM;
    if (lend__thread_start(&executor->timekeeper, "lend-timekeeper", lend__timekeeper_main,
                           executor) != 0) {
        lend__memory_free(executor->workers);
        return ENOMEM;
    }
    for (uint32_t i = 0; i < workers; i++) {
        if (start_worker(executor, i) != 0) {
            lend__executor_end_threads(executor, i);
            return ENOMEM;
        }
    }
    return 0;
}

static int enter_and_start(lend_executor *executor) {
    executor->tenant.name = executor->name;
    int error = lend__pool_enter(executor->options.pool, &executor->tenant);
    if (error != 0)
        return error;
    error = start_threads(executor);
    if (error != 0)
        lend__pool_leave(executor->options.pool, &executor->tenant);
    return error;
}

/* The lock, then the rest; nothing is left of it if that fails. */
static int open_executor(lend_executor *executor) {
    if (lend__lock_init(&executor->lock) != 0)
        return ENOMEM;
    parker_init(&executor->alarm);
    int error = enter_and_start(executor);
    if (error != 0) {
        parker_deinit(&executor->alarm);
        lend__lock_deinit(&executor->lock);
    }
    return error;
}

static int open_with(lend_executor **ret_executor, const struct lend_executor_options *own,
                     const struct lend_pool_options *pool) {
    if (lend__directory_prepare() != 0)
        return ENOMEM;
    lend_executor *executor = lend__memory_new_aligned(CACHE_LINE, sizeof *executor);
    if (executor == NULL)
        return ENOMEM;
    executor->options = *own;
    executor->era = fork_era();
    executor->pool_is_plain = lend__pool_is_plain(own->pool);
    executor->shares_core = lend__cores_usable() == 1;
    fill_defaults(executor, pool);
    word_init(&executor->alarm_ns, (uint64_t)INT64_MIN);
    word_init(&executor->holders, 1);
    inbox_init(&executor->inbox, (uint64_t)executor->options.queue_max + executor->options.workers,
               /* shut= */ executor->options.queue_bytes_max != 0);
    int shield = lend__thread_shield();
    int error = open_executor(executor);
    lend__thread_unshield(shield);
    if (error != 0) {
        lend__memory_free(executor);
        return error;
    }
    lend__directory_add(executor);
    *ret_executor = executor;
    return 0;
}

int lend_executor_open(lend_executor **ret_executor, const struct lend_executor_options *options) {
    struct lend_executor_options own;
    struct lend_pool_options pool;
    struct lend_reason *reason =
        lend__options_reason(options, offsetof(struct lend_executor_options, reason));
    if (ret_executor == NULL)
        return lend_reason_set(reason, EINVAL, "ret_executor is NULL");
    int error = lend__options_read(&own, sizeof own, options);
    if (error != 0)
        return lend_reason_set(reason, error, "options: %s", lend_strerror(error));
    error = check_options(&own, &pool);
    if (error != 0)
        return error;
    error = open_with(ret_executor, &own, &pool);
    return error == 0 ? 0 : lend_reason_set(reason, error, "%s", lend_strerror(error));
}

static void free_stock(struct inbox_node *chain) {
    while (chain != NULL) {
        struct inbox_node *next = chain->older;
        lend__memory_free(list_entry(chain, struct task, inbox));
        chain = next;
    }
}

static void free_executor(lend_executor *executor) {
    free_stock(executor->stock.chain);
    free_stock((struct inbox_node *)(uintptr_t)word_read(&executor->stock.offer));
    free_stock(executor->stock.put_by);
    parker_deinit(&executor->alarm);
    lend__lock_deinit(&executor->lock);
    lend__memory_free(executor);
}

void lend__executor_let_go(lend_executor *executor) {
    uint64_t holders = word_read(&executor->holders);
    while (!word_swap(&executor->holders, &holders, holders - 1))
        ;
    if (holders == 1)
        free_executor(executor);
}

void lend__executor_event(lend_executor *executor, enum lend_event_kind kind,
                          const struct task *task, int error, const char *text) {
    word_next(&executor->events);
    if (executor->options.sink == NULL)
        return;
    const struct lend_event event = {
        .kind = kind,
        .error = error,
        .owner = executor->name,
        .slot = -1,
        .job = task->number,
        .site = task->site,
        .text = text,
    };
    int shield = lend__thread_shield();
    executor->options.sink(&event, executor->options.sink_context);
    lend__thread_unshield(shield);
}

static bool count_out(struct task *task, void *argument) {
    struct lend_executor_stats *stats = argument;
    stats->pending += !task_is_decided(task);
    stats->borrowing += task->stage == TASK_BORROWING;
    stats->running += task->stage == TASK_RUNNING;
    return true;
}

/* Under the lock. What was given up is decided; what waits for a worker that is at hand is with a
 * worker. */
static void count_live(lend_executor *executor, struct lend_executor_stats *stats) {
    uint32_t waiting = executor->locked.queue.length;
    stats->queued = lend__executor_queued(executor, &stats->queued_bytes);
    stats->pending = waiting;
    stats->borrowing = waiting - stats->queued;
    lend__executor_each_out(executor, count_out, stats);
}

int lend_executor_stats_get(lend_executor *executor, struct lend_executor_stats *ret_stats) {
    if (executor == NULL || ret_stats == NULL)
        return EINVAL;
    if (executor_is_foreign(executor))
        return EOWNERDEAD;
    struct lend_executor_stats stats = {.workers = executor->options.workers};
    struct list woken = {0};
    lend__lock_acquire(&executor->lock);
    lend__executor_absorb(executor, &woken);
    lend__executor_settle(executor, &woken);
    count_live(executor, &stats);
    stats.submitting = executor->locked.submitters.length;
    stats.accepted = executor->locked.accepted;
    stats.succeeded = executor->locked.outcomes[LEND_SUCCEEDED];
    stats.failed = executor->locked.outcomes[LEND_FAILED];
    stats.no_model = executor->locked.outcomes[LEND_NO_MODEL];
    stats.cancelled = executor->locked.outcomes[LEND_CANCELLED];
    stats.expired = executor->locked.outcomes[LEND_EXPIRED];
    stats.overran = executor->locked.overran;
    stats.waits = executor->locked.waits;
    stats.runs = executor->locked.runs;
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    stats.refused = word_peek(&executor->refused);
    stats.events = word_peek(&executor->events);
    *ret_stats = stats;
    return 0;
}

int lend_executor_options_get(lend_executor *executor, struct lend_executor_options *ret_options) {
    if (executor == NULL || ret_options == NULL)
        return EINVAL;
    if (executor_is_foreign(executor))
        return EOWNERDEAD;
    *ret_options = executor->options;
    return 0;
}
