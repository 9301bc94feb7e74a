/* SPDX-License-Identifier: MIT
 *
 * Workers. One that has run a job comes into a single region under the lock, in which the job is
 * answered and the next is taken and begins, on the model that was given back a moment ago if
 * nobody waits for it. What is to be done of that without the lock (the caller's functions, a wait
 * for a model, an event for the sink) is done before, or after, in a region of its own. */
#include "exec/run.h"

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

/* The job is simply done: it succeeded in time, nothing of the caller's is left to be called. */
static bool is_plain(const struct run *run) {
    const struct task *task = run->task;
    return run->error == 0 && task->spec.done == NULL && task->spec.drop_argument == NULL &&
           task->job.value == NULL && !task->job.model_broken && task->stage == TASK_RUNNING &&
           !task_is_decided(task);
}

/* Under the lock. Returns the task if it is to be freed. */
static struct task *answer_plain(struct run *run, struct list *woken) {
    struct task *task = run->task;
    if (task == NULL)
        return NULL;
    bool told = lend__run_end(run, woken);
    run->task = NULL;
    if (!lend__task_step(task, told ? END_FINISHED : END_OVER, woken))
        return NULL;
    bool kept =
        !told && task->job.remarks == NULL && stock_put(&task->executor->stock, &task->inbox);
    return kept ? NULL : task;
}

/* Under the lock: take the next task, RUNNING already if there is a model at once. */
static bool take_next(struct worker *self, struct run *run, struct list *woken) {
    lend_executor *executor = self->executor;
    struct task *task = lend__executor_next(executor, woken);
    if (task == NULL)
        return false;
    run->task = task;
    lend__executor_take(executor, task, self);
    lend__thread_job_begin(task->number);
    thread_errand_turn(task);
    if (lend__acquire_again(executor->options.pool, task->site, &run->lease))
        lend__run_begin(run);
    return true;
}

enum look { LOOK_RUN, LOOK_SLEEP, LOOK_END };

static enum look look(struct worker *self, struct run *run) {
    struct list woken = {0};
    enum look answer = LOOK_RUN;
    lend_executor *executor = self->executor;
    lend__lock_acquire(&executor->lock);
    struct task *gone = answer_plain(run, &woken);
    if (executor->locked.sentry == self)
        executor->locked.sentry = NULL;
    lend__executor_return(executor, self);
    if (executor->locked.phase == EXECUTOR_ENDING) {
        answer = LOOK_END;
    } else if (!take_next(self, run, &woken)) {
        answer = LOOK_SLEEP;
        lie_down(self);
    }
    lend__executor_settle(executor, &woken);
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    if (gone != NULL)
        lend__task_free(gone);
    return answer;
}

/* The next task for this worker, waited for as long as it takes; false when all is over. Each sleep
 * is ended by the one wake that is owed to whoever is taken from among those who sleep. */
static bool come(struct worker *self, struct run *run) {
    enum look answer;
    while ((answer = look(self, run)) == LOOK_SLEEP)
        lend__parker_sleep(&self->parker, LEND_FOREVER);
    return answer == LOOK_RUN;
}

/* As the job: what is borrowed from here to the return belongs to it. */
static void work(struct worker *self, struct run *run) {
    if (lend_lease_ok(&run->lease) || lend__run_borrow(run))
        lend__run_call(run);
    lend__thread_job_end(self->owner);
    if (!is_plain(run))
        lend__run_answer(run);
    thread_errand_turn(NULL);
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
    self->owner = thread_owner();
    lend__lock_acquire(&self->executor->lock);
    self->tid = owner_tid(self->owner);
    lend__lock_release(&self->executor->lock);
    if (options->worker_begins != NULL)
        options->worker_begins(options->worker_context);
    struct run run = {.held_before = lend__thread_self.held};
    while (come(self, &run))
        work(self, &run);
    if (options->worker_ends != NULL)
        options->worker_ends(options->worker_context);
    thread_errand_end(&errand);
}
