/* SPDX-License-Identifier: MIT
 *
 * Futures: waiting for a decision, giving up, and jobs that wait for each other. */
#include "scenario.h"

#include "fail.h"
#include "office.h"
#include "threads.h"

#include "base/clock.h"

static struct shop shop;
static struct office office;
static struct work works[4];
static int errors[3];

static void open_all(uint32_t models, uint32_t workers) {
    for (int i = 0; i < 4; i++)
        works[i] = (struct work){0};
    SHOP_OPEN(&shop, .models = models);
    OFFICE_OPEN(&office, &shop, .workers = workers);
}

static void submit(int i, lend_deadline deadline) {
    int error = work_submit(&office, &works[i], deadline);
    SIM_CHECK("ENDS", error == 0, "submit returned %d", error);
}

static void close_all(int jobs) {
    office_close(&office);
    shop_close(&shop);
    for (int i = 0; i < jobs; i++)
        work_is_over(&works[i]);
}

static void wait_for_ever(void *argument) {
    int *ret_error = argument;
    *ret_error = work_wait(&works[0], LEND_FOREVER);
}

static void wait_a_little(void *argument) {
    int *ret_error = argument;
    *ret_error = work_wait(&works[0], lend_within_ms(5));
}

static void join_it(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_future_join(works[0].future, LEND_FOREVER);
    SIM_CHECK("FUT", *ret_error != 0 || (works[0].told == 1 && works[0].dropped == 1),
              "joined a job that was told %u times and dropped %u times", works[0].told,
              works[0].dropped);
}

static void wait_meets_decision(void *unused) {
    (void)unused;
    open_all(1, 1);
    works[0].run_ms = 5;
    submit(0, LEND_FOREVER);
    struct sim_thread *threads[3] = {sim_start("patient", wait_for_ever, &errors[0]),
                                     sim_start("hasty", wait_a_little, &errors[1]),
                                     sim_start("joiner", join_it, &errors[2])};
    for (int i = 0; i < 3; i++)
        sim_join(threads[i]);
    SIM_CHECK("ENDS", errors[0] == 0 && errors[2] == 0, "they got %d and %d", errors[0], errors[2]);
    SIM_CHECK("ENDS", ONE_OF(errors[1], 0, ETIMEDOUT), "hasty got %d", errors[1]);
    close_all(1);
}

/* Queued, waiting for a model or running: the answer comes to the ns, in a simulation. */
static void deadlines_are_kept(void *unused) {
    (void)unused;
    static const int64_t within_ms[] = {10, 10, 9}; /* the last one while the timekeeper is up */
    machine.early = false;
    open_all(2, 2);
    int64_t began_ns = machine.now_ns;
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    works[0].run_ms = 50;
    for (int i = 0; i < 3; i++)
        submit(i, lend_within_ms(within_ms[i]));
    for (int i = 2; i >= 0; i--) {
        errors[i] = work_wait(&works[i], LEND_FOREVER);
        SIM_CHECK("TIME", machine.now_ns <= began_ns + within_ms[i] * NS_PER_MS,
                  "job %d is answered after %lld us", i,
                  (long long)(machine.now_ns - began_ns) / NS_PER_US);
    }
    shop_release(&shop, &lease);
    close_all(3);
}

static void hear_unread(const struct lend_event *event, void *context) {
    uint32_t *unread = context;
    *unread += event->kind == LEND_EVENT_JOB_UNREAD;
}

static int fail(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    return lend_job_explain(job, EIO, "no text");
}

/* A failure is read by somebody, or told to the sink, once. */
static void drop_meets_told(void *unused) {
    (void)unused;
    uint32_t unread = 0;
    lend_future *future = NULL;
    open_all(1, 1);
    office_close(&office);
    OFFICE_OPEN(&office, &shop, .workers = 1, .sink = hear_unread, .sink_context = &unread);
    int error = lend_submit(office.executor, &LEND_JOB(.run = fail), &future);
    SIM_CHECK("ENDS", error == 0, "submit returned %d", error);
    bool read = sim_choose(2) != 0 && lend_future_outcome(future) != LEND_PENDING;
    lend_future_drop(future);
    close_all(0);
    SIM_CHECK("NAMED", unread == (read ? 0 : 1), "read %d, told %u times", read, unread);
}

