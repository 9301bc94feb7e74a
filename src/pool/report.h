/* SPDX-License-Identifier: MIT
 *
 * Taking reports, and the pieces of text that they and others are made of. */
#ifndef LEND_SRC_POOL_REPORT_H
#define LEND_SRC_POOL_REPORT_H

#include "base/text.h"

#include <lend/pool.h>
#include <lend/report.h>

struct steps;

/* Whose report it is. */
enum report_of {
    REPORT_OF_BORROW, /* that failed with `error` */
    REPORT_OF_CLOSE,  /* that gave up */
    REPORT_OF_POOL,   /* nothing failed */
};

/* A report of the pool as it is now, oldest holder first, with the steps of a deadlock if it is one
 * (copied; NULL is allowed); NULL if memory ran out. Takes the pool's lock. The pool may have gone
 * on since the failure was decided: so the cause comes from the error first. */
struct lend_report *lend__report_take(lend_pool *pool, enum report_of of, int error,
                                      int64_t waited_ns, const struct steps *steps);

/* "3 of 4 lent, 1 loading"; of a pool as it is now, under its lock. */
void lend__text_add_counts(struct text *text, const struct lend_report *report);
void lend__text_add_states(struct text *text, const lend_pool *pool);

/* The report as lend_report_print has it. */
void lend__text_add_report(struct text *text, const struct lend_report *report);

/* "thread 4711", "job 17 (thread 4711)", "nobody (detached by thread 4711)". */
void lend__text_add_owner(struct text *text, enum lend_owner_kind kind, uint64_t id, uint32_t tid);

/* "thread 4711 waits at a.c:9 for pool "b", whose ...; thread 4712 waits ..." */
void lend__text_add_steps(struct text *text, const struct lend_step *steps, size_t count);

#endif
