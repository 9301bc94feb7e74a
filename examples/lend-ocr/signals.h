/* SPDX-License-Identifier: MIT
 *
 * The signals that ask the program to end: SIGINT and SIGTERM.
 *
 * The first is remembered, so that what runs can be finished; the second ends the program on the
 * spot, wherever it is. */
#ifndef LEND_OCR_SIGNALS_H
#define LEND_OCR_SIGNALS_H

#include <poll.h>

/* From now on. A closed pipe is an error of the write (EPIPE) instead of a signal. */
void signals_watch(void);

/* The number of the first one, 0 before. */
int signals_received(void);

/* Sleep until a descriptor is ready, the time is up (-1: never) or a signal comes. `known` is what
 * the caller has seen of signals_received: one that came since then ends the sleep too. */
void signals_poll(struct pollfd *descriptors, nfds_t count, int timeout_ms, int known);

#endif
