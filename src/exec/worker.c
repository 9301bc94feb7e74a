/* SPDX-License-Identifier: MIT
 *
 * Workers. One that has run a job comes into a single region under the lock, in which the job is
 * answered and the next is taken and begins. What is to be done of that without the lock (the
 * caller's functions, a wait for a model, an event for the sink) is done before, or after, in a
 * region of its own.
 *
 * While more is queued, the model goes from one job to the next in that region too, as if it had
 * been given back before the answer and nobody else had been faster; so it is given back before the
 * region unless a next job is in sight, and if that was an illusion, or somebody waits for the
 * model, between a region that changes nothing and another one. */
#include "exec/run.h"

enum look { LOOK_RUN, LOOK_STAND, LOOK_SLEEP, LOOK_END, LOOK_KEPT_IN_VAIN };

/* Under the lock: a sentry that sleeps goes back among the others. False if the sentry is up. */
static bool relieve_sentry(lend_executor *executor) {
    struct worker *sentry = executor->locked.sentry;
    if (sentry == NULL)
        return true;
    if (!inbox_recall(&executor->inbox, sentry))
        return false;
    list_append(&executor->locked.idle, &sentry->waiter.node);
    executor->locked.sentry = NULL;
    return true;
}

/* Under the lock, with nothing to do. Who was busy last is the sentry, if that can be: its caches
 * are warm. It stands for a moment first, if it may and that pays. */
static enum look rest(struct worker *self, bool may_stand) {
    lend_executor *executor = self->executor;
    if (executor->locked.phase == EXECUTOR_ENDING)
        return LOOK_END;
    if (relieve_sentry(executor) && may_stand && executor_spin_pays(executor)) {
        executor->locked.sentry = self;
        return LOOK_STAND;
    }
    list_append(&executor->locked.idle, &self->waiter.node);
    return LOOK_SLEEP;
}

/* The job is simply done: it succeeded in time, nothing of the caller's is left to be called. One
 * that got no model is decided by then. */
static bool is_plain(const struct run *run) {
    const struct task *task = run->task;
    return run->error == 0 && task->done == NULL && task->drop_argument == NULL &&
           task->job.value == NULL && !task->job.model_broken && !task_is_decided(task);
}

/* Nobody will ask how it went, and no list has it. It is undecided: before its return only the
 * timekeeper decides a job that runs, and one that it watches. */
static bool is_unseen(const struct task *task) {
    return word_read(&task->ends) == END_DROPPED && !task->watched && task->counts_for == 0;
}

/* Under the lock: a task that nobody knows of any more. */
static bool put_by(struct task *task) {
    return lend__task_reuse(task) && stock_put(&task->executor->stock, &task->inbox);
}

/* Under the lock: the short way of an unseen task. */
static void answer_unseen(struct task *task) {
    task->executor->locked.outcomes[LEND_SUCCEEDED]++;
    task->worker->task = NULL;
    task->worker = NULL;
    lend__executor_is_drained(task->executor);
}

/* Under the lock. Returns the task if it is to be freed. */
static struct task *answer_plain(struct run *run, struct list *woken) {
    struct task *task = run->task;
    if (task == NULL)
        return NULL;
    if (is_unseen(task)) {
        run->task = NULL;
        answer_unseen(task);
        return put_by(task) ? NULL : task;
    }
    bool told = lend__run_end(run, woken);
    run->task = NULL;
    if (!lend__task_step(task, told ? END_FINISHED : END_OVER, woken))
        return NULL;
    return put_by(task) ? NULL : task;
}

/* Under the lock: the next task becomes the worker's, RUNNING already if there is a model at
 * once. */
static void take(struct worker *self, struct run *run, struct task *next) {
    lend_executor *executor = self->executor;
    run->task = next;
    run->held_before = thread_own_leases() - (uint32_t)lend_lease_ok(&run->lease);
    lend__executor_take(executor, next, self);
    self->sees_more = executor->locked.queue.length > 0;
    thread_job_begin(next->number);
    thread_errand_turn(next);
    if (lend_lease_ok(&run->lease) ||
        lend__acquire_again(executor->options.pool, next->site, &run->lease))
        lend__run_begin(run);
}

