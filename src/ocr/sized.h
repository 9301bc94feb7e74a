/* SPDX-License-Identifier: MIT
 *
 * Structs of the caller that begin with their size: older and newer callers are served alike. */
#ifndef LEND_SRC_OCR_SIZED_H
#define LEND_SRC_OCR_SIZED_H

#include <lend/error.h>

/* Copy `given` into `own`; what the caller's version lacks is zeroed, the size is ours. EINVAL if
 * it is NULL or has no size, E2BIG if it sets something that is not known here. `name` is for the
 * words. */
int lend__sized_read(void *own, size_t own_size, const void *given, const char *name,
                     struct lend_reason *reason);

#endif
