/* SPDX-License-Identifier: MIT
 *
 * The simulation's clock, in the place of src/base/clock.h. */
#ifndef LEND_TESTS_SIM_SEAM_CLOCK_H
#define LEND_TESTS_SIM_SEAM_CLOCK_H

#include "base/deadline.h"

int64_t lend__clock_now_ns(void);
int64_t lend__clock_coarse_ns(void);

#endif
