/* SPDX-License-Identifier: MIT
 *
 * Threads: what lend is told about the calling one. */
#ifndef LEND_THREAD_H
#define LEND_THREAD_H

#include <lend/base.h>

LEND_BEGIN_DECLS

/* Mark the calling thread as one that must not wait, such as the one of an event loop: a call that
 * would have to returns EWOULDBLOCK (the same number as EAGAIN) instead, a failed lease with a
 * report like any other. That holds for borrowing, for waiting for a future and for submitting to a
 * full queue; closing a pool or an executor is refused in any case, since both wait for threads.
 * `forbidden` false takes the mark away. Returns whether it was there. */
LEND_API bool lend_thread_forbid_blocking(bool forbidden);

LEND_END_DECLS

#endif
