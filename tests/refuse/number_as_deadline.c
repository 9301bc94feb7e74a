/* SPDX-License-Identifier: MIT
 *
 * A plain number where a deadline is wanted: nobody could see whether it is seconds or
 * milliseconds, from now or from boot. */
#include <lend/lend.h>

#ifdef MENDED
#define PATIENCE lend_within_ms(500)
#else
#define PATIENCE 500
#endif

int wait_by_number(lend_pool *pool, lend_future *future);

int wait_by_number(lend_pool *pool, lend_future *future) {
    int error = lend_future_wait(future, PATIENCE); /* refused: incompatible type */
    lend_with (lease, pool, PATIENCE) {             /* refused: incompatible type */
        error = 0;
    } lend_else {
        error = lend_lease_error(&lease);
    } lend_end
    return error + lend_pool_close(pool, PATIENCE, NULL); /* refused: incompatible type */
}
