/* SPDX-License-Identifier: MIT
 *
 * The bell: what a thread waits for with poll, epoll or its kin. Its descriptor is readable from a
 * ring to the next hush; to ring twice is to ring once. */
#ifndef LEND_SRC_SYNC_BELL_H
#define LEND_SRC_SYNC_BELL_H

struct bell {
    int descriptor;
};

/* 0, EMFILE (no descriptor could be had) or ENOMEM. */
int lend__bell_init(struct bell *bell);
void lend__bell_deinit(struct bell *bell);

/* Neither waits, nor is a cancellation point. */
void lend__bell_ring(struct bell *bell);
void lend__bell_hush(struct bell *bell);

#endif