/* Under the lock: if the worker has kept its model, that is now the next task's. */
static bool pass_model(struct run *run, const struct task *next) {
    return !lend_lease_ok(&run->lease) ||
           (next != NULL && lend__lease_renew(&run->lease, next->number, next->site));
}

/* Under the lock: QUEUE and SENTRY hold as they are, if the region has but taken from the queue and
 * the inbox. A sentry whose mark was in the inbox had nothing queued, and has not now. */
static bool is_settled(const lend_executor *executor) {
    return executor->locked.submitters.length == 0 &&
           (executor->locked.sentry != NULL || executor->locked.idle.length == 0);
}

static enum look look(struct worker *self, struct run *run, bool may_stand) {
    struct list woken = {0};
    struct task *gone = NULL;
    enum look answer = LOOK_RUN;
    lend_executor *executor = self->executor;
    lend__lock_acquire(&executor->lock);
    struct task *next = lend__executor_next(executor, &woken);
    if (!pass_model(run, next)) {
        answer = LOOK_KEPT_IN_VAIN;
    } else {
        gone = answer_plain(run, &woken);
        if (executor->locked.sentry == self)
            executor->locked.sentry = NULL;
        lend__executor_return(executor, self);
        if (next != NULL)
            take(self, run, next);
        else
            answer = rest(self, may_stand);
    }
    if (!is_settled(executor))
        lend__executor_settle(executor, &woken);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    if (gone != NULL)
        lend__task_free(gone);
    return answer;
}

/* The thread is itself again. */
static void give_back(struct worker *self, struct run *run) {
    if (lend_lease_ok(&run->lease))
        lend__run_give_back(run);
    thread_job_end(self->owner);
}

/* As the sentry that is up: nobody is woken for a job that comes meanwhile. */
static void stand(const struct worker *self) {
    int64_t since_ns = 0;
    while (!inbox_has_jobs(&self->executor->inbox) && executor_spins(self->executor, &since_ns))
        ;
}

/* The next task for this worker, waited for as long as it takes; false when all is over. Each sleep
 * is ended by the one wake that is owed to whoever is taken from among those who sleep. */
static bool come(struct worker *self, struct run *run) {
    enum look seen;
    bool may_stand = true;
    while ((seen = look(self, run, may_stand)) != LOOK_RUN && seen != LOOK_END) {
        if (seen == LOOK_STAND)
            stand(self);
        else if (seen == LOOK_SLEEP)
            lend__parker_sleep(&self->parker, LEND_FOREVER);
        else
            give_back(self, run);
        may_stand = seen != LOOK_STAND;
    }
    return seen == LOOK_RUN;
}

/* Is there a next job in sight for the model, and is that all the job has left? */
static bool may_keep(const struct worker *self, const struct run *run) {
    const lend_executor *executor = self->executor;
    return executor->pool_is_plain && (self->sees_more || inbox_has_jobs(&executor->inbox)) &&
           thread_own_leases() == run->held_before + 1;
}

/* As the job: what is borrowed from here to the return belongs to it. */
static void work(struct worker *self, struct run *run) {
    if (lend_lease_ok(&run->lease) || lend__run_borrow(run))
        lend__run_call(run);
    bool plain = is_plain(run);
    if (plain && may_keep(self, run))
        return;
    give_back(self, run);
    if (!plain)
        lend__run_answer(run);
    thread_errand_turn(NULL);
}

void lend__worker_replace(struct worker *worker) {
    const struct lend_executor_options *options = &worker->executor->options;
    if (options->worker_ends != NULL)
        options->worker_ends(options->worker_context);
    lend__thread_detach_self();
    if (lend__worker_start(worker) != 0)
        worker->is_gone = true; /* else it is the new thread that may say so */
}

void lend__worker_main(void *argument) {
    struct worker *self = argument;
    const struct lend_executor_options *options = &self->executor->options;
    struct errand errand;
    thread_errand_begin(&errand, self->executor, NULL);
    self->owner = lend__thread_identify();
    lend__lock_acquire(&self->executor->lock);
    self->tid = owner_tid(self->owner);
    lend__lock_release(&self->executor->lock);
    if (options->worker_begins != NULL)
        options->worker_begins(options->worker_context);
    struct run run = {0};
    while (come(self, &run))
        work(self, &run);
    lend__thread_shield();
    if (options->worker_ends != NULL)
        options->worker_ends(options->worker_context);
    thread_errand_end(&errand);
}
