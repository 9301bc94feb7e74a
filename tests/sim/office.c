/* SPDX-License-Identifier: MIT
 *
 * The jobs, and handing them over. */
#include "office.h"

#include "fail.h"
#include "threads.h"
#include "watcher.h"

static void enter_callback(const char *what) {
    sim_point(what, NULL);
    SIM_CHECK("LOCK", machine.running->locks == 0, "%s under a lock of lend", what);
}

static int labour(struct work *work, lend_job *job) {
    if (work->body != NULL)
        work->body(work, job);
    if (!work->heeds && work->run_ms > 0)
        sim_pause_ms(work->run_ms);
    for (int64_t ms = 0; work->heeds && ms < work->run_ms; ms++) {
        if (lend_job_must_stop(job))
            return ECANCELED;
        sim_pause_ms(1);
    }
    return work->result;
}

static int run(void *model, void *argument, lend_job *job) {
    struct work *work = argument;
    enter_callback("runs a job");
    SIM_CHECK("FUT", ++work->begun == 1, "a job is run twice");
    SIM_CHECK("FUT", !work->called_off, "a job is run after it was cancelled");
    SIM_CHECK("FUT", work->dropped == 0, "a job is run after its argument was dropped");
    shop_model_taken(model);
    int error = labour(work, job);
    shop_model_left(model);
    work->ended++;
    return error;
}

static void done(lend_future *future, void *argument) {
    struct work *work = argument;
    enter_callback("tells of a job");
    SIM_CHECK("FUT", ++work->told == 1, "a job is told twice");
    work->outcome = lend_future_outcome(future);
    SIM_CHECK("FUT", work->outcome != LEND_PENDING, "a job is told before it is decided");
}

static void drop(void *argument) {
    struct work *work = argument;
    enter_callback("drops an argument");
    SIM_CHECK("FUT", ++work->dropped == 1, "an argument is dropped twice");
}

void office_open(struct office *office, struct shop *shop,
                 const struct lend_executor_options *options) {
    machine.calm = true;
    *office = (struct office){.shop = shop};
    shop->shared = true;
    SIM_CHECK("OPEN", lend_executor_open(&office->executor, options) == 0,
              "the executor did not open");
    watcher_add_executor(office->executor);
    sim_settle();
    machine.calm = false;
}

void office_close(struct office *office) {
    int error = lend_executor_close(office->executor, LEND_FOREVER);
    SIM_CHECK("CLOSED", error == 0, "the executor does not close: %s", lend_errname(error));
}

int work_submit(struct office *office, struct work *work, lend_deadline deadline) {
    work->office = office;
    struct lend_job_spec spec =
        LEND_JOB(.run = run, .argument = work, .drop_argument = drop, .done = done,
                 .done_argument = work, .deadline = deadline, .bytes = work->bytes);
    machine.running->deadline_ns = deadline.at_ns;
    int error = lend_submit(office->executor, &spec, work->forgotten ? NULL : &work->future);
    SIM_CHECK("ONCE", error == 0 || (work->begun == 0 && work->told == 0 && work->dropped == 0),
              "a job that was refused is used all the same");
    return error;
}

int work_cancel(struct work *work) {
    int error = lend_future_cancel(work->future);
    if (error == 0) {
        SIM_CHECK("FUT", work->begun == 0, "a job that runs was called off");
        work->called_off = true;
    }
    return error;
}

int work_wait(struct work *work, lend_deadline deadline) {
    machine.running->deadline_ns = deadline.at_ns;
    int error = lend_future_wait(work->future, deadline);
    SIM_CHECK("FUT", error != 0 || lend_future_outcome(work->future) != LEND_PENDING,
              "the wait is over, and nothing is decided");
    SIM_CHECK("TIME", error != ETIMEDOUT || machine.now_ns >= deadline.at_ns,
              "%s timed out before its time", machine.running->name);
    return error;
}

enum lend_outcome work_is_over(struct work *work) {
    SIM_CHECK("FUT", work->told == 1 && work->dropped == 1, "told %u times, dropped %u times",
              work->told, work->dropped);
    if (work->future != NULL)
        SIM_CHECK("FUT", lend_future_outcome(work->future) == work->outcome,
                  "the outcome has changed");
    SIM_CHECK("FUT", work->outcome != LEND_SUCCEEDED || work->ended == 1,
              "a job succeeded that did not run");
    lend_future_drop(work->future);
    work->future = NULL;
    return work->outcome;
}
