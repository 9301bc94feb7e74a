/* SPDX-License-Identifier: MIT
 *
 * How a task is run: borrow, run, give back, answer. The model goes back before the outcome is
 * decided, so that whoever sees the outcome finds the model back too. */
#include "base/clock.h"
#include "base/histogram.h"
#include "base/text.h"
#include "exec/state.h"
#include "pool/registry.h"

#include <lend/lease.h>
#include <lend/report.h>

/* Under the lock: the borrow failed, and nobody has decided the task meanwhile. The borrow's
 * deadline is the job's, so to be out of time there is to be out of time altogether. */
static void decide_unlent(struct task *task, const struct lend_lease *lease, struct list *woken) {
    int error = lend_lease_error(lease);
    const char *words = NULL;
    struct remarks *remarks = task->job.remarks;
    if (remarks != NULL) {
        lend_report_print(lend_lease_report(lease), remarks->words, sizeof remarks->words);
        words = remarks->words;
    }
    if (error == ETIMEDOUT || error == EBUSY)
        lend__task_decide(task, LEND_EXPIRED, ETIMEDOUT, words, woken);
    else
        lend__task_decide(task, LEND_NO_MODEL, error, words, woken);
}

/* From BORROWING to RUNNING, unless it was decided or failed meanwhile. */
static bool begin_run(struct task *task, const struct lend_lease *lease) {
    struct list woken = {0};
    lend_executor *executor = task->executor;
    int64_t waited_ns = elapsed_ns(task->accepted_ns, lend__clock_now_ns());
    if (lend_lease_report(lease) != NULL)
        lend__task_remarks(task);
    lend__lock_acquire(&executor->lock);
    bool runs = lend_lease_ok(lease) && !task_is_decided(task);
    if (runs) {
        task->stage = TASK_RUNNING;
        task->lease = *lease;
        histogram_count(&executor->locked.waits, waited_ns);
        lend__timekeeper_mind(executor, task);
    } else {
        task->stage = TASK_RETURNED;
        if (!task_is_decided(task))
            decide_unlent(task, lease, &woken);
    }
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    return runs;
}

/* Under the lock: by the return of the run. It was asked to stop if it says so and we did. */
static void decide_returned(struct task *task, int error, struct list *woken) {
    struct lend_job *job = &task->job;
    const char *words =
        job->remarks != NULL && job->remarks->words[0] != '\0' ? job->remarks->words : NULL;
    int stop = (int)word_peek(&task->stop);
    word_poke(&task->future.value, (uint64_t)(uintptr_t)job->value);
    task->future.destroy = job->destroy;
    job->value = NULL;
    if (error == 0)
        lend__task_decide(task, LEND_SUCCEEDED, 0, /* reason= */ "", woken);
    else if (error == ECANCELED && stop != 0)
        lend__task_decide(task, LEND_CANCELLED, stop, words, woken);
    else
        lend__task_decide(task, LEND_FAILED, error, words, woken);
}

static void report_overrun(struct task *task, int error) {
    int64_t late_ns = elapsed_ns(task->spec.deadline.at_ns, lend__clock_now_ns());
    if (late_ns <= STOP_GRACE_MS * NS_PER_MS)
        return;
    char late[64];
    struct text text = text_into(late, sizeof late);
    lend__text_add_duration(&text, late_ns);
    lend__text_add(&text, " late");
    lend__executor_event(task->executor, LEND_EVENT_JOB_OVERRAN, task, error, late);
}

/* The run is back, and so is the model. True if it was answered before. */
static bool end_run(struct task *task, int error, int64_t ran_ns) {
    struct list woken = {0};
    lend_executor *executor = task->executor;
    lend__lock_acquire(&executor->lock);
    bool overran = task_is_decided(task);
    task->stage = TASK_RETURNED;
    lend__task_disarm(task);
    histogram_count(&executor->locked.runs, ran_ns);
    executor->locked.overran += overran;
    if (!overran)
        decide_returned(task, error, &woken);
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    return overran;
}

