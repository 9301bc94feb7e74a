/* SPDX-License-Identifier: MIT
 *
 * The simulation's alert, in the place of src/sync/alert.h. */
#ifndef LEND_TESTS_SIM_SEAM_ALERT_H
#define LEND_TESTS_SIM_SEAM_ALERT_H

#include "history.h"

#include <stdint.h>

struct alert {
    uint32_t raised;
    struct history history;
};

int lend__alert_init(struct alert *alert);
void lend__alert_deinit(struct alert *alert);
void lend__alert_raise(struct alert *alert);
void lend__alert_wait(struct alert *alert);
void lend__alert_clear(struct alert *alert);

#endif
