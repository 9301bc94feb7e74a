/* SPDX-License-Identifier: MIT
 *
 * Showing a wait for a future to the watch. */
#ifndef LEND_SRC_EXEC_DEADLOCK_H
#define LEND_SRC_EXEC_DEADLOCK_H

#include "exec/state.h"
#include "pool/watch.h"

/* Of a waiter that is queued at the task's future; it may be decided by the time this returns. To
 * be hidden once it has a verdict; a deadlock is told to the sink then. */
void lend__future_wait_show(struct task *task, struct future_wait *self, lend_deadline deadline,
                            struct wait *wait);
void lend__future_wait_hide(struct task *task, struct wait *wait);

#endif
