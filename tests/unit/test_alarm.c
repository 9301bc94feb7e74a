/* SPDX-License-Identifier: MIT
 *
 * Alarms: what one look of the keeper tells. */
#include "pool/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ALARM_MS 1000
#define SLOTS 3

/* A pool that nobody keeps, and what was told of it. */
struct stand {
    struct lend_pool pool;
    struct slot slots[SLOTS];
    struct borrower borrower; /* may wait */
    unsigned told[LEND_EVENT_OVERSUBSCRIBED + 1];
};

static void count_event(const struct lend_event *event, void *stand) {
    ((struct stand *)stand)->told[event->kind]++;
}

static void stand_init(struct stand *stand) {
    *stand =
        (struct stand){.pool = {.slots = stand->slots, .slot_count = SLOTS, .era = fork_era()}};
    stand->pool.options = (struct lend_pool_options){.hold_alarm_ms = ALARM_MS,
                                                     .stall_alarm_ms = ALARM_MS,
                                                     .sink = count_event,
                                                     .sink_context = stand};
    assert_int_equal(lend__lock_init(&stand->pool.lock), 0);
}

static void stand_deinit(struct stand *stand) {
    lend__lock_deinit(&stand->pool.lock);
}

static void lend_for(struct slot *slot, int64_t ms) {
    slot_tell(slot, gate_lend(slot), owner_make(OWNER_THREAD, 1, 1), NULL,
              lend__clock_now_ns() - ms * NS_PER_MS);
}

static void all_that_are_late_are_told_in_one_look_and_no_others(void **state) {
    (void)state;
    struct stand stand;
    stand_init(&stand);
    lend_for(&stand.slots[0], 2 * ALARM_MS);
    lend_for(&stand.slots[1], 0);
    lend_for(&stand.slots[2], 2 * ALARM_MS);
    lend__alarms_look(&stand.pool);
    assert_int_equal(stand.told[LEND_EVENT_HELD_LONG], 2);
    lend__alarms_look(&stand.pool);
    assert_int_equal(stand.told[LEND_EVENT_HELD_LONG], 2);
    stand_deinit(&stand);
}

static void a_stall_is_told_once_when_it_is_late_and_not_before(void **state) {
    (void)state;
    struct stand stand;
    stand_init(&stand);
    list_append(&stand.pool.locked.waiters, &stand.borrower.waiter.node);
    stand.pool.locked.progress_ns = lend__clock_now_ns();
    lend__alarms_look(&stand.pool);
    assert_int_equal(stand.told[LEND_EVENT_STALLED], 0);
    stand.pool.locked.progress_ns -= 2 * ALARM_MS * NS_PER_MS;
    for (int look = 0; look < 2; look++) {
        lend__alarms_look(&stand.pool);
        assert_int_equal(stand.told[LEND_EVENT_STALLED], 1);
    }
    stand.pool.locked.progress_ns++; /* and nothing since then: that is another one */
    lend__alarms_look(&stand.pool);
    assert_int_equal(stand.told[LEND_EVENT_STALLED], 2);
    list_remove(&stand.pool.locked.waiters, &stand.borrower.waiter.node);
    stand_deinit(&stand);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_are_late_are_told_in_one_look_and_no_others),
        cmocka_unit_test(a_stall_is_told_once_when_it_is_late_and_not_before),
    };
    return cmocka_run_group_tests_name("alarm", tests, NULL, NULL);
}
