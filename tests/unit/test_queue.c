/* SPDX-License-Identifier: MIT
 *
 * Of what is in the queue the first jobs are for the workers at hand; the rest is what is queued.
 */
#include "exec/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORKERS = 3, TASKS = 4 };

struct hall {
    lend_executor executor;
    struct worker workers[WORKERS];
    struct task tasks[TASKS]; /* of 1, 10, 100 and 1000 bytes */
};

static struct hall *hall_make(uint32_t tasks) {
    struct hall *hall = aligned_alloc(_Alignof(struct hall), sizeof *hall);
    memset(hall, 0, sizeof *hall);
    hall->executor.options.workers = WORKERS;
    hall->executor.workers = hall->workers;
    uint64_t bytes = 1;
    for (uint32_t i = 0; i < tasks; i++, bytes *= 10) {
        hall->tasks[i].bytes = bytes;
        hall->executor.locked.queue_bytes += bytes;
        list_append(&hall->executor.locked.queue, &hall->tasks[i].place);
    }
    return hall;
}

static void assert_queued(struct hall *hall, uint32_t count, uint64_t bytes) {
    uint64_t queued_bytes;
    assert_int_equal(lend__executor_queued(&hall->executor, &queued_bytes), count);
    assert_int_equal(queued_bytes, bytes);
}

static void what_workers_at_hand_will_take_is_not_queued(void **state) {
    (void)state;
    struct hall *hall = hall_make(TASKS);
    assert_int_equal(lend__executor_at_hand(&hall->executor), WORKERS);
    assert_queued(hall, 1, 1000);
    hall->workers[1].away = true;
    assert_int_equal(lend__executor_at_hand(&hall->executor), WORKERS - 1);
    assert_queued(hall, 2, 1100);
    hall->workers[0].away = hall->workers[2].away = true;
    assert_queued(hall, 4, 1111);
    free(hall);
}

static void with_fewer_jobs_than_workers_at_hand_nothing_is_queued(void **state) {
    (void)state;
    struct hall *hall = hall_make(WORKERS - 1);
    assert_queued(hall, 0, 0);
    free(hall);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_workers_at_hand_will_take_is_not_queued),
        cmocka_unit_test(with_fewer_jobs_than_workers_at_hand_nothing_is_queued),
    };
    return cmocka_run_group_tests_name("queue, inside", tests, NULL, NULL);
}
