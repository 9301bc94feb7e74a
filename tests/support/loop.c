/* SPDX-License-Identifier: MIT */
#include "support/loop.h"

#include "support/thread.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

static bool wait_for_input(lend_completions *queue, int ms) {
    struct pollfd pollfd = {.fd = lend_completions_descriptor(queue), .events = POLLIN};
    return poll(&pollfd, 1, ms) == 1 && (pollfd.revents & POLLIN) != 0;
}

bool loop_is_readable(lend_completions *queue) {
    return wait_for_input(queue, 0);
}

bool loop_wait(lend_completions *queue) {
    return wait_for_input(queue, PATIENCE_MS);
}

lend_completions *loop_open(void) {
    lend_completions *queue = NULL;
    assert_int_equal(lend_completions_open(&queue), 0);
    return queue;
}

void loop_close(lend_completions *queue) {
    int error;
    while ((error = lend_completions_close(queue)) == EBUSY) {
        if (!loop_wait(queue))
            fail_msg("an answer never came");
        lend_completions_run(queue, UINT32_MAX);
    }
    assert_int_equal(error, 0);
}

void told_take(struct lend_lease *lease, void *argument) {
    static atomic_uint turns;
    struct told *told = argument;
    told->count++;
    told->turn = atomic_fetch_add(&turns, 1) + 1;
    told->thread = thread_id();
    told->error = lend_lease_error(lease);
    if (lend_lease_report(lease) != NULL)
        lend_report_print(lend_lease_report(lease), told->words, sizeof told->words);
    told->lease = lend_lease_take(lease);
}

struct lend_request_spec told_spec(lend_completions *queue, struct told *told, uint64_t task) {
    return LEND_REQUEST(.queue = queue, .acquired = told_take, .argument = told, .task = task);
}
