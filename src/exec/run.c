/* SPDX-License-Identifier: MIT
 *
 * How a task is run: borrow, run, give back, answer. The model goes back before the outcome is
 * decided, so that whoever sees the outcome finds the model back too. */
#include "exec/run.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "base/text.h"
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

/* A run shorter than this is short against the reading of the clock before and after it, and
 * against a sleep and a wake. */
#define SHORT_RUN_NS (20 * NS_PER_US)

static void count_run(lend_executor *executor, const struct run *run) {
    int64_t ran_ns = elapsed_ns(run->began_ns, run->ended_ns);
    histogram_count_for(&executor->locked.runs, ran_ns, run->task->counts_for);
    bool hurries = ran_ns < SHORT_RUN_NS;
    if (hurries != (word_peek(&executor->hurries) != 0))
        word_poke(&executor->hurries, hurries);
}

void lend__run_begin(struct run *run) {
    struct task *task = run->task;
    lend_executor *executor = task->executor;
    task->stage = TASK_RUNNING;
    run->lent = run->lease;
    task->lease = &run->lent;
    if (task->counts_for != 0) {
        run->began_ns = lend__clock_now_ns();
        histogram_count_for(&executor->locked.waits, elapsed_ns(task->accepted_ns, run->began_ns),
                            task->counts_for);
    }
    lend__timekeeper_mind(executor, task);
}

bool lend__run_borrow(struct run *run) {
    struct list woken = {0};
    struct task *task = run->task;
    lend_executor *executor = task->executor;
    struct lend_lease lease =
        lend__acquire(executor->options.pool, task->deadline, task->site, &task->borrow_cancel);
    if (lend_lease_report(&lease) != NULL)
        lend__task_remarks(task);
    run->lease = lease;
    lend__lock_acquire(&executor->lock);
    bool runs = lend_lease_ok(&lease) && !task_is_decided(task);
    if (runs)
        lend__run_begin(run);
    else
        task->stage = TASK_RETURNED;
    if (!runs && !task_is_decided(task))
        decide_unlent(task, &lease, &woken);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    if (!runs)
        lend_release(&run->lease);
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
    int64_t late_ns = elapsed_ns(task_due_ns(task), lend__clock_now_ns());
    if (late_ns <= STOP_GRACE_MS * NS_PER_MS)
        return;
    char late[64];
    struct text text = text_into(late, sizeof late);
    lend__text_add_duration(&text, late_ns);
    lend__text_add(&text, " late");
    lend__executor_event(task->executor, LEND_EVENT_JOB_OVERRAN, task, error, late);
}

bool lend__run_end(struct run *run, struct list *woken) {
    struct task *task = run->task;
    lend_executor *executor = task->executor;
    bool overran = task_is_decided(task);
    task->stage = TASK_RETURNED;
    lend__task_disarm(task);
    if (task->counts_for != 0)
        count_run(executor, run);
    executor->locked.overran += overran;
    if (!overran)
        decide_returned(task, run->error, woken);
    return overran;
}

void lend__run_give_back(struct run *run) {
    const struct lend_job *job = &run->task->job;
    if (job->model_broken)
        lend_release_broken(&run->lease, job->remarks != NULL ? job->remarks->broken_why : "");
    else
        lend_release(&run->lease);
    if (thread_own_leases() > run->held_before)
        lend__reclaim_from_job(lend__thread_self.owner);
}

/* True if somebody else has told or tells the owner. */
static bool end(struct run *run) {
    struct list woken = {0};
    struct lend_job *job = &run->task->job;
    lend__lock_acquire(&run->task->executor->lock);
    bool overran = lend__run_end(run, &woken);
    lend__lock_release(&run->task->executor->lock);
    lend__waiters_wake(&woken);
    if (overran)
        report_overrun(run->task, run->error);
    if (job->value != NULL && job->destroy != NULL)
        job->destroy(job->value);
    return overran;
}

