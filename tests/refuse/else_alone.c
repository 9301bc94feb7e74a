/* SPDX-License-Identifier: MIT
 *
 * A failure branch of nothing. */
#include <lend/lend.h>

int borrow(lend_pool *pool);

int borrow(lend_pool *pool) {
    int error = 0;
#ifdef MENDED
    lend_with (lease, pool, LEND_NOW) {
#else
    {
#endif
        error = pool == NULL;
    } lend_else { /* refused: else.*without a previous|expected expression */
        error = 1;
    } lend_end
    return error;
}