/* The job's model, and what else it took as a job and did not give back. */
static void give_back(struct lend_job *job, struct lend_lease *lease, uint32_t held_before) {
    if (job->model_broken)
        lend_release_broken(lease, job->remarks != NULL ? job->remarks->broken_why : "");
    else
        lend_release(lease);
    if (lend__thread_self.held > held_before)
        lend__reclaim_from_job(thread_owner());
}

/* One call of a job's function, which may never return: it may end its thread. */
struct run {
    struct task *task;
    struct lend_lease *lease;
    uint32_t held_before;
    int64_t began_ns, ended_ns;
    int error;
    bool returned;
};

/* True if somebody else has told or tells the owner. */
static bool complete(struct run *run) {
    struct task *task = run->task;
    struct lend_job *job = &task->job;
    int64_t ran_ns = elapsed_ns(run->began_ns, run->ended_ns);
    give_back(job, run->lease, run->held_before);
    bool overran = end_run(task, run->error, ran_ns);
    if (overran)
        report_overrun(task, run->error);
    if (job->value != NULL && job->destroy != NULL)
        job->destroy(job->value);
    return overran;
}

/* The task stays with this thread, which is no worker any more. */
static struct worker *leave_worker(struct task *task) {
    lend_executor *executor = task->executor;
    lend__lock_acquire(&executor->lock);
    struct worker *worker = task->worker;
    if (worker != NULL) {
        worker->task = NULL;
        task->worker = NULL;
        list_append(&executor->locked.guests, &task->place);
    }
    lend__lock_release(&executor->lock);
    return worker;
}

static void call(void *argument) {
    struct run *run = argument;
    run->error = run->task->spec.run(run->lease->model, run->task->spec.argument, &run->task->job);
    run->returned = true;
    run->ended_ns = lend__clock_now_ns();
}

/* The thread ends in the middle of the job. Everything that would have been done after the return
 * is done here; and before the task is over, so that nobody closes the executor meanwhile, a worker
 * is given another thread. */
static void catch_end(void *argument) {
    struct run *run = argument;
    if (run->returned)
        return;
    struct task *task = run->task;
    run->ended_ns = lend__clock_now_ns();
    run->error = lend_job_explain(&task->job, ECANCELED, "the job ended its own thread");
    bool told = complete(run);
    thread_forget_errands();
    if (!told)
        lend__task_tell(task);
    struct worker *worker = leave_worker(task);
    if (worker != NULL)
        lend__worker_replace(worker);
    lend__task_finish(task);
}

/* A worker's job is simply done: it succeeded, nothing of the caller's is left to be called, and
 * nothing to be looked into. */
static bool is_plain(const struct run *run) {
    const struct task *task = run->task;
    return run->error == 0 && task->worker != NULL && task->spec.done == NULL &&
           task->spec.drop_argument == NULL && !task->job.model_broken &&
           lend__thread_self.held == run->held_before + 1;
}

/* Under the lock: pass the model on to the next task if there is one, and if that may be done. */
static struct task *pass_on(struct run *run, struct list *woken) {
    struct task *next = lend__executor_next(run->task->executor, woken);
    if (next == NULL || task_is_decided(run->task))
        return NULL;
    owner_word before = lend__thread_job_begin(next->number);
    if (lend__lease_pass_on(run->lease, next->site))
        return next;
    lend__thread_job_end(before);
    return NULL;
}

/* The end of this run, and the beginning of the next on the same model, in one region: as if the
 * worker had given the model back, answered, come for the next task and been lent the model again.
 * False if it is to do so. */
