/* SPDX-License-Identifier: MIT
 *
 * A block that is not ended. */
#include <lend/lend.h>

int borrow(lend_pool *pool);

int borrow(lend_pool *pool) {
    lend_with (lease, pool, LEND_NOW) {
        return 0;
    } lend_else {
        return lend_lease_error(&lease);
    }
#ifdef MENDED
    lend_end
#endif
} /* refused: expected */
