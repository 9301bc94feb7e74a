/* SPDX-License-Identifier: MIT
 *
 * Futures told through a completion queue, and waits for any of several. */
#include "scenario.h"

#include "fail.h"
#include "office.h"
#include "threads.h"

#include "base/clock.h"
#include "pool/completions.h"

enum { WORKS = 3, NOTES = 2 };

static struct shop shop;
static struct office office;
static struct work works[WORKS];
static lend_completions *queue;
static int notes;

static void open_all(uint32_t models, uint32_t workers) {
    for (int i = 0; i < WORKS; i++)
        works[i] = (struct work){0};
    notes = 0;
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

static void take_note(lend_future *future, void *argument) {
    (void)argument;
    SIM_CHECK("FUT", lend_future_outcome(future) != LEND_PENDING, "told before it is decided");
    notes++;
}

static void ask_to_be_told(void *unused) {
    (void)unused;
    int error = lend_future_then(works[0].future, queue, take_note, NULL);
    SIM_CHECK("ENDS", error == 0, "not accepted: %d", error);
}

/* Two ask while the job is decided; both are told, though its owner gives the future up before. */
static void two_are_told(void *unused) {
    (void)unused;
    open_all(1, 1);
    SIM_CHECK("OPEN", lend_completions_open(&queue) == 0, "no queue");
    submit(0, LEND_FOREVER);
    struct sim_thread *askers[NOTES] = {sim_start("asker", ask_to_be_told, NULL),
                                        sim_start("other", ask_to_be_told, NULL)};
    for (int i = 0; i < NOTES; i++)
        sim_join(askers[i]);
    lend_future_drop(works[0].future);
    works[0].future = NULL;
    while (notes < NOTES) {
        sim_bell_wait(&queue->bell);
        lend_completions_run(queue, 1);
    }
    SIM_CHECK("ONCE", lend_completions_run(queue, 1) == 0, "somebody is told twice");
    SIM_CHECK("CLOSED", lend_completions_close(queue) == 0, "the queue expects more");
    close_all(1);
}

static int wait_for_any(int first, int count, lend_deadline deadline) {
    lend_future *futures[1 + WORKS] = {NULL};
    size_t index = 0;
    for (int i = 0; i < count; i++)
        futures[1 + i] = works[first + i].future;
    machine.running->deadline_ns = deadline.at_ns;
    int error = lend_future_wait_any(futures, (size_t)count + 1, deadline, &index);
    SIM_CHECK("TIME", error != ETIMEDOUT || machine.now_ns >= deadline.at_ns,
              "%s timed out before its time", machine.running->name);
    SIM_CHECK("FUT", error != 0 || lend_future_outcome(futures[index]) != LEND_PENDING,
              "the wait is over, and nothing is decided");
    return error;
}

/* Decided one after the other, or at once, while the time runs out. */
static void any_meets_deadline(void *unused) {
    (void)unused;
    open_all(2, 2);
    for (int i = 0; i < 2; i++) {
        works[i].run_ms = 5;
        submit(i, LEND_FOREVER);
    }
    int error = wait_for_any(0, 2, lend_within_ms(5));
    SIM_CHECK("ENDS", ONE_OF(error, 0, ETIMEDOUT), "the wait returned %d", error);
    error = wait_for_any(0, 2, LEND_FOREVER);
    SIM_CHECK("ENDS", error == 0, "the wait returned %d", error);
    close_all(2);
}

static bool submitted;
static int waited;

static void wait_for_those_behind(struct work *work, lend_job *job) {
    (void)work;
    (void)job;
    while (!submitted)
        sim_block("waits for the submissions", &submitted, INT64_MAX);
    waited = wait_for_any(1, 2, LEND_FOREVER);
}

/* The only worker waits for any of those behind it: refused, unless one of them is given up. */
static void any_meets_cancel(void *unused) {
    (void)unused;
    open_all(1, 1);
    submitted = false;
    works[0].body = wait_for_those_behind;
    for (int i = 0; i < 3; i++)
        submit(i, LEND_FOREVER);
    submitted = true;
    sim_unblock(&submitted);
    work_cancel(&works[1]);
    close_all(3);
    SIM_CHECK("SOUND", ONE_OF(waited, 0, EDEADLK), "the wait returned %d", waited);
}

const struct scenario several_scenarios[] = {
    {"all_who_asked_to_be_told_of_a_future_are_told_once", two_are_told, 1},
    {"a_wait_for_any_that_runs_out_leaves_nothing_behind", any_meets_deadline, 1},
    {"a_wait_for_any_ends_once_by_a_cancel_or_a_refusal", any_meets_cancel, 1},
    {0},
};
