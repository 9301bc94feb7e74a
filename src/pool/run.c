/* SPDX-License-Identifier: MIT
 *
 * lend_run: borrow for the length of one call, given back by a cancellation cleanup handler, which
 * every C library runs on pthread_cancel and pthread_exit. */
#include "pool/state.h"

#include <lend/scope.h>

struct call {
    struct lend_lease lease;
    lend_run_function *function;
    void *argument;
    int result;
};

static void make_call(void *argument) {
    struct call *call = argument;
    call->result = call->function(call->lease.model, call->argument);
}

static void end_call(void *argument) {
    struct call *call = argument;
    lend_release(&call->lease);
}

int lend_run_at(lend_pool *pool, lend_deadline deadline, lend_run_function *function,
                void *argument, const struct lend_site *site) {
    if (function == NULL)
        return EINVAL;
    struct call call = {.function = function, .argument = argument};
    call.lease = lend_acquire_at(pool, deadline, site);
    if (lend_lease_ok(&call.lease)) {
        lend__thread_guard(make_call, &call, end_call, &call);
        return call.result;
    }
    int error = lend_lease_error(&call.lease);
    lend_release(&call.lease);
    return error;
}

int(lend_run)(lend_pool *pool, lend_deadline deadline, lend_run_function *function,
              void *argument) {
    return lend_run_at(pool, deadline, function, argument, /* site= */ NULL);
}
