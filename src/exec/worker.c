/* SPDX-License-Identifier: MIT
 *
 * Workers: coming for the next job, sleeping until there is one. */
#include "exec/state.h"

/* Under the lock, with nothing to do: to sleep, as the sentry if that can be. Who was busy last
 * relieves who stands there: its caches are warm. */
static void lie_down(struct worker *self) {
    lend_executor *executor = self->executor;
    struct worker *sentry = executor->locked.sentry;
    if (sentry != NULL && inbox_recall(&executor->inbox, sentry)) {
        list_append(&executor->locked.idle, &sentry->waiter.node);
        executor->locked.sentry = NULL;
    }
    list_append(&executor->locked.idle, &self->waiter.node);
}

/* One look: the next task, or NULL and the worker is to sleep, or to end. */
static struct task *look(struct worker *self, bool *ret_ending) {
    struct list woken = {0};
    struct task *task = NULL;
    lend_executor *executor = self->executor;
    lend__lock_acquire(&executor->lock);
    self->tid = owner_tid(thread_owner());
    if (executor->locked.sentry == self)
        executor->locked.sentry = NULL;
    lend__executor_return(executor, self);
    *ret_ending = executor->locked.phase == EXECUTOR_ENDING;
    if (!*ret_ending) {
        task = lend__executor_next(executor, &woken);
        if (task != NULL)
            lend__executor_take(executor, task, self, TASK_BORROWING);
        else
            lie_down(self);
        lend__executor_settle(executor, &woken);
    }
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    return task;
}

/* The next task for this worker, waited for as long as it takes; NULL when all is over. Each sleep
 * is ended by the one wake that is owed to whoever is taken from among those who sleep. */
static struct task *next_task(struct worker *self) {
    bool ending;
    struct task *task;
    while ((task = look(self, &ending)) == NULL && !ending)
        lend__parker_sleep(&self->parker, LEND_FOREVER);
    return task;
}

void lend__worker_replace(struct worker *worker) {
    const struct lend_executor_options *options = &worker->executor->options;
    if (options->worker_ends != NULL)
        options->worker_ends(options->worker_context);
    lend__thread_detach_self();
    worker->is_gone = lend__worker_start(worker) != 0;
}

void lend__worker_main(void *argument) {
    struct worker *self = argument;
    const struct lend_executor_options *options = &self->executor->options;
    struct errand errand;
    thread_errand_begin(&errand, self->executor, NULL);
    if (options->worker_begins != NULL)
        options->worker_begins(options->worker_context);
    for (struct task *task; (task = next_task(self)) != NULL;)
        lend__run_task(task);
    if (options->worker_ends != NULL)
        options->worker_ends(options->worker_context);
    thread_errand_end(&errand);
}
