/* SPDX-License-Identifier: MIT
 *
 * Executors: room in the queue, and closing with jobs in every stage. */
#include "scenario.h"

#include "fail.h"
#include "office.h"
#include "threads.h"

#include "base/clock.h"

static struct shop shop;
static struct office office;
static struct work works[4];
static int errors[4];

static void begin(uint32_t models) {
    for (int i = 0; i < 4; i++)
        works[i] = (struct work){0};
    SHOP_OPEN(&shop, .models = models);
}

static void end(int jobs) {
    office_close(&office);
    shop_close(&shop);
    for (int i = 0; i < jobs; i++)
        if (errors[i] == 0)
            work_is_over(&works[i]);
}

static void submit_for_ever(void *argument) {
    struct work *work = argument;
    errors[work - works] = work_submit(&office, work, LEND_FOREVER);
}

static void submit_for_a_while(void *argument) {
    struct work *work = argument;
    errors[work - works] = work_submit(&office, work, lend_within_ms(5));
}

static void submit_by(int count) {
    static const char *const names[] = {"first", "second", "third", "fourth"};
    struct sim_thread *threads[4];
    for (int i = 0; i < count; i++)
        threads[i] = sim_start(names[i], submit_for_ever, &works[i]);
    for (int i = 0; i < count; i++)
        sim_join(threads[i]);
}

static void submitters_wait_for_room(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1, .queue_max = 1, .when_full = LEND_FULL_WAIT);
    submit_by(4);
    for (int i = 0; i < 4; i++)
        SIM_CHECK("ENDS", errors[i] == 0, "a submission returned %d", errors[i]);
    end(4);
}

/* Of a submitter who gives up nothing is left, and the next one, whose job would have fitted all
 * the while, has his turn. */
static void a_submitter_gives_up(void *unused) {
    (void)unused;
    static const uint64_t bytes[] = {1, 6, 6, 2};
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1, .queue_bytes_max = 10, .when_full = LEND_FULL_WAIT);
    for (int i = 0; i < 4; i++)
        works[i].bytes = bytes[i];
    works[0].run_ms = 8;
    submit_for_ever(&works[0]);
    submit_for_ever(&works[1]);
    struct sim_thread *hasty = sim_start("hasty", submit_for_a_while, &works[2]);
    struct sim_thread *patient = sim_start("patient", submit_for_ever, &works[3]);
    sim_join(hasty);
    sim_join(patient);
    SIM_CHECK("ENDS", ONE_OF(errors[2], 0, ETIMEDOUT), "hasty got %d", errors[2]);
    SIM_CHECK("ENDS", errors[3] == 0, "patient got %d", errors[3]);
    end(4);
}

static void weight_is_bounded(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1, .queue_max = 4, .queue_bytes_max = 10,
                .when_full = LEND_FULL_WAIT);
    for (int i = 0; i < 4; i++)
        works[i].bytes = 6;
    works[3].bytes = 11;
    submit_by(4);
    for (int i = 0; i < 3; i++)
        SIM_CHECK("ENDS", errors[i] == 0, "a submission returned %d", errors[i]);
    SIM_CHECK("BOUND", errors[3] == ENOBUFS, "what never fits got %d", errors[3]);
    end(4);
}

static void full_runs_here(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1, .queue_max = 1, .when_full = LEND_FULL_RUN_HERE);
    submit_by(3);
    for (int i = 0; i < 3; i++)
        SIM_CHECK("ENDS", errors[i] == 0, "a submission returned %d", errors[i]);
    end(3);
}

static void full_refuses(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1, .queue_max = 1);
    submit_by(3);
    for (int i = 0; i < 3; i++)
        SIM_CHECK("ENDS", ONE_OF(errors[i], 0, EAGAIN), "a submission returned %d", errors[i]);
    end(3);
}

static int close_error;

static void close_soon(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_executor_close(office.executor, lend_within_ms(5));
}

