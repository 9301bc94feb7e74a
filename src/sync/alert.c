/* SPDX-License-Identifier: MIT
 *
 * Alerts on sem_post, which POSIX lets a signal handler call. */
#include "sync/alert.h"

#include <errno.h>

int lend__alert_init(struct alert *alert) {
    return sem_init(&alert->raised, 0, 0) == 0 ? 0 : ENOMEM;
}

void lend__alert_deinit(struct alert *alert) {
    sem_destroy(&alert->raised);
}

/* The interrupted code may be looking at errno. */
void lend__alert_raise(struct alert *alert) {
    int before = errno;
    sem_post(&alert->raised);
    errno = before;
}

void lend__alert_wait(struct alert *alert) {
    while (sem_wait(&alert->raised) != 0)
        ;
}

void lend__alert_clear(struct alert *alert) {
    while (sem_trywait(&alert->raised) == 0)
        ;
}