/* Told at its deadline, and given up by its owner, while it still runs. */
static void drop_meets_overrun(void *unused) {
    (void)unused;
    open_all(1, 1);
    works[0].run_ms = 20;
    submit(0, lend_within_ms(5));
    SIM_CHECK("ENDS", work_wait(&works[0], LEND_FOREVER) == 0, "the wait failed");
    lend_future_drop(works[0].future);
    works[0].future = NULL;
    close_all(1);
}

static char a_value;
static uint32_t values_taken, values_destroyed;

static void destroy_value(void *value) {
    SIM_CHECK("FUT", value == &a_value, "that is no value");
    values_destroyed++;
}

static void leave_a_value(struct work *work, lend_job *job) {
    (void)work;
    lend_job_return(job, &a_value, destroy_value);
}

static void take_it(void *unused) {
    (void)unused;
    if (work_wait(&works[0], LEND_FOREVER) == 0)
        values_taken += lend_future_take(works[0].future) != NULL;
}

static void two_take_one_value(void *unused) {
    (void)unused;
    values_taken = values_destroyed = 0;
    open_all(1, 1);
    works[0].body = leave_a_value;
    works[0].run_ms = 5;
    submit(0, lend_within_ms(5));
    struct sim_thread *takers[2] = {sim_start("taker", take_it, NULL),
                                    sim_start("other", take_it, NULL)};
    sim_join(takers[0]);
    sim_join(takers[1]);
    close_all(1);
    SIM_CHECK("ONCE", values_taken + values_destroyed == works[0].ended,
              "taken %u times, destroyed %u times", values_taken, values_destroyed);
}

static void take_what_is_there(void *unused) {
    (void)unused;
    values_taken += lend_future_take(works[0].future) != NULL;
}

static void two_take_what_is_there(void *unused) {
    (void)unused;
    values_taken = values_destroyed = 0;
    open_all(1, 1);
    works[0].body = leave_a_value;
    submit(0, LEND_FOREVER);
    SIM_CHECK("ENDS", work_wait(&works[0], LEND_FOREVER) == 0, "the wait failed");
    struct sim_thread *taker = sim_start("taker", take_what_is_there, NULL);
    take_what_is_there(NULL);
    sim_join(taker);
    close_all(1);
    SIM_CHECK("ONCE", values_taken == 1, "taken %u times", values_taken);
    SIM_CHECK("ONCE", values_destroyed == 0, "destroyed %u times", values_destroyed);
}

/* Jobs that wait for jobs. */

static int waited[4];
static bool submitted; /* the one that is waited for */

static void wait_for_the_next(struct work *work, lend_job *job) {
    (void)job;
    long i = work - works;
    while (!submitted)
        sim_block("waits for the submission", &submitted, INT64_MAX);
    waited[i] = work_wait(&works[i + 1], LEND_FOREVER);
}

static void submit_pair(uint32_t models, uint32_t workers) {
    open_all(models, workers);
    submitted = false;
    works[0].body = wait_for_the_next;
    submit(0, LEND_FOREVER);
    submit(1, LEND_FOREVER);
    submitted = true;
    sim_unblock(&submitted);
}

/* The next one is queued behind it, on the only worker: it is run in place if a model is free, and
 * else the wait is refused. */
static void a_job_helps(void *unused) {
    (void)unused;
    submit_pair(2, 1);
    close_all(2);
    SIM_CHECK("ENDS", waited[0] == 0, "the wait returned %d", waited[0]);
}

static void a_job_cannot_help(void *unused) {
    (void)unused;
    submit_pair(1, 1);
    close_all(2);
    SIM_CHECK("SOUND", waited[0] == EDEADLK, "the wait returned %d", waited[0]);
}

/* There is another worker, who may be faster. */
static void a_job_helps_in_vain(void *unused) {
    (void)unused;
    submit_pair(3, 2);
    close_all(2);
    SIM_CHECK("ENDS", waited[0] == 0, "the wait returned %d", waited[0]);
}