/* What has not begun is cancelled at the deadline; what runs is told, and keeps its model. */
static void close_with_stragglers(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    works[0].run_ms = 500;
    works[1].run_ms = 1;
    submit_for_ever(&works[0]);
    submit_for_ever(&works[1]);
    close_soon(&close_error);
    SIM_CHECK("CLOSED", ONE_OF(close_error, 0, EBUSY), "close returned %d", close_error);
    if (close_error != 0)
        office_close(&office);
    shop_close(&shop);
    enum lend_outcome first = work_is_over(&works[0]), second = work_is_over(&works[1]);
    SIM_CHECK("FUT", first == LEND_SUCCEEDED || first == LEND_CANCELLED, "it ended as %d", first);
    SIM_CHECK("FUT", second == LEND_SUCCEEDED || second == LEND_CANCELLED, "it ended as %d",
              second);
}

/* Submitters inside are sent away, and waited for. */
static void close_meets_submitters(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1, .queue_max = 1, .when_full = LEND_FULL_WAIT);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW); /* the queue stays full */
    works[0].forgotten = works[1].forgotten = true;          /* no future keeps the executor */
    submit_for_ever(&works[0]);
    submit_for_ever(&works[1]);
    struct sim_thread *submitters[2] = {sim_start("patient", submit_for_ever, &works[2]),
                                        sim_start("hasty", submit_for_a_while, &works[3])};
    sim_settle(); /* no call may begin on what may be closed meanwhile */
    shop_release(&shop, &lease);
    office_close(&office);
    for (int i = 0; i < 2; i++)
        sim_join(submitters[i]);
    SIM_CHECK("ENDS", ONE_OF(errors[2], 0, ESHUTDOWN), "patient got %d", errors[2]);
    SIM_CHECK("ENDS", ONE_OF(errors[3], 0, ESHUTDOWN, ETIMEDOUT), "hasty got %d", errors[3]);
    shop_close(&shop);
    for (int i = 0; i < 4; i++)
        if (errors[i] == 0)
            work_is_over(&works[i]);
}

static bool may_end;

static void wait_until_it_may_end(struct work *work, lend_job *job) {
    (void)work;
    (void)job;
    while (!may_end)
        sim_block("is held", &may_end, INT64_MAX);
}

/* Who has entered before the close, and pushes when nothing is started any more: the job is given
 * up. The one that runs keeps the executor from being freed. */
static void close_meets_submitter(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    may_end = false;
    works[0].body = wait_until_it_may_end;
    submit_for_ever(&works[0]);
    sim_settle();
    struct sim_thread *submitter = sim_start("submitter", submit_for_ever, &works[1]);
    close_soon(&close_error);
    SIM_CHECK("CLOSED", close_error == EBUSY, "close returned %d", close_error);
    sim_join(submitter);
    SIM_CHECK("ENDS", ONE_OF(errors[1], 0, ESHUTDOWN), "the submission returned %d", errors[1]);
    may_end = true;
    sim_unblock(&may_end);
    end(2);
    SIM_CHECK("FUT", errors[1] != 0 || works[1].outcome == LEND_CANCELLED, "it ended as %d",
              works[1].outcome);
}

/* The job that runs keeps the executor from being freed under the second closer. */
static void two_closers(void *unused) {
    (void)unused;
    int error = 0;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    may_end = false;
    works[0].body = wait_until_it_may_end;
    submit_for_ever(&works[0]);
    sim_settle();
    struct sim_thread *closers[2] = {sim_start("closer", close_soon, &close_error),
                                     sim_start("other", close_soon, &error)};
    sim_join(closers[0]);
    sim_join(closers[1]);
    SIM_CHECK("CLOSED", ONE_OF(close_error, EBUSY, EALREADY), "one got %d", close_error);
    SIM_CHECK("CLOSED", ONE_OF(error, EBUSY, EALREADY), "one got %d", error);
    SIM_CHECK("CLOSED", error == EBUSY || close_error == EBUSY, "nobody closed");
    may_end = true;
    sim_unblock(&may_end);
    end(1);
}

static void close_meets_cancel(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    for (int i = 0; i < 2; i++) {
        works[i].heeds = true;
        works[i].run_ms = 8;
        submit_for_ever(&works[i]);
    }
    struct sim_thread *closer = sim_start("closer", close_soon, &close_error);
    for (int i = 0; i < 2; i++)
        work_cancel(&works[i]);
    sim_join(closer);
    if (close_error != 0)
        office_close(&office);
    shop_close(&shop);
    for (int i = 0; i < 2; i++)
        work_is_over(&works[i]);
}

