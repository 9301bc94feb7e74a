/* SPDX-License-Identifier: MIT */
#include <lend/lend.h>

int main(void) {
    lend_with (model, NULL, LEND_NOW) {
        return 1;
    } lend_else {
        return lend_lease_error(&model) == EINVAL ? 0 : 1;
    } lend_end
}
