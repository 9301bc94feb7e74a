/* SPDX-License-Identifier: MIT
 *
 * Pauses between attempts double up to half a minute, and differ from pool to pool. */
#include "pool/keeper.h"

#include "base/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_pause(uint32_t failures, int64_t ms) {
    for (int64_t now_ns = 0; now_ns < 1000; now_ns++)
        assert_in_range(lend__pause_ns(failures, now_ns), ms * NS_PER_MS / 4 * 3,
                        ms * NS_PER_MS / 4 * 5);
}

static void a_pause_doubles_up_to_half_a_minute(void **state) {
    (void)state;
    check_pause(0, 100);
    check_pause(1, 100);
    check_pause(2, 200);
    check_pause(9, 25600);
    check_pause(10, 30000);
    check_pause(UINT32_MAX, 30000);
}

static void pauses_that_begin_at_different_times_differ(void **state) {
    (void)state;
    assert_true(lend__pause_ns(1, 1000) != lend__pause_ns(1, 1001));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_doubles_up_to_half_a_minute),
        cmocka_unit_test(pauses_that_begin_at_different_times_differ),
    };
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
