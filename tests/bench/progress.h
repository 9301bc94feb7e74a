/* SPDX-License-Identifier: MIT
 *
 * While it runs: a line on the terminal that says how far it is, and Ctrl-C. */
#ifndef LEND_BENCH_PROGRESS_H
#define LEND_BENCH_PROGRESS_H

#include <stdbool.h>

/* From here on the first Ctrl-C asks for an end, which comes between two turns; the second is the
 * usual one. */
void interruption_catch(void);
bool interrupted(void);

/* Say what is being done, in place of what was said before; on a terminal only. */
__attribute__((__format__(__printf__, 1, 2))) void progress_say(const char *format, ...);
void progress_clear(void);

#endif