/* Functions of the caller's are called here, which may contain cancellation points; a worker that
 * was cancelled in one would leave the job half told, and nobody in its own place. */
void lend__run_answer(struct run *run) {
    struct task *task = run->task;
    int shield = lend__thread_shield();
    bool told = task->stage == TASK_RUNNING && end(run);
    run->task = NULL;
    if (told)
        lend__task_finish(task);
    else
        lend__task_tell_and_finish(task);
    lend__thread_unshield(shield);
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
    struct task *task = run->task;
    bool never_blocks = lend__thread_self.never_blocks;
    run->error = task->run(run->lease.model, task->argument, &task->job);
    lend__thread_self.never_blocks = never_blocks;
    run->returned = true;
}

/* The thread ends in the middle of the job. Everything that would have been done after the return
 * is done here; and before the task is over, so that nobody closes the executor meanwhile, a worker
 * is given another thread. */
static void catch_end(void *argument) {
    struct run *run = argument;
    struct task *task = run->task;
    if (run->returned || executor_is_foreign(task->executor))
        return;
    lend__thread_self.errands = run->errands; /* on frames that are still to be unwound */
    thread_job_begin(task->number); /* a job within may have ended the thread, and forgotten this */
    run->ended_ns = lend__clock_now_ns();
    run->error = lend_job_explain(&task->job, ECANCELED, "the job ended its own thread");
    lend__run_give_back(run);
    bool told = end(run);
    thread_job_end(lend__thread_self.identity);
    if (!told)
        lend__task_tell(task);
    struct worker *worker = leave_worker(task);
    if (worker != NULL)
        lend__worker_replace(worker);
    lend__task_finish(task);
    thread_forget_errands();
}

void lend__run_call(struct run *run) {
    run->returned = false;
    run->errands = lend__thread_self.errands;
    lend__thread_guard(call, run, catch_end, run);
    if (run->task->counts_for != 0)
        run->ended_ns = lend__clock_now_ns();
}

static void call_and_give_back(struct run *run) {
    lend__run_call(run);
    lend__run_give_back(run);
}

/* As the job: what is borrowed from here to the return belongs to it. */
void lend__run_task(struct task *task) {
    struct errand errand;
    struct run run = {.task = task, .held_before = thread_own_leases()};
    thread_errand_begin(&errand, task->executor, task);
    owner_word before = thread_job_begin(task->number);
    if (lend__run_borrow(&run))
        call_and_give_back(&run);
    thread_job_end(before);
    lend__run_answer(&run);
    thread_errand_end(&errand);
}

/* Out of the queue and into this thread's hands, unless somebody was faster. */
static bool claim(struct run *run) {
    struct list woken = {0};
    struct task *task = run->task;
    lend_executor *executor = task->executor;
    lend__lock_acquire(&executor->lock);
    lend__executor_absorb(executor, &woken);
    bool queued = task->stage == TASK_QUEUED && !task_is_decided(task);
    if (queued) {
        lend__executor_take_here(executor, task);
        lend__run_begin(run);
    }
    lend__executor_settle(executor, &woken);
    lend__lock_release(&executor->lock);
    lend__waiters_wake(&woken);
    return queued;
}

bool lend__help_task(struct task *task) {
    struct errand errand;
    struct run run = {.task = task, .held_before = thread_own_leases()};
    thread_errand_begin(&errand, task->executor, task);
    owner_word before = thread_job_begin(task->number);
    run.lease =
        lend__acquire(task->executor->options.pool, LEND_NOW, task->site, /* cancel= */ NULL);
    bool claimed = lend_lease_ok(&run.lease) && claim(&run);
    if (claimed)
        call_and_give_back(&run);
    else
        lend_release(&run.lease);
    thread_job_end(before);
    if (claimed)
        lend__run_answer(&run);
    thread_errand_end(&errand);
    return claimed;
}