static bool go_on(struct run *run) {
    struct task *task = run->task;
    lend_executor *executor = task->executor;
    struct worker *worker = task->worker;
    struct list woken = {0};
    bool gone = false;
    if (!is_plain(run) || !lend__lease_clean(run->lease))
        return false;
    lend__lock_acquire(&executor->lock);
    struct task *next = pass_on(run, &woken);
    if (next != NULL) {
        task->stage = TASK_RETURNED;
        histogram_count(&executor->locked.runs, elapsed_ns(run->began_ns, run->ended_ns));
        decide_returned(task, 0, &woken);
        gone = lend__task_step(task, END_OVER, &woken);
        lend__executor_return(executor, worker);
        lend__executor_take(executor, next, worker, TASK_RUNNING);
        next->lease = *run->lease;
        histogram_count(&executor->locked.waits, elapsed_ns(next->accepted_ns, run->ended_ns));
        lend__timekeeper_mind(executor, next);
        lend__executor_settle(executor, &woken);
        thread_errand_turn(next);
    }
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    if (gone)
        lend__task_free(task);
    if (next == NULL) {
        lend__lease_put_back(run->lease);
        return false;
    }
    run->task = next;
    run->began_ns = run->ended_ns;
    return true;
}

/* This task and as many more as can be had on the same model; the last of them is returned, to be
 * answered, unless somebody else has told its owner: *ret_told. */
static struct task *run_on(struct task *task, struct lend_lease *lease, uint32_t held_before,
                           bool *ret_told) {
    struct run run = {
        .task = task, .lease = lease, .held_before = held_before, .began_ns = lend__clock_now_ns()};
    do {
        run.returned = false;
        lend__thread_guard(call, &run, catch_end, &run);
    } while (go_on(&run));
    *ret_told = complete(&run);
    return run.task;
}

/* With a lease or the lack of one. Returns as run_on. */
static struct task *run_with(struct task *task, struct lend_lease *lease, uint32_t held_before,
                             bool *ret_told) {
    *ret_told = false;
    if (begin_run(task, lease))
        return run_on(task, lease, held_before, ret_told);
    lend_release(lease);
    return task;
}

/* The last of it: the task may be gone. */
static void answer(struct task *task, bool told) {
    if (told)
        lend__task_finish(task);
    else
        lend__task_tell_and_finish(task);
}

/* As the job: what is borrowed from here to the return belongs to it. */
void lend__run_task(struct task *task) {
    struct errand errand;
    bool told;
    uint32_t held_before = lend__thread_self.held;
    thread_errand_begin(&errand, task->executor, task);
    owner_word before = lend__thread_job_begin(task->number);
    struct lend_lease lease = lend__acquire(task->executor->options.pool, task->spec.deadline,
                                            task->site, &task->borrow_cancel);
    task = run_with(task, &lease, held_before, &told);
    lend__thread_job_end(before);
    answer(task, told);
    thread_errand_end(&errand);
}

/* Out of the queue and into this thread's hands, unless somebody was faster. */
static bool claim(struct task *task) {
    struct list woken = {0};
    lend_executor *executor = task->executor;
    lend__lock_acquire(&executor->lock);
    lend__executor_absorb(executor, &woken);
    bool queued = task->stage == TASK_QUEUED && !task_is_decided(task);
    if (queued)
        lend__executor_take_here(executor, task);
    lend__executor_settle(executor, &woken);
    lend__lock_release(&executor->lock);
    waiters_wake(&woken);
    return queued;
}

bool lend__help_task(struct task *task) {
    struct errand errand;
    bool told = false;
    uint32_t held_before = lend__thread_self.held;
    thread_errand_begin(&errand, task->executor, task);
    owner_word before = lend__thread_job_begin(task->number);
    struct lend_lease lease =
        lend__acquire(task->executor->options.pool, LEND_NOW, task->site, /* cancel= */ NULL);
    bool claimed = lend_lease_ok(&lease) && claim(task);
    if (claimed)
        run_with(task, &lease, held_before, &told);
    lend_release(&lease);
    lend__thread_job_end(before);
    if (claimed)
        answer(task, told);
    thread_errand_end(&errand);
    return claimed;
}
