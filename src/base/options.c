/* SPDX-License-Identifier: MIT
 *
 * The size rule of every options struct (the one Linux's copy_struct_from_user established). */
#include "base/options.h"

#include <errno.h>
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
