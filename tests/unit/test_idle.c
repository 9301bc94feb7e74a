/* SPDX-License-Identifier: MIT
 *
 * The idle stack hands each slot to one taker at a time, and its gate bars whoever heeds it. */
#include "pool/idle.h"

#include <lend/pool.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SLOTS 4

struct stack {
    struct word idle;
    struct slot slots[SLOTS];
};

static void stack_init(struct stack *stack, uint32_t count) {
    *stack = (struct stack){0};
    word_init(&stack->idle, IDLE_NONE);
    for (uint32_t i = count; i-- > 0;)
        assert_true(idle_put(&stack->idle, stack->slots, i, IDLE_AS_ANYONE));
}

static uint32_t take(struct stack *stack, enum idle_pass pass) {
    return idle_take(&stack->idle, stack->slots, pass);
}

static bool put(struct stack *stack, uint32_t index, enum idle_pass pass) {
    return idle_put(&stack->idle, stack->slots, index, pass);
}

static uint32_t count(const struct stack *stack) {
    return idle_count(&stack->idle, stack->slots);
}

static void an_empty_stack_gives_nothing(void **state) {
    (void)state;
    struct stack stack;
    stack_init(&stack, 0);
    assert_int_equal(count(&stack), 0);
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), IDLE_NONE);
    assert_int_equal(take(&stack, IDLE_UNDER_LOCK), IDLE_NONE);
}

static void the_slot_that_was_put_last_is_taken_first(void **state) {
    (void)state;
    struct stack stack;
    stack_init(&stack, SLOTS);
    assert_int_equal(count(&stack), SLOTS);
    for (uint32_t i = 0; i < SLOTS; i++)
        assert_int_equal(take(&stack, IDLE_AS_ANYONE), i);
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), IDLE_NONE);
    put(&stack, 2, IDLE_AS_ANYONE);
    put(&stack, 0, IDLE_AS_ANYONE);
    assert_int_equal(count(&stack), 2);
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), 0);
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), 2);
}

static void a_shut_gate_bars_anyone(void **state) {
    (void)state;
    struct stack stack;
    stack_init(&stack, SLOTS);
    idle_set_gate(&stack.idle, true);
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), IDLE_NONE);
    assert_int_equal(count(&stack), SLOTS);
    assert_int_equal(take(&stack, IDLE_UNDER_LOCK), 0);
    assert_false(put(&stack, 0, IDLE_AS_ANYONE));
    assert_int_equal(count(&stack), SLOTS - 1);
    assert_true(put(&stack, 0, IDLE_UNDER_LOCK));
    assert_int_equal(count(&stack), SLOTS);
}

static void a_gate_that_opens_again_lets_everybody_pass(void **state) {
    (void)state;
    struct stack stack;
    stack_init(&stack, 1);
    idle_set_gate(&stack.idle, true);
    idle_set_gate(&stack.idle, true);
    idle_set_gate(&stack.idle, false);
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), 0);
    assert_true(put(&stack, 0, IDLE_AS_ANYONE));
}

static void taking_under_the_lock_leaves_the_gate_as_it_is(void **state) {
    (void)state;
    struct stack stack;
    stack_init(&stack, 1);
    idle_set_gate(&stack.idle, true);
    assert_int_equal(take(&stack, IDLE_UNDER_LOCK), 0);
    assert_false(put(&stack, 0, IDLE_AS_ANYONE));
    assert_true(put(&stack, 0, IDLE_UNDER_LOCK));
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), IDLE_NONE);
}

/* What makes a swap fail that was begun before a top went and came back. */
static void a_top_that_came_back_is_told_from_one_that_stayed(void **state) {
    (void)state;
    struct stack stack;
    stack_init(&stack, SLOTS);
    uint64_t before = word_peek(&stack.idle);
    take(&stack, IDLE_AS_ANYONE);
    put(&stack, 0, IDLE_AS_ANYONE);
    uint64_t after = word_peek(&stack.idle);
    assert_int_equal(idle_top(after), idle_top(before));
    assert_true(after != before);
}

