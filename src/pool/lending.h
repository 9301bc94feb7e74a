/* SPDX-License-Identifier: MIT
 *
 * What the executor's floor may ask of a pool beyond the public calls: a borrow that another thread
 * can cancel, and to be known as a tenant, so that the pool is not closed under it. */
#ifndef LEND_SRC_POOL_LENDING_H
#define LEND_SRC_POOL_LENDING_H

#include "base/list.h"

#include <lend/lease.h>
#include <lend/pool.h>

struct borrower;

/* The means to call off one acquire. Zeroed before use; outlives the acquire and every cancel. */
struct borrow_cancel {
    bool asked;                /* under pool->lock */
    struct borrower *borrower; /* who waits with it, or NULL; under pool->lock */
};

/* lend_acquire_at, with an end more: ECANCELED once lend__acquire_cancel was called, before or
 * during the wait. A model that was granted first is handed out all the same. */
struct lend_lease lend__acquire(lend_pool *pool, lend_deadline deadline,
                                const struct lend_site *site, struct borrow_cancel *cancel);

/* Do its models want nothing done at a release? Then leases can be renewed. */
bool lend__pool_is_plain(const lend_pool *pool);

/* Release and acquire in one, for the job that the calling thread goes on with. Nobody else could
 * have had the model in between; if somebody waits, or it is wanted back, false and nothing done.
 * One swap: no lock, no wait, no call of the model's. */
bool lend__lease_renew(struct lend_lease *lease, uint64_t job_number, const struct lend_site *site);

/* The model that the calling thread had last, if it is free and nobody waits: into *ret_lease.
 * False and nothing done if not. One swap: no lock, no wait, no report. */
bool lend__acquire_again(lend_pool *pool, const struct lend_site *site,
                         struct lend_lease *ret_lease);

void lend__acquire_cancel(lend_pool *pool, struct borrow_cancel *cancel);

/* The job that has this lease was answered at its deadline and has not returned: if there are
 * spares, another model is loaded in place of its own until it does. Nothing if it has. */
void lend__lease_overdue(lend_pool *pool, const struct lend_lease *lease);

/* An executor that is open on a pool. */
struct tenant {
    struct list_node node; /* under pool->lock */
    const char *name;      /* constant while it is a tenant */
};

/* 0 or ESHUTDOWN. Of a pool that is no parent's. */
int lend__pool_enter(lend_pool *pool, struct tenant *tenant);

/* The last use of the pool by the tenant. */
void lend__pool_leave(lend_pool *pool, struct tenant *tenant);

#endif
