/* SPDX-License-Identifier: MIT
 *
 * Opening an executor, reading it, and freeing it. */
#include "base/memory.h"
#include "base/options.h"
#include "base/text.h"
#include "exec/state.h"

#define WORKER_QUEUE 4
#define JOB_MS 30000

static int check_options(const struct lend_executor_options *options) {
    bool sound = options->pool != NULL && options->workers <= LEND_WORKERS_MAX &&
                 options->when_full <= LEND_FULL_RUN_HERE && options->job_ms_default >= -1;
    return sound ? 0 : EINVAL;
}

static void fill_defaults(lend_executor *executor) {
    struct lend_executor_options *options = &executor->options;
    struct lend_pool_options pool = {0};
    lend_pool_options_get(options->pool, &pool);
    lend__text_copy(executor->name, sizeof executor->name,
                    options->name != NULL ? options->name : pool.name);
    options->name = executor->name;
    if (options->workers == 0)
        options->workers = pool.models;
    if (options->queue_max == 0)
        options->queue_max = WORKER_QUEUE * options->workers;
    if (options->job_ms_default == 0)
        options->job_ms_default = JOB_MS;
    if (options->sink == NULL) {
        options->sink = pool.sink;
        options->sink_context = pool.sink_context;
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
    if (waiter_init(&worker->waiter) != 0)
        return ENOMEM;
    int error = lend__worker_start(worker);
    if (error != 0)
        waiter_deinit(&worker->waiter);
    return error;
}

/* All of them, or none. */
static int start_threads(lend_executor *executor) {
    uint32_t workers = executor->options.workers;
    executor->workers = lend__memory_new(workers * sizeof *executor->workers);
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

/* The locks, then the rest; nothing is left of it if that fails. */
static int open_executor(lend_executor *executor) {
    if (lend__lock_init(&executor->lock) != 0)
        return ENOMEM;
    int error = lend__parker_init(&executor->alarm);
    if (error == 0) {
        error = enter_and_start(executor);
        if (error != 0)
            lend__parker_deinit(&executor->alarm);
    }
    if (error != 0)
        lend__lock_deinit(&executor->lock);
    return error;
}

int lend_executor_open(lend_executor **ret_executor, const struct lend_executor_options *options) {
    struct lend_executor_options own;
    if (ret_executor == NULL)
        return EINVAL;
    int error = lend__options_read(&own, sizeof own, options);
    if (error == 0)
        error = check_options(&own);
    if (error == 0)
        error = lend__directory_prepare();
    if (error != 0)
        return error;
    lend_executor *executor = lend__memory_new(sizeof *executor);
    if (executor == NULL)
        return ENOMEM;
    executor->options = own;
    executor->era = fork_era();
    fill_defaults(executor);
    int shield = lend__thread_shield();
    error = open_executor(executor);
    lend__thread_unshield(shield);
    if (error != 0) {
        lend__memory_free(executor);
        return error;
    }
    lend__directory_add(executor);
    *ret_executor = executor;
    return 0;
}

void lend__executor_free(lend_executor *executor) {
    lend__parker_deinit(&executor->alarm);
    lend__lock_deinit(&executor->lock);
    lend__memory_free(executor);
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
    executor->options.sink(&event, executor->options.sink_context);
}

/* Under the lock. What is over is decided, so only the live are walked. */
static void count_live(const lend_executor *executor, struct lend_executor_stats *stats) {
    for (const struct list_node *node = executor->locked.live.first; node != NULL;
         node = node->next) {
        const struct task *task = list_entry(node, struct task, place);
        stats->pending += !task_is_decided(task);
        stats->borrowing += task->stage == TASK_BORROWING;
        stats->running += task->stage == TASK_RUNNING;
    }
}

int lend_executor_stats_get(lend_executor *executor, struct lend_executor_stats *ret_stats) {
    if (executor == NULL || ret_stats == NULL)
        return EINVAL;
    if (executor_is_foreign(executor))
        return EOWNERDEAD;
    struct lend_executor_stats stats = {.workers = executor->options.workers};
    lend__lock_acquire(&executor->lock);
    count_live(executor, &stats);
    stats.submitting = executor->locked.submitters.length;
    stats.queued = executor->locked.queue.length;
    stats.queued_bytes = executor->locked.queue_bytes;
    stats.accepted = executor->locked.accepted;
    stats.succeeded = executor->locked.outcomes[LEND_SUCCEEDED];
    stats.failed = executor->locked.outcomes[LEND_FAILED];
    stats.no_model = executor->locked.outcomes[LEND_NO_MODEL];
    stats.cancelled = executor->locked.outcomes[LEND_CANCELLED];
    stats.expired = executor->locked.outcomes[LEND_EXPIRED];
    stats.refused = executor->locked.refused;
    stats.overran = executor->locked.overran;
    stats.waits = executor->locked.waits;
    stats.runs = executor->locked.runs;
    lend__lock_release(&executor->lock);
    stats.events = word_peek(&executor->events);
    *ret_stats = stats;
    return 0;
}

int lend_executor_options_get(const lend_executor *executor,
                              struct lend_executor_options *ret_options) {
    if (executor == NULL || ret_options == NULL)
        return EINVAL;
    *ret_options = executor->options;
    return 0;
}
