/* SPDX-License-Identifier: MIT
 *
 * The simulation's parker, in the place of src/sync/parker.h. */
#ifndef LEND_TESTS_SIM_SEAM_PARKER_H
#define LEND_TESTS_SIM_SEAM_PARKER_H

#include "history.h"

#include <lend/deadline.h>
#include <stdint.h>

#define PARKER_LIVES UINT32_C(0x9a26e121)

struct parker {
    uint32_t life;    /* PARKER_LIVES; anything else: never initialised, or gone */
    uint32_t sleeper; /* tid, 0 if nobody sleeps */
    bool permit;
    struct history history;
};

void parker_init(struct parker *parker);
void parker_deinit(struct parker *parker);
bool lend__parker_sleep(struct parker *parker, lend_deadline deadline);
void lend__parker_wake(struct parker *parker);

#endif
