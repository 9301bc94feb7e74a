/* SPDX-License-Identifier: MIT
 *
 * The little of an event loop that a test needs: a completion queue, a wait for its descriptor, and
 * a record of what its callbacks were told. */
#ifndef LEND_TESTS_SUPPORT_LOOP_H
#define LEND_TESTS_SUPPORT_LOOP_H

#include <lend/completions.h>
#include <lend/request.h>

/* On the test's own thread only: these fail the test. Closing empties the queue first, and fails if
 * that does not come to an end. */
lend_completions *loop_open(void);
void loop_close(lend_completions *queue);

/* Is the descriptor readable now; and until it is, false if it did not become so in time. */
bool loop_is_readable(lend_completions *queue);
bool loop_wait(lend_completions *queue);

/* Run the queue until `condition` holds: true. False if nothing came for too long before. */
#define loop_until(queue, condition)                                                               \
    (__extension__({                                                                               \
        while (!(condition) && loop_wait(queue))                                                   \
            lend_completions_run((queue), 1);                                                      \
        (condition);                                                                               \
    }))

/* What the callback of one request was told; zeroed before. */
struct told {
    unsigned count;          /* how often */
    unsigned turn;           /* its place among all that were told in this process */
    uintptr_t thread;        /* thread_id */
    int error;               /* lend_lease_error */
    struct lend_lease lease; /* taken, with its report */
    char words[512];         /* of its report, or "" */
};

/* The callback; its argument is the struct told. */
void told_take(struct lend_lease *lease, void *argument);

/* A spec for it. */
struct lend_request_spec told_spec(lend_completions *queue, struct told *told, uint64_t task);

#endif
