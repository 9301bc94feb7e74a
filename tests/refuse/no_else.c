/* SPDX-License-Identifier: MIT
 *
 * A block without the way on which no model came. */
#include <lend/lend.h>

int borrow(lend_pool *pool);

int borrow(lend_pool *pool) {
    int error = 0;
    lend_with (lease, pool, LEND_NOW) {
        error = 1;
#ifdef MENDED
    } lend_else {
        error = lend_lease_error(&lease);
#endif
    } lend_end /* refused: lend_with_lacks_its_lend_else */
    return error;
}
