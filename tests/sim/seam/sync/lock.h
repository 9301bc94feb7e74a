/* SPDX-License-Identifier: MIT
 *
 * The simulation's lock, in the place of src/sync/lock.h: taking and leaving it are points at which
 * another thread may go on. */
#ifndef LEND_TESTS_SIM_SEAM_LOCK_H
#define LEND_TESTS_SIM_SEAM_LOCK_H

#include "history.h"

#include <stdint.h>

#define LOCK_LIVES UINT32_C(0x10c51ead)

struct lock {
    uint32_t life;   /* LOCK_LIVES; anything else: never initialised, or gone */
    uint32_t holder; /* tid, 0 if free */
    struct history history;
};

#define LOCK_INIT                                                                                  \
    { .life = LOCK_LIVES }

int lend__lock_init(struct lock *lock);
void lend__lock_deinit(struct lock *lock);
void lend__lock_acquire(struct lock *lock);
void lend__lock_release(struct lock *lock);

#endif
