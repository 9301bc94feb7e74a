/* SPDX-License-Identifier: MIT
 *
 * The kernel is asked only when somebody really sleeps. FUTEX_WAIT_BITSET takes the time at which
 * to end, by CLOCK_MONOTONIC; FUTEX_WAIT would take how long. */
#define _GNU_SOURCE
#include "sync/parker.h"

#include "base/assert.h"
#include "base/clock.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel has them in <linux/futex.h>, which is not part of every C library. */
#define FUTEX_WAKE_PRIVATE 129
#define FUTEX_WAIT_BITSET_PRIVATE 137
#define FUTEX_BITSET_MATCH_ANY 0xffffffff

/* Until it is not ASLEEP, the deadline, or for no reason. False if the deadline has passed. */
static bool wait_once(struct parker *parker, lend_deadline deadline) {
    struct timespec until = {.tv_sec = (time_t)(deadline.at_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline.at_ns % NS_PER_S)};
    if (syscall(SYS_futex, &parker->state, FUTEX_WAIT_BITSET_PRIVATE, PARKER_ASLEEP,
                deadline_is_forever(deadline) ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY) == 0)
        return true;
    LEND_ASSERT(errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT, "could not sleep");
    return errno != ETIMEDOUT;
}

static void wait_for_permit(struct parker *parker, lend_deadline deadline) {
    uint32_t seen = PARKER_EMPTY;
    if (!atomic_compare_exchange_strong_explicit(&parker->state, &seen, PARKER_ASLEEP,
                                                 memory_order_relaxed, memory_order_relaxed))
        return;
    int before = errno;
    while (atomic_load_explicit(&parker->state, memory_order_relaxed) == PARKER_ASLEEP &&
           wait_once(parker, deadline))
        ;
    errno = before;
}

bool lend__parker_sleep(struct parker *parker, lend_deadline deadline) {
    LEND_ASSERT(deadline.at_ns != 0, "slept without a deadline");
    if (!deadline_is_now(deadline))
        wait_for_permit(parker, deadline);
    return atomic_exchange_explicit(&parker->state, PARKER_EMPTY, memory_order_acquire) ==
           PARKER_PERMIT;
}

/* The kernel cannot fail to wake: the address is no longer ours to be wrong about. */
void lend__parker_wake(struct parker *parker) {
    if (atomic_exchange_explicit(&parker->state, PARKER_PERMIT, memory_order_release) !=
        PARKER_ASLEEP)
        return;
    int before = errno;
    syscall(SYS_futex, &parker->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = before;
}
