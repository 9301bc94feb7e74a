/* SPDX-License-Identifier: MIT
 *
 * Threads: what lend is told about the calling one. */
#ifndef LEND_THREAD_H
#define LEND_THREAD_H

#include <lend/base.h>

LEND_BEGIN_DECLS

/* Mark the calling thread as one that must not wait, such as that of an event loop. Borrowing,
 * waiting for a future and submitting to a full queue return EAGAIN then where they would have to
 * wait (a failed lease with a report like any other); closing a pool or an executor, reload and
 * resize return EAGAIN in any case. Not covered: lend_pool_open, which waits for its loads,
 * lend_executor_open and lend_dump_stop. `forbidden` false takes the mark away. Returns whether it
 * was there. */
LEND_API bool lend_thread_forbid_blocking(bool forbidden);

LEND_END_DECLS

#endif
