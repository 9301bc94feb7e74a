/* SPDX-License-Identifier: MIT
 *
 * The program's only global: the number of the first signal. Signals are let in everywhere, so that
 * the second one works even in a write that is stuck; only between looking at the number and
 * falling asleep they are held off, or one in between would be slept over. */
#define _GNU_SOURCE
#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t received;

static void receive(int number) {
    if (received != 0)
        _exit(128 + number);
    received = number;
}

static void ending_signals(sigset_t *ret_set) {
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGTERM);
}

void signals_watch(void) {
    /* SA_RESTART: the first signal must not tear a write in two. */
    struct sigaction action = {.sa_handler = receive, .sa_flags = SA_RESTART};
    ending_signals(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);

    /* A shell that starts a program in the background has it ignore Ctrl-C. */
    struct sigaction before;
    if (sigaction(SIGINT, NULL, &before) != 0 || before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);

    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
}

int signals_received(void) {
    return received;
}

void signals_poll(struct pollfd *descriptors, nfds_t count, int timeout_ms, int known) {
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    sigset_t held, before;
    ending_signals(&held);
    sigprocmask(SIG_BLOCK, &held, &before);
    if (received == known)
        (void)ppoll(descriptors, count, timeout_ms < 0 ? NULL : &timeout, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}
