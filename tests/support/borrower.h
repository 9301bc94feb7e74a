/* SPDX-License-Identifier: MIT
 *
 * Borrowers: threads of a test that acquire a model each, use it and give it back.
 *
 *     struct lend_lease lease = borrow_now(pool);
 *     struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
 *     borrower_queue_up(&waiter);
 *     lend_release(&lease);
 *     assert_int_equal(borrower_join(&waiter), 0);
 */
#ifndef LEND_TESTS_SUPPORT_BORROWER_H
#define LEND_TESTS_SUPPORT_BORROWER_H

#include "support/thread.h"

#include <lend/lease.h>

/* On the test's own thread: a model, which must be free; one that then is nobody's, so that this
 * thread may wait for it; and an acquire that must fail with `error` and a report of it. */
struct lend_lease borrow_now(lend_pool *pool);
struct lend_lease borrow_detached(lend_pool *pool);
void borrow_in_vain(lend_pool *pool, lend_deadline deadline, int error);

struct borrower {
    /* what it is to do */
    lend_pool *pool;
    lend_deadline deadline;
    struct tally *turns; /* counts those that got a model; NULL: nobody counts */
    struct gate *leave;  /* keeps the model until this is open; NULL: as short as it can */

    /* what came of it; to be read once it was joined */
    uint32_t turn;         /* how many had got a model by then, itself included; 0 if it got none */
    enum lend_cause cause; /* in the report, if it was given one */

    struct test_thread thread;
};

/* On the test's own thread only. */
void borrower_start(struct borrower *borrower);

/* Start one that finds no model: it is in the queue when this returns. */
void borrower_queue_up(struct borrower *borrower);

/* What lend_lease_error said to it. */
int borrower_join(struct borrower *borrower);

/* The same for several who wait for ever, in this order. */
void borrowers_queue_up(struct borrower *borrowers, uint32_t count, lend_pool *pool);

/* Fails the test unless all of them were told `error`. */
void borrowers_join(struct borrower *borrowers, uint32_t count, int error);

#endif
