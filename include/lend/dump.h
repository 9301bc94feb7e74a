/* SPDX-License-Identifier: MIT
 *
 * Dumps: everything that lend knows in this process, for the moment when a program stands still and
 * nobody knows why.
 *
 *     static void on_usr1(int number) { (void)number, lend_dump_request(); }
 *     ...
 *     error = lend_dump_start(STDERR_FILENO);
 *     signal(SIGUSR1, on_usr1);             // kill -USR1 then prints it
 */
#ifndef LEND_DUMP_H
#define LEND_DUMP_H

#include <lend/base.h>

LEND_BEGIN_DECLS

/* Print the state of every open pool and executor into buffer[size], a line for each and for each
 * borrower who waits and each job that is not over: who, since when, from where in the source, and
 * the likely cause. Returns the length written; what does not fit ends with "...". Takes each lock
 * of lend in turn for a short time; not for signal handlers. */
LEND_API size_t lend_dump(char *buffer, size_t size);

/* Have a thread wait for requests and write a dump to the descriptor at each. It blocks all
 * signals but those that an instruction of its own raises. The child of a fork has no such thread,
 * and may start one.
 *
 * 0         started
 * EINVAL    descriptor is negative
 * EALREADY  there is one
 * ENOMEM    no memory or thread */
LEND_API LEND_NODISCARD int lend_dump_start(int descriptor);

/* Ask for a dump. Async-signal-safe. Without a thread to do it, nothing. */
LEND_API void lend_dump_request(void);

/* End the thread, after what it is writing. Nothing if there is none. */
LEND_API void lend_dump_stop(void);

LEND_END_DECLS

#endif