/* It has a model for the other one already when that is given up. */
static void cancel_meets_help(void *unused) {
    (void)unused;
    submit_pair(2, 1);
    int error = work_cancel(&works[1]);
    SIM_CHECK("FUT", ONE_OF(error, 0, EINPROGRESS, EALREADY), "cancel returned %d", error);
    close_all(2);
    SIM_CHECK("ENDS", waited[0] == 0, "the wait returned %d", waited[0]);
}

/* Somebody outside ends what looks like a deadlock, before it is one, or while it is refused. */
static void cancel_meets_refusal(void *unused) {
    (void)unused;
    submit_pair(1, 1);
    work_cancel(&works[1]);
    close_all(2);
    SIM_CHECK("ENDS", ONE_OF(waited[0], 0, EDEADLK), "the wait returned %d", waited[0]);
}

static void wait_for_the_third(struct work *work, lend_job *job) {
    (void)job;
    if (works[2].future != NULL)
        waited[work - works] = work_wait(&works[2], LEND_FOREVER);
}

/* All workers wait for one job that is queued, and no model is left to help with. */
static void all_workers_wait(void *unused) {
    (void)unused;
    open_all(2, 2);
    waited[0] = waited[1] = 0;
    struct lend_lease leases[2] = {shop_acquire(&shop, LEND_NOW), shop_acquire(&shop, LEND_NOW)};
    for (int i = 0; i < 2; i++) {
        works[i].body = wait_for_the_third;
        submit(i, LEND_FOREVER);
    }
    submit(2, LEND_FOREVER);
    shop_release(&shop, &leases[0]);
    shop_release(&shop, &leases[1]);
    close_all(3);
    for (int i = 0; i < 2; i++)
        SIM_CHECK("ENDS", ONE_OF(waited[i], 0, EDEADLK), "a wait returned %d", waited[i]);
}

/* A thread that holds the only model waits for a job that needs it. */
static void holder_waits_for_job(void *unused) {
    (void)unused;
    open_all(1, 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    submit(0, LEND_FOREVER);
    int error = work_wait(&works[0], LEND_FOREVER);
    shop_release(&shop, &lease);
    close_all(1);
    SIM_CHECK("SOUND", ONE_OF(error, 0, EDEADLK), "the wait returned %d", error);
}

/* The same with deadlines: of the two waits the one that would end first is refused. */
static void holder_waits_with_deadlines(void *unused) {
    (void)unused;
    open_all(1, 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    submit(0, lend_within_ms(10));
    int error = work_wait(&works[0], lend_within_ms(20));
    shop_release(&shop, &lease);
    close_all(1);
    SIM_CHECK("SOUND", ONE_OF(error, 0, EDEADLK, ETIMEDOUT), "the wait returned %d", error);
}

const struct scenario future_scenarios[] = {
    {"who_waits_for_a_decision_is_told_whenever_it_comes", wait_meets_decision, 1},
    {"a_deadline_is_answered_on_time_wherever_the_job_is", deadlines_are_kept, 1},
    {"a_failure_is_read_or_told_to_the_sink_once", drop_meets_told, 1},
    {"a_job_that_overruns_outlives_its_future", drop_meets_overrun, 1},
    {"of_two_who_take_a_value_one_gets_it", two_take_one_value, 1},
    {"a_value_that_is_there_is_had_by_one", two_take_what_is_there, 1},
    {"a_job_that_waits_for_who_is_behind_it_helps", a_job_helps, 1},
    {"a_job_that_cannot_help_is_refused", a_job_cannot_help, 1},
    {"a_job_helps_unless_a_worker_is_faster", a_job_helps_in_vain, 1},
    {"a_cancel_that_meets_help_strands_no_model", cancel_meets_help, 1},
    {"a_cancel_that_meets_a_refusal_ends_the_wait_once", cancel_meets_refusal, 1},
    {"when_all_workers_wait_for_a_queued_job_one_is_refused", all_workers_wait, 1},
    {"who_holds_the_model_that_the_job_needs_is_refused", holder_waits_for_job, 1},
    {"a_ring_through_a_job_refuses_who_would_end_first", holder_waits_with_deadlines, 1},
    {0},
};
