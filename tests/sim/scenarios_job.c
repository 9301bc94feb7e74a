/* SPDX-License-Identifier: MIT
 *
 * What can happen to a job between its submission and its end: a cancel, a deadline, a model that
 * does not come, an end of its thread. */
#include "scenario.h"

#include "fail.h"
#include "office.h"
#include "threads.h"

static struct shop shop;
static struct office office;
static struct work works[4];
static struct borrowing borrowing;

static void begin(void) {
    for (int i = 0; i < 4; i++)
        works[i] = (struct work){0};
}

static void submit(int i, lend_deadline deadline) {
    int error = work_submit(&office, &works[i], deadline);
    SIM_CHECK("ENDS", error == 0, "submit returned %d", error);
}

static void end(void) {
    office_close(&office);
    shop_close(&shop);
}

/* The cancel comes while it is queued, borrows, runs or is over. */
static void cancel_meets_start(void *unused) {
    (void)unused;
    begin();
    SHOP_OPEN(&shop, .models = 1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    works[0].heeds = true;
    works[0].run_ms = 2;
    submit(0, LEND_FOREVER);
    int error = work_cancel(&works[0]);
    SIM_CHECK("FUT", ONE_OF(error, 0, EINPROGRESS, EALREADY), "cancel returned %d", error);
    end();
    enum lend_outcome outcome = work_is_over(&works[0]);
    SIM_CHECK("FUT", outcome == LEND_CANCELLED || (error != 0 && outcome == LEND_SUCCEEDED),
              "it ended as %d after cancel returned %d", outcome, error);
}

/* While it waits for a model, which comes at the same time. */
static void cancel_meets_grant(void *unused) {
    (void)unused;
    begin();
    SHOP_OPEN(&shop, .models = 1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    submit(0, LEND_FOREVER);
    borrowing = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowing);
    sim_point("has submitted", NULL);
    shop_release(&shop, &lease);
    int error = work_cancel(&works[0]);
    SIM_CHECK("FUT", ONE_OF(error, 0, EINPROGRESS, EALREADY), "cancel returned %d", error);
    sim_join(waiter);
    SIM_CHECK("HAND", borrowing.error == 0, "the waiter got %d", borrowing.error);
    end();
    work_is_over(&works[0]);
}

/* Decided by the timekeeper or by its return, and told by one of the two. */
static void deadline_meets_return(void *unused) {
    (void)unused;
    begin();
    SHOP_OPEN(&shop, .models = 1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    works[0].run_ms = 10;
    works[1].run_ms = 1;
    submit(0, lend_within_ms(10));
    submit(1, lend_within_ms(10));
    end();
    for (int i = 0; i < 2; i++) {
        enum lend_outcome outcome = work_is_over(&works[i]);
        SIM_CHECK("FUT", outcome == LEND_SUCCEEDED || outcome == LEND_EXPIRED, "it ended as %d",
                  outcome);
    }
}

/* Its model is out for an unknown time: another one is loaded in its place, and one goes when it
 * comes back. */
static void an_overrun_and_a_spare(void *unused) {
    (void)unused;
    begin();
    SHOP_OPEN(&shop, .models = 1, .spares = 1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    works[0].run_ms = 5000;
    submit(0, lend_within_ms(10));
    sim_pause_ms(1);
    borrowing = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowing);
    sim_join(waiter);
    SIM_CHECK("ENDS", borrowing.error == 0, "the waiter got %d", borrowing.error);
    office_close(&office);
    sim_settle();
    SIM_CHECK("BOUND", shop.alive == 1, "%u models live", shop.alive);
    shop_close(&shop);
    enum lend_outcome outcome = work_is_over(&works[0]);
    SIM_CHECK("FUT", outcome == LEND_SUCCEEDED || outcome == LEND_EXPIRED, "it ended as %d",
              outcome);
}

static void keep_a_second_one(struct work *work, lend_job *job) {
    (void)work;
    struct lend_lease lease = lend_acquire(shop.pool, lend_job_deadline(job));
    SIM_CHECK("ENDS", lend_lease_ok(&lease), "got %d", lend_lease_error(&lease));
}

static void returns_with_a_lease(void *unused) {
    (void)unused;
    begin();
    SHOP_OPEN(&shop, .models = 2);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    works[0].body = keep_a_second_one;
    submit(0, LEND_FOREVER);
    borrowing = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowing);
    sim_join(waiter);
    end();
    SIM_CHECK("RETURN", shop.events[LEND_EVENT_LEASE_LEFT] == 1, "nobody was told");
    work_is_over(&works[0]);
}

static void end_the_thread(struct work *work, lend_job *job) {
    (void)job;
    (void)work;
    for (uint32_t i = 0; i < SHOP_MODELS; i++)
        shop.models[i].busy = false;
    sim_exit();
}

static void ends_its_thread(void *unused) {
    (void)unused;
    begin();
    SHOP_OPEN(&shop, .models = 1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    works[0].body = end_the_thread;
    submit(0, LEND_FOREVER);
    submit(1, LEND_FOREVER);
    end();
    SIM_CHECK("FUT", work_is_over(&works[0]) == LEND_FAILED, "it did not fail");
    SIM_CHECK("FUT", work_is_over(&works[1]) == LEND_SUCCEEDED, "the next one did not run");
}

static void break_the_model(struct work *work, lend_job *job) {
    (void)work;
    lend_job_model_broken(job, "it smokes");
}

static void breaks_its_model(void *unused) {
    (void)unused;
    begin();
    SHOP_OPEN(&shop, .models = 1);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    shop.loads_fail = 1;
    shop.loads_may_fail = true;
    works[0].body = break_the_model;
    submit(0, LEND_FOREVER);
    submit(1, LEND_FOREVER);
    end();
    SIM_CHECK("FUT", work_is_over(&works[0]) == LEND_SUCCEEDED, "it did not succeed");
    enum lend_outcome outcome = work_is_over(&works[1]);
    SIM_CHECK("FUT", outcome == LEND_SUCCEEDED || outcome == LEND_NO_MODEL, "it ended as %d",
              outcome);
}

/* Jobs of which nobody will be told, on models with which nothing is done between two borrowers: a
 * worker goes on with its model from one to the next. */
static uint32_t ran;

static int run_plain(void *model, void *ms, lend_job *job) {
    (void)job;
    shop_model_taken(model);
    if (ms != NULL)
        sim_pause_ms(*(const int64_t *)ms);
    shop_model_left(model);
    ran++;
    return 0;
}

static void submit_plain(int64_t *ms, lend_deadline deadline, lend_future **ret_future) {
    int error =
        lend_submit(office.executor,
                    &LEND_JOB(.run = run_plain, .argument = ms, .deadline = deadline), ret_future);
    SIM_CHECK("ENDS", error == 0, "submit returned %d", error);
}

static void goes_on_with_its_model(void *unused) {
    (void)unused;
    ran = 0;
    SHOP_OPEN(&shop, .models = 1, .ops = &shop_plain_operations);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    borrowing = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowing);
    for (int i = 0; i < 3; i++)
        submit_plain(NULL, LEND_FOREVER, NULL);
    sim_join(waiter);
    SIM_CHECK("ENDS", borrowing.error == 0, "the waiter got %d", borrowing.error);
    end();
    SIM_CHECK("ONCE", ran == 3, "%u jobs ran", ran);
}

static void submit_one(void *unused) {
    (void)unused;
    submit_plain(NULL, LEND_FOREVER, NULL);
}

/* The memory of the first two jobs is there for the next ones: each piece for one. */
static void share_the_stock(void *unused) {
    (void)unused;
    lend_future *future;
    ran = 0;
    SHOP_OPEN(&shop, .models = 1, .ops = &shop_plain_operations);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    machine.calm = true;
    submit_plain(NULL, LEND_FOREVER, NULL);
    submit_plain(NULL, LEND_FOREVER, &future);
    sim_settle();
    machine.calm = false;
    struct sim_thread *submitters[2] = {sim_start("submitter", submit_one, NULL),
                                        sim_start("other", submit_one, NULL)};
    lend_future_drop(future);
    for (int i = 0; i < 2; i++)
        sim_join(submitters[i]);
    end();
    SIM_CHECK("ONCE", ran == 4, "%u jobs ran", ran);
}

static bool may_end;

static int run_until_it_may_end(void *model, void *unused, lend_job *job) {
    (void)unused, (void)job;
    shop_model_taken(model);
    while (!may_end)
        sim_block("is held", &may_end, INT64_MAX);
    shop_model_left(model);
    ran++;
    return 0;
}

static int run_after_the_waiter(void *model, void *unused, lend_job *job) {
    SIM_CHECK("FAIR", shop.granted == 1, "a job began, and somebody had waited for its model");
    return run_plain(model, unused, job);
}

/* The worker has its next job in sight all the while, and the model for it in hand. */
static void comes_before_the_next_job(void *unused) {
    (void)unused;
    static lend_job_function *const runs[] = {run_until_it_may_end, run_after_the_waiter,
                                              run_after_the_waiter};
    ran = 0;
    may_end = false;
    SHOP_OPEN(&shop, .models = 1, .ops = &shop_plain_operations);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    for (int i = 0; i < 3; i++) {
        struct lend_job_spec spec = LEND_JOB(.run = runs[i], .deadline = LEND_FOREVER);
        int error = lend_submit(office.executor, &spec, NULL);
        SIM_CHECK("ENDS", error == 0, "submit returned %d", error);
    }
    sim_settle(); /* the first one runs */
    borrowing = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *waiter = sim_start("waiter", shop_borrower, &borrowing);
    sim_settle(); /* he waits */
    may_end = true;
    sim_unblock(&may_end);
    sim_join(waiter);
    SIM_CHECK("ENDS", borrowing.error == 0, "the waiter got %d", borrowing.error);
    end();
    SIM_CHECK("ONCE", ran == 3, "%u jobs ran", ran);
}

/* Decided by the timekeeper, or with the beginning of the next one. */
static void deadline_meets_the_next(void *unused) {
    (void)unused;
    int64_t ms = 5;
    lend_future *futures[3];
    ran = 0;
    SHOP_OPEN(&shop, .models = 1, .ops = &shop_plain_operations);
    OFFICE_OPEN(&office, &shop, .workers = 1);
    for (int i = 0; i < 3; i++)
        submit_plain(i == 1 ? &ms : NULL, i == 1 ? lend_within_ms(5) : LEND_FOREVER, &futures[i]);
    for (int i = 0; i < 3; i++) {
        int error = lend_future_join(futures[i], LEND_FOREVER);
        enum lend_outcome outcome = lend_future_outcome(futures[i]);
        SIM_CHECK("ENDS", error == 0, "the wait returned %d", error);
        SIM_CHECK("FUT", outcome == LEND_SUCCEEDED || (i == 1 && outcome == LEND_EXPIRED),
                  "it ended as %d", outcome);
        lend_future_drop(futures[i]);
    }
    end();
}

/* More jobs than models, with deadlines, among plain borrowers. */
static void all_together(void *unused) {
    (void)unused;
    begin();
    SHOP_OPEN(&shop, .models = 2);
    OFFICE_OPEN(&office, &shop, .workers = 2);
    for (int i = 0; i < 4; i++) {
        works[i].run_ms = i;
        submit(i, i % 2 == 0 ? LEND_FOREVER : lend_within_ms(3));
    }
    SIM_CHECK("ENDS", shop_borrow(&shop, LEND_FOREVER) == 0, "got nothing");
    end();
    for (int i = 0; i < 4; i++)
        work_is_over(&works[i]);
}

const struct scenario job_scenarios[] = {
    {"a_cancel_that_meets_the_start_has_one_answer", cancel_meets_start, 1},
    {"a_cancelled_job_strands_no_model", cancel_meets_grant, 1},
    {"a_deadline_that_meets_the_return_is_told_once", deadline_meets_return, 1},
    {"a_spare_stands_in_for_the_model_of_an_overrun", an_overrun_and_a_spare, 1},
    {"a_job_that_returns_with_a_lease_keeps_nothing", returns_with_a_lease, 1},
    {"a_job_that_ends_its_thread_costs_no_worker", ends_its_thread, 1},
    {"a_job_that_breaks_its_model_leaves_a_pool_that_lends", breaks_its_model, 1},
    {"who_waits_gets_the_model_that_a_worker_goes_on_with", goes_on_with_its_model, 1},
    {"who_waits_for_a_model_has_it_before_the_next_job_of_who_has_it", comes_before_the_next_job,
     1},
    {"submitters_and_owners_share_the_memory_of_jobs_that_are_over", share_the_stock, 1},
    {"a_deadline_that_meets_the_next_job_decides_the_last_one_once", deadline_meets_the_next, 1},
    {"jobs_and_borrowers_share_a_pool_in_order", all_together, 1},
    {0},
};
