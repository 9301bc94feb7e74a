/* SPDX-License-Identifier: MIT
 *
 * Bells on eventfd. */
#include "sync/bell.h"

#include "base/assert.h"
#include "sync/thread.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int lend__bell_init(struct bell *bell) {
    int before = errno;
    bell->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = bell->descriptor >= 0 ? 0 : errno;
    errno = before;
    return error == 0 || error == ENOMEM ? error : EMFILE;
}

void lend__bell_deinit(struct bell *bell) {
    int before = errno;
    int shield = lend__thread_shield();
    close(bell->descriptor);
    lend__thread_unshield(shield);
    errno = before;
}

/* One is added to a counter that would have to be near 2^64 for this to fail. */
void lend__bell_ring(struct bell *bell) {
    int before = errno;
    int shield = lend__thread_shield();
    int error = eventfd_write(bell->descriptor, 1);
    lend__thread_unshield(shield);
    LEND_ASSERT(error == 0, "could not ring a bell");
    errno = before;
}

/* The counter is 0 again, whatever it was. */
void lend__bell_hush(struct bell *bell) {
    eventfd_t rings;
    int before = errno;
    int shield = lend__thread_shield();
    int error = eventfd_read(bell->descriptor, &rings);
    lend__thread_unshield(shield);
    LEND_ASSERT(error == 0 || errno == EAGAIN, "could not hush a bell");
    errno = before;
}
