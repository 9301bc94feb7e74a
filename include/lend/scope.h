/* SPDX-License-Identifier: MIT
 *
 * Scopes: borrow for exactly as long as a block, a function or a call lasts.
 *
 *     lend_with (page, pool, lend_within_ms(500)) {
 *         text = recognise(page.model, image);
 *     } lend_else {
 *         error = lend_lease_error(&page);
 *     } lend_end
 *
 * The three words make one plain compound statement. There is no loop hidden in it, so `break`,
 * `continue`, `goto` and `return` mean what they mean outside, and on each of these ways out the
 * model goes back. `page` is a struct lend_lease, visible in both branches; it is released at
 * lend_end. Without lend_else it does not compile: there is always a way on which no model came.
 *
 * What the compiler's cleanup attribute cannot do: after longjmp past the block it does not run;
 * on pthread_cancel and pthread_exit it runs only where the caller is built with -fexceptions
 * (lend's CMake package and pkg-config files ask for that) and the C library unwinds (musl does
 * not). lend_run is safe under cancellation with any compiler and C library. */
#ifndef LEND_SCOPE_H
#define LEND_SCOPE_H

#include <lend/base.h>
#include <lend/deadline.h>
#include <lend/lease.h>
#include <lend/pool.h>

LEND_BEGIN_DECLS

/* What lend_run runs. Its result is lend_run's. */
typedef int lend_run_function(void *model, void *argument);

/* Borrow a model, call function(model, argument) on this thread, give the model back, also if the
 * function leaves by pthread_exit or is cancelled. Returns the function's result, or the error of
 * lend_acquire if there was no model; then the function was not called. EINVAL if function is NULL.
 * A function whose own results could be taken for such an error keeps them in its argument. */
LEND_API LEND_NODISCARD int lend_run_at(lend_pool *pool, lend_deadline deadline,
                                        lend_run_function *function, void *argument,
                                        const struct lend_site *site);

/* The same without a site, for callers that cannot use the macro of the same name. */
LEND_API LEND_NODISCARD int lend_run(lend_pool *pool, lend_deadline deadline,
                                     lend_run_function *function, void *argument);

LEND_END_DECLS

#ifndef __cplusplus

#define lend_run(pool, deadline, function, argument)                                               \
    lend_run_at((pool), (deadline), (function), (argument), LEND_HERE)

/* A lease that is released where its variable ends:
 *
 *     lend_scoped_lease page = lend_acquire(pool, lend_within_ms(500));
 */
#define lend_scoped_lease __attribute__((__cleanup__(lend_release), __unused__)) struct lend_lease

#define lend_with(lease, pool, deadline)                                                           \
    {                                                                                              \
        lend_scoped_lease lease = lend_acquire((pool), (deadline));                                \
        if (lend_lease_ok(&lease))

/* The struct named here is used by lend_end: that is what makes a forgotten lend_else an error
 * ("incomplete type struct lend_with_lacks_its_lend_else"). */
#define lend_else                                                                                  \
    else {                                                                                         \
        struct lend_with_lacks_its_lend_else {                                                     \
            int unused;                                                                            \
        };

#define lend_end                                                                                   \
    (void)sizeof(struct lend_with_lacks_its_lend_else);                                            \
    }                                                                                              \
    }

#endif

#endif
