/* SPDX-License-Identifier: MIT
 *
 * Borrowers of fake models. */
#include "support/borrower.h"

#include "support/await.h"
#include "support/fake_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct lend_lease borrow_now(lend_pool *pool) {
    struct lend_lease lease = lend_acquire(pool, LEND_NOW);
    assert_true(lend_lease_ok(&lease));
    return lease;
}

struct lend_lease borrow_detached(lend_pool *pool) {
    struct lend_lease lease = borrow_now(pool);
    assert_int_equal(lend_lease_detach(&lease), 0);
    return lease;
}

void borrow_in_vain(lend_pool *pool, lend_deadline deadline, int error) {
    struct lend_lease lease = lend_acquire(pool, deadline);
    const struct lend_report *report = lend_lease_report(&lease);
    assert_false(lend_lease_ok(&lease));
    assert_int_equal(lend_lease_error(&lease), error);
    assert_non_null(report);
    assert_int_equal(report->error, error);
    lend_release(&lease);
}

static void keep(struct borrower *borrower, void *model) {
    fake_begin(model);
    if (borrower->turns != NULL)
        borrower->turn = tally_add(borrower->turns);
    if (borrower->leave != NULL)
        gate_wait(borrower->leave);
    fake_end(model);
}

static int borrow(void *argument) {
    struct borrower *borrower = argument;
    struct lend_lease lease = lend_acquire(borrower->pool, borrower->deadline);
    const struct lend_report *report = lend_lease_report(&lease);
    int error = lend_lease_error(&lease);
    if (report != NULL)
        borrower->cause = report->cause;
    if (lend_lease_ok(&lease))
        keep(borrower, lease.model);
    lend_release(&lease);
    return error;
}

void borrower_start(struct borrower *borrower) {
    thread_start(&borrower->thread, borrow, borrower);
}

void borrower_queue_up(struct borrower *borrower) {
    uint64_t before = stats_of(borrower->pool).queued;
    borrower_start(borrower);
    assert_true(eventually(stats_of(borrower->pool).queued == before + 1));
}

int borrower_join(struct borrower *borrower) {
    return thread_join(&borrower->thread);
}

void borrowers_queue_up(struct borrower *borrowers, uint32_t count, lend_pool *pool) {
    for (uint32_t i = 0; i < count; i++) {
        borrowers[i] = (struct borrower){.pool = pool, .deadline = LEND_FOREVER};
        borrower_queue_up(&borrowers[i]);
    }
}

void borrowers_join(struct borrower *borrowers, uint32_t count, int error) {
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(borrower_join(&borrowers[i]), error);
}
