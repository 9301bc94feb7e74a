/* SPDX-License-Identifier: MIT
 *
 * The gate hands each slot to one taker at a time, and bars whoever comes while it is shut. */
#include "pool/gate.h"

#include "support/pace.h"

#include <lend/pool.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct slot free_slot(void) {
    struct slot slot = {0};
    gate_become(&slot, SLOT_FREE);
    gate_open(&slot);
    return slot;
}

static void a_free_slot_is_taken_once(void **state) {
    (void)state;
    struct slot slot = free_slot();
    assert_int_equal(gate_take(&slot), 1);
    assert_int_equal(gate_take(&slot), 0);
    assert_true(slot_is_lent(&slot, 1));
}

static void each_taking_has_a_generation_of_its_own(void **state) {
    (void)state;
    struct slot slot = free_slot();
    for (uint64_t generation = 1; generation <= 1000; generation++) {
        assert_int_equal(gate_take(&slot), generation);
        assert_true(gate_put(&slot, generation));
        assert_false(slot_is_lent(&slot, generation));
    }
}

static void a_slot_in_any_other_state_is_not_taken(void **state) {
    (void)state;
    const enum slot_state others[] = {SLOT_ABSENT, SLOT_LENT, SLOT_RETIRING, SLOT_LOADING,
                                      SLOT_LOST};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct slot slot = {0};
        gate_become(&slot, others[i]);
        assert_int_equal(gate_take(&slot), 0);
        gate_open(&slot);
        assert_int_equal(gate_take(&slot), 0);
        assert_int_equal(slot_state(&slot), others[i]);
    }
}

static void shutting_says_whether_the_slot_was_free(void **state) {
    (void)state;
    struct slot slot = free_slot();
    assert_int_equal(gate_shut(&slot), SLOT_FREE);
    gate_open(&slot);
    assert_int_equal(gate_take(&slot), 1);
    assert_int_equal(gate_shut(&slot), SLOT_LENT);
}

static void a_shut_slot_is_neither_taken_nor_put_back(void **state) {
    (void)state;
    struct slot slot = free_slot();
    gate_shut(&slot);
    assert_int_equal(gate_take(&slot), 0);
    gate_open(&slot);
    assert_int_equal(gate_take(&slot), 1);
    gate_shut(&slot);
    assert_false(gate_put(&slot, 1));
    assert_true(slot_is_lent(&slot, 1));
}

static void the_holder_of_the_lock_lends_a_shut_slot(void **state) {
    (void)state;
    struct slot slot = free_slot();
    gate_shut(&slot);
    assert_int_equal(gate_lend(&slot), 1);
    assert_true(slot_is_lent(&slot, 1));
    assert_false(gate_put(&slot, 1));
    gate_become(&slot, SLOT_FREE);
    gate_open(&slot);
    assert_int_equal(gate_take(&slot), 2);
}

static void a_holder_is_unknown_until_he_has_said_so(void **state) {
    (void)state;
    struct slot slot = free_slot();
    struct slot_holder holder = {0};
    assert_false(slot_holder(&slot, &holder));
    uint64_t generation = gate_take(&slot);
    assert_false(slot_holder(&slot, &holder));
    slot_tell(&slot, generation, owner_make(OWNER_THREAD, 7, 1), NULL, 123);
    assert_true(slot_holder(&slot, &holder));
    assert_int_equal(owner_tid(holder.owner), 7);
    assert_int_equal(holder.since_ns, 123);
    gate_shut(&slot);
    assert_true(slot_holder(&slot, &holder));
    gate_become(&slot, SLOT_RETIRING);
    assert_false(slot_holder(&slot, &holder));
}

/* two threads that take and put, one that shuts and opens */

struct crowd {
    struct slot slot;
    int times; /* that each takes it */
    pthread_mutex_t lock;
    uint64_t inside; /* plain: ThreadSanitizer sees two owners at once */
    struct word barred;
};

static void put_under_lock(struct crowd *crowd) {
    word_next(&crowd->barred);
    pthread_mutex_lock(&crowd->lock);
    gate_become(&crowd->slot, SLOT_FREE);
    gate_open(&crowd->slot);
    pthread_mutex_unlock(&crowd->lock);
}

static void *take_and_put(void *argument) {
    struct crowd *crowd = argument;
    for (int taken = 0; taken < crowd->times;) {
        uint64_t generation = gate_take(&crowd->slot);
        if (generation == 0)
            continue;
        taken++;
        crowd->inside++;
        if (!gate_put(&crowd->slot, generation))
            put_under_lock(crowd);
    }
    return NULL;
}

static void *shut_and_open(void *argument) {
    struct crowd *crowd = argument;
    for (int i = 0; i < crowd->times / 10; i++) {
        pthread_mutex_lock(&crowd->lock);
        if (gate_shut(&crowd->slot) == SLOT_FREE)
            gate_open(&crowd->slot);
        pthread_mutex_unlock(&crowd->lock);
    }
    return NULL;
}

static void nobody_is_inside_with_another_while_it_is_shut_and_opened(void **state) {
    (void)state;
    struct crowd crowd = {
        .slot = free_slot(), .times = rounds(200000, 2000), .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, take_and_put, &crowd);
    pthread_create(&threads[1], NULL, take_and_put, &crowd);
    pthread_create(&threads[2], NULL, shut_and_open, &crowd);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.inside, 2 * crowd.times);
    assert_int_equal(life_generation(word_read(&crowd.slot.life)), 2 * crowd.times);
    assert_int_equal(slot_state(&crowd.slot), SLOT_FREE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_slot_is_taken_once),
        cmocka_unit_test(each_taking_has_a_generation_of_its_own),
        cmocka_unit_test(a_slot_in_any_other_state_is_not_taken),
        cmocka_unit_test(shutting_says_whether_the_slot_was_free),
        cmocka_unit_test(a_shut_slot_is_neither_taken_nor_put_back),
        cmocka_unit_test(the_holder_of_the_lock_lends_a_shut_slot),
        cmocka_unit_test(a_holder_is_unknown_until_he_has_said_so),
        cmocka_unit_test(nobody_is_inside_with_another_while_it_is_shut_and_opened),
    };
    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
