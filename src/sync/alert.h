/* SPDX-License-Identifier: MIT
 *
 * The alert: wakes one thread from wherever, a signal handler too. */
#ifndef LEND_SRC_SYNC_ALERT_H
#define LEND_SRC_SYNC_ALERT_H

#include <semaphore.h>

struct alert {
    sem_t raised;
};

/* 0 or ENOMEM. */
int lend__alert_init(struct alert *alert);
void lend__alert_deinit(struct alert *alert);

/* Each raise ends one wait, before or after. */
void lend__alert_raise(struct alert *alert);
void lend__alert_wait(struct alert *alert);

/* What was raised so far ends no wait. */
void lend__alert_clear(struct alert *alert);

#endif
