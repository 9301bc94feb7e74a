/* SPDX-License-Identifier: MIT
 *
 * Deadlines: until when a call may wait.
 *
 *     lend_deadline by = lend_within_ms(500);      // once, where the work begins
 *     lend_with (page, pool, by) { ... }           // and the same one all the way down
 *
 * A deadline is a point in time, not a duration: handed from call to call it does not drift, and
 * a loop that retries cannot wait longer than was meant. It is measured on CLOCK_MONOTONIC, which
 * no change of the wall clock moves. It is a struct so that a plain number, whose unit nobody can
 * see, does not compile in its place.
 *
 * A zeroed deadline means "the default patience of the pool or executor" (30 s unless its options
 * say otherwise). Waiting for ever is possible and has to be spelled out. */
#ifndef LEND_DEADLINE_H
#define LEND_DEADLINE_H

#include <lend/base.h>

LEND_BEGIN_DECLS

typedef struct lend_deadline {
    int64_t at_ns; /* CLOCK_MONOTONIC, or one of the three special values below */
} lend_deadline;

#ifdef __cplusplus
#define LEND_DEADLINE_LITERAL_(at) (lend_deadline{at})
#else
#define LEND_DEADLINE_LITERAL_(at) ((lend_deadline){at})
#endif

/* The default patience of whatever is waited for. What a zeroed struct holds. */
#define LEND_BY_DEFAULT LEND_DEADLINE_LITERAL_(0)

/* Do not wait: answer from what is there. */
#define LEND_NOW LEND_DEADLINE_LITERAL_(-1)

/* Wait until there is an answer, however long that takes. */
#define LEND_FOREVER LEND_DEADLINE_LITERAL_(INT64_MAX)

/* The point that is `ms` milliseconds from now. Zero and less is LEND_NOW: -1 too, which in options
 * is for ever. What lies beyond the end of the clock (292 years) is LEND_FOREVER. */
LEND_API lend_deadline lend_within_ms(int64_t ms);

/* Milliseconds until `deadline`, rounded up, so that a caller who sleeps for as long is past it:
 * 0 once it has passed and for LEND_NOW, INT64_MAX for LEND_FOREVER and LEND_BY_DEFAULT. */
LEND_API int64_t lend_deadline_left_ms(lend_deadline deadline);

/* The one that passes first. LEND_BY_DEFAULT, which names no point in time, gives way to any other.
 */
LEND_API lend_deadline lend_deadline_earlier(lend_deadline one, lend_deadline other);

LEND_END_DECLS

#endif
