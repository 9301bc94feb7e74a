/* SPDX-License-Identifier: MIT
 *
 * The size rule of every options struct of lend, for those of this library. */
#include "ocr/sized.h"

#include <string.h>

int lend__sized_read(void *own, size_t own_size, const void *given, const char *name,
                     struct lend_reason *reason) {
    size_t size = 0;
    if (given != NULL)
        memcpy(&size, given, sizeof size);
    if (size < sizeof size)
        return lend_reason_set(reason, EINVAL, "%s: it is NULL, or its size is not set", name);
    const unsigned char *bytes = given;
    for (size_t i = own_size; i < size; i++)
        if (bytes[i] != 0)
            return lend_reason_set(reason, E2BIG, "%s: byte %zu is set and unknown here", name, i);
    memset(own, 0, own_size);
    memcpy(own, given, size < own_size ? size : own_size);
    memcpy(own, &own_size, sizeof own_size);
    return 0;
}
