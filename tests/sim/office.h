/* SPDX-License-Identifier: MIT
 *
 * An executor to explore, and jobs that watch what becomes of them:
 *
 *     OFFICE_OPEN(&office, &shop, .workers = 1);
 *     work_submit(&office, &work, LEND_FOREVER);
 *     ...
 *     office_close(&office);
 *     work_is_over(&work);
 *
 * Checked on the way: FUT (a job runs once at most, and not after a cancel that promised so; it is
 * told once, with an outcome that stays; its argument is dropped once, after the run), LOCK
 * (callbacks come without any lock). */
#ifndef LEND_TESTS_SIM_OFFICE_H
#define LEND_TESTS_SIM_OFFICE_H

#include "shop.h"

struct office {
    struct shop *shop;
    lend_executor *executor;
};

#define OFFICE_OPEN(office, shop, ...)                                                             \
    office_open((office), (shop),                                                                  \
                &LEND_EXECUTOR_OPTIONS(.pool = (shop)->pool, .job_ms_default = -1, __VA_ARGS__))

void office_open(struct office *office, struct shop *shop,
                 const struct lend_executor_options *options);

/* Wait for all jobs, and close. */
void office_close(struct office *office);

struct work {
    /* set by the scenario */
    int64_t run_ms;
    bool heeds; /* it looks every ms whether it is to stop */
    int result;
    void (*body)(struct work *work, lend_job *job); /* in its run; may be NULL */
    uint64_t bytes;
    bool forgotten; /* nobody keeps its future */

    /* what became of it */
    struct office *office;
    lend_future *future; /* dropped by work_is_over, if the scenario has not taken it */
    uint32_t begun, ended, told, dropped;
    bool called_off; /* a cancel returned 0 */
    enum lend_outcome outcome;
};

/* The error of the submission. */
int work_submit(struct office *office, struct work *work, lend_deadline deadline);

/* The error of the cancel. */
int work_cancel(struct work *work);

/* The error of the wait for its decision. */
int work_wait(struct work *work, lend_deadline deadline);

/* After its executor was closed, or its future joined: nothing will happen to it any more. Drops
 * the future. Returns the outcome. */
enum lend_outcome work_is_over(struct work *work);

#endif
