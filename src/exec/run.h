/* SPDX-License-Identifier: MIT
 *
 * A run: one task on its way through the hands of the thread that runs it. */
#ifndef LEND_SRC_EXEC_RUN_H
#define LEND_SRC_EXEC_RUN_H

#include "exec/state.h"

struct run {
    struct task *task;       /* NULL: none, or all of it is done */
    struct lend_lease lease; /* empty once it is being given back */
    struct lend_lease lent;  /* the same, while the task is RUNNING, for others to see */
    uint32_t held_before;    /* thread_own_leases, without this one */
    int64_t began_ns, ended_ns;
    int error;
    bool returned;
    struct errand *errands; /* of the thread when the job's function was called */
};

/* Under the lock: the task is RUNNING, on the lease that the run has. */
void lend__run_begin(struct run *run);

/* Borrow a model for a BORROWING task and begin. False if there is none for it, or it was decided
 * meanwhile; then it is RETURNED, and to be answered. */
bool lend__run_borrow(struct run *run);

/* Call the job's function. It may not return, if the thread ends; then all is done. */
void lend__run_call(struct run *run);

/* Give back the model, and what else the job took as a job and left. */
void lend__run_give_back(struct run *run);

/* Under the lock: RETURNED and decided, unless it was before: then true. */
bool lend__run_end(struct run *run, struct list *woken);

/* The same and all that is left: report an overrun, tell, finish. The task may be gone. */
void lend__run_answer(struct run *run);

#endif
