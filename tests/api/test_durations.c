/* SPDX-License-Identifier: MIT
 *
 * How long each has waited and held, as a live pool says: no less and no more than it was. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static int64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Two moments in a test, each by the two clocks. */
struct moments {
    int64_t coarse_ns[2], ns[2];
};

static void note_moment(struct moments *moments, int i) {
    moments->coarse_ns[i] = now_ns(CLOCK_MONOTONIC_COARSE);
    moments->ns[i] = now_ns(CLOCK_MONOTONIC);
}

/* The number behind the `nth` of these names, from 0, in a list of a report. */
static int64_t ns_of(const char *json, const char *list, const char *name, int nth) {
    const char *at = strstr(json, list);
    for (int i = 0; i <= nth && at != NULL; i++)
        at = strstr(at + 1, name);
    if (at == NULL)
        fail_msg("there is no %s number %d after %s in %s", name, nth, list, json);
    return (int64_t)(strtod(at + strlen(name), NULL) * 1e6);
}

/* Between `began` and `told` it was stamped, by the coarse clock, and read, by the other one. What
 * is written has no more than microseconds. */
static void check_ns(int64_t ns, const struct moments *began, const struct moments *told) {
    enum { WRITTEN_NS = 1000 };
    assert_in_range(ns, told->ns[0] - began->coarse_ns[1] - WRITTEN_NS,
                    told->ns[1] - began->coarse_ns[0]);
}

static void a_live_pool_says_how_long_each_has_waited_and_held(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct told told = {0};
    struct moments held, began, printed;
    char json[2048];
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    lend_completions *queue = loop_open();
    const struct lend_request_spec spec = told_spec(queue, &told, /* task= */ 7);
    struct borrower waiter = {.pool = pool, .deadline = LEND_FOREVER};
    note_moment(&held, 0);
    struct lend_lease lease = borrow_now(pool);
    note_moment(&held, 1);
    await_tick();
    await_tick();
    note_moment(&began, 0);
    borrower_queue_up(&waiter);
    assert_int_equal(lend_acquire_later(pool, LEND_FOREVER, &spec, NULL), 0);
    note_moment(&began, 1);
    await_tick();
    await_tick();

    note_moment(&printed, 0);
    assert_int_not_equal(lend_pool_print_json(pool, json, sizeof json), 0);
    note_moment(&printed, 1);
    check_ns(ns_of(json, "\"holders\":[", "\"held_ms\":", 0), &held, &printed);
    for (int i = 0; i < 2; i++)
        check_ns(ns_of(json, "\"waiters\":[", "\"waited_ms\":", i), &began, &printed);

    lend_release(&lease);
    assert_int_equal(borrower_join(&waiter), 0);
    assert_true(loop_until(queue, told.count == 1));
    lend_release(&told.lease);
    loop_close(queue);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_pool_says_how_long_each_has_waited_and_held),
    };
    return cmocka_run_group_tests_name("durations", tests, NULL, NULL);
}