static void setting_the_gate_as_it_is_changes_nothing(void **state) {
    (void)state;
    struct stack stack;
    stack_init(&stack, 1);
    uint64_t before = word_peek(&stack.idle);
    idle_set_gate(&stack.idle, false);
    assert_true(word_peek(&stack.idle) == before);
}

static void the_tag_wraps_without_touching_gate_and_top(void **state) {
    (void)state;
    struct stack stack;
    stack_init(&stack, 1);
    uint64_t last_tag = UINT64_MAX >> IDLE_TAG_SHIFT;
    word_poke(&stack.idle, last_tag << IDLE_TAG_SHIFT | IDLE_SHUT | 0);
    idle_set_gate(&stack.idle, false);
    assert_true(word_peek(&stack.idle) == 0);
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), 0);
    assert_int_equal(take(&stack, IDLE_AS_ANYONE), IDLE_NONE);
}

static void the_largest_pool_fits(void **state) {
    (void)state;
    assert_true(LEND_MODELS_MAX <= IDLE_NONE);
    struct slot *slots = lend__memory_new_aligned(CACHE_LINE, LEND_MODELS_MAX * sizeof *slots);
    assert_non_null(slots);
    struct word idle;
    word_init(&idle, IDLE_NONE);
    for (uint32_t i = 0; i < LEND_MODELS_MAX; i++)
        idle_put(&idle, slots, i, IDLE_AS_ANYONE);
    uint32_t full = idle_count(&idle, slots);
    uint32_t top = idle_take(&idle, slots, IDLE_AS_ANYONE);
    lend__memory_free(slots);
    assert_int_equal(full, LEND_MODELS_MAX);
    assert_int_equal(top, LEND_MODELS_MAX - 1);
}

/* Threads that take and put as fast as they can; `taken` is plain where the taker alone may be. */
struct crowd {
    struct stack stack;
    unsigned taken[SLOTS];
    struct word in_use[SLOTS];
    struct word shared; /* times that a slot was taken twice at once */
};

#define CROWD_THREADS 3
#define CROWD_ROUNDS 20000

static void *take_and_put(void *argument) {
    struct crowd *crowd = argument;
    uintptr_t served = 0;
    for (unsigned round = 0; round < CROWD_ROUNDS; round++) {
        uint32_t slot = take(&crowd->stack, IDLE_AS_ANYONE);
        if (slot == IDLE_NONE)
            continue;
        if (word_next(&crowd->in_use[slot]) != 1)
            word_next(&crowd->shared);
        crowd->taken[slot]++;
        served++;
        word_poke(&crowd->in_use[slot], 0);
        put(&crowd->stack, slot, IDLE_AS_ANYONE);
    }
    return (void *)served;
}

static void a_slot_has_one_taker_at_a_time(void **state) {
    (void)state;
    static struct crowd crowd;
    stack_init(&crowd.stack, SLOTS - 2);
    pthread_t threads[CROWD_THREADS];
    for (unsigned i = 0; i < CROWD_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_put, &crowd), 0);
    uintptr_t served = 0;
    for (unsigned i = 0; i < CROWD_THREADS; i++) {
        void *share;
        assert_int_equal(pthread_join(threads[i], &share), 0);
        served += (uintptr_t)share;
    }
    uintptr_t taken = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        taken += crowd.taken[i];
    assert_int_equal(word_peek(&crowd.shared), 0);
    assert_int_equal(taken, served);
    assert_int_equal(count(&crowd.stack), SLOTS - 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_stack_gives_nothing),
        cmocka_unit_test(the_slot_that_was_put_last_is_taken_first),
        cmocka_unit_test(a_shut_gate_bars_anyone),
        cmocka_unit_test(a_gate_that_opens_again_lets_everybody_pass),
        cmocka_unit_test(taking_under_the_lock_leaves_the_gate_as_it_is),
        cmocka_unit_test(a_top_that_came_back_is_told_from_one_that_stayed),
        cmocka_unit_test(setting_the_gate_as_it_is_changes_nothing),
        cmocka_unit_test(the_tag_wraps_without_touching_gate_and_top),
        cmocka_unit_test(the_largest_pool_fits),
        cmocka_unit_test(a_slot_has_one_taker_at_a_time),
    };
    return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
