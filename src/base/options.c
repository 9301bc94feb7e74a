/* SPDX-License-Identifier: MIT
 *
 * The size rule of every options struct (the one Linux's copy_struct_from_user established). */
#include "base/options.h"

#include <string.h>

int lend__options_read(void *own, size_t own_size, const void *given) {
    size_t size;
    if (given == NULL)
        return EINVAL;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size)
        return EINVAL;
    const unsigned char *bytes = given;
    for (size_t i = own_size; i < size; i++)
        if (bytes[i] != 0)
            return E2BIG;
    memset(own, 0, own_size);
    memcpy(own, given, size < own_size ? size : own_size);
    memcpy(own, &own_size, sizeof own_size);
    return 0;
}

struct lend_reason *lend__options_reason(const void *given, size_t offset) {
    struct lend_reason *reason = NULL;
    size_t size = 0;
    if (given != NULL)
        memcpy(&size, given, sizeof size);
    if (size >= offset + sizeof reason)
        memcpy(&reason, (const unsigned char *)given + offset, sizeof reason);
    return reason;
}

int lend__options_check(const struct option_range *ranges, size_t count,
                        struct lend_reason *reason) {
    for (const struct option_range *range = ranges; range < ranges + count; range++) {
        if (range->value < range->least)
            return lend_reason_set(reason, EINVAL, "%s is %lld, less than %lld", range->name,
                                   (long long)range->value, (long long)range->least);
        if (range->value > range->most)
            return lend_reason_set(reason, EINVAL, "%s is %lld, more than %lld", range->name,
                                   (long long)range->value, (long long)range->most);
    }
    return 0;
}