static bool has_run;

static void say_that_it_has_run(struct work *work, lend_job *job) {
    (void)work;
    (void)job;
    has_run = true;
    sim_unblock(&has_run);
}

/* The job may be over, and the executor closed, before the call that submitted it has returned. */
static void close_meets_end_of_submit(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    has_run = false;
    works[0].body = say_that_it_has_run;
    struct sim_thread *submitter = sim_start("submitter", submit_for_ever, &works[0]);
    while (!has_run)
        sim_block("waits for the run", &has_run, INT64_MAX);
    office_close(&office);
    sim_join(submitter);
    shop_close(&shop);
    work_is_over(&works[0]);
}

/* Nor the worker whom a submitter is about to wake, though his job was taken by another one. */
static void close_meets_wake(void *unused) {
    (void)unused;
    begin(2);
    OFFICE_OPEN(&office, &shop, .workers = 2);
    may_end = has_run = false;
    works[0].body = wait_until_it_may_end;
    works[1].body = say_that_it_has_run;
    submit_for_ever(&works[0]);
    sim_settle();
    struct sim_thread *submitter = sim_start("submitter", submit_for_ever, &works[1]);
    may_end = true;
    sim_unblock(&may_end);
    while (!has_run)
        sim_block("waits for the run", &has_run, INT64_MAX);
    office_close(&office);
    sim_join(submitter);
    shop_close(&shop);
    for (int i = 0; i < 2; i++)
        work_is_over(&works[i]);
}

static void close_the_pool(void *argument) {
    int *ret_error = argument;
    *ret_error = lend_pool_close(shop.pool, LEND_FOREVER, NULL);
}

/* The pool waits for its tenant, whose last touch of it is before the free. */
static void pool_closes_first(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    submit_for_ever(&works[0]);
    struct sim_thread *closer = sim_start("closer", close_the_pool, &close_error);
    office_close(&office);
    sim_join(closer);
    SIM_CHECK("CLOSED", close_error == 0, "the pool's close returned %d", close_error);
    shop_closed(&shop);
    work_is_over(&works[0]);
}

/* The last future frees what is left of the executor, whoever drops it. */
static void drop_it(void *argument) {
    lend_future_drop(argument);
}

static void futures_outlive_it(void *unused) {
    (void)unused;
    begin(1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    submit_for_ever(&works[0]);
    submit_for_ever(&works[1]);
    struct sim_thread *droppers[2] = {sim_start("dropper", drop_it, works[0].future),
                                      sim_start("other", drop_it, works[1].future)};
    works[0].future = works[1].future = NULL;
    office_close(&office);
    sim_join(droppers[0]);
    sim_join(droppers[1]);
    shop_close(&shop);
    for (int i = 0; i < 2; i++)
        work_is_over(&works[i]);
}

const struct scenario executor_scenarios[] = {
    {"submitters_wait_for_room_and_all_get_it", submitters_wait_for_room, 1},
    {"a_submitter_who_gives_up_leaves_his_turn_to_the_next", a_submitter_gives_up, 1},
    {"the_bound_on_the_weight_of_jobs_is_kept", weight_is_bounded, 1},
    {"a_full_executor_has_its_submitters_run_their_jobs", full_runs_here, 1},
    {"a_full_executor_refuses_and_forgets", full_refuses, 1},
    {"an_executor_that_closes_names_its_stragglers_and_waits", close_with_stragglers, 1},
    {"an_executor_that_closes_sends_submitters_away", close_meets_submitters, 1},
    {"a_job_that_comes_when_nothing_is_started_is_given_up", close_meets_submitter, 1},
    {"of_two_closers_of_an_executor_one_closes", two_closers, 1},
    {"a_close_that_meets_cancels_decides_each_job_once", close_meets_cancel, 1},
    {"an_executor_is_not_freed_under_a_submitter", close_meets_end_of_submit, 1},
    {"a_worker_does_not_end_under_a_submitter", close_meets_wake, 1},
    {"a_pool_closes_after_its_executor", pool_closes_first, 1},
    {"the_last_future_frees_what_is_left_of_an_executor", futures_outlive_it, 1},
    {0},
};
