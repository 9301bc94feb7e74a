/* SPDX-License-Identifier: MIT
 *
 * Menders: when another one comes, and who goes when one that was stuck returns. Work is made late
 * by setting back when it began, so that the only time which passes is the pause before a thread is
 * started. */
#include "pool/mender.h"

#include "base/clock.h"
#include "pool/keeper.h"
#include "pool/state.h"

#include <lend/lease.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MODELS 3
#define LOADS_MAX 8
#define HOUR_MS 3600000
#define PAUSE_MIN_NS (75 * NS_PER_MS) /* lend__pause_ns(1), which is 100 ms or a quarter off */
#define PAUSE_MAX_NS (125 * NS_PER_MS)

/* How the threads of a test wait for each other; a test that would hang fails instead. */
static bool came(struct parker *parker) {
    return lend__parker_sleep(parker, lend_within_ms(30000));
}

/* The linker has calls of pthread_... come here. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *argument);
int __real_pthread_join(pthread_t thread, void **ret_result);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *argument);
int __wrap_pthread_join(pthread_t thread, void **ret_result);

static struct word threads_refused; /* so many more threads cannot be started */
static struct word refused_ns;      /* when the last one could not */
static struct parker parted;        /* a thread was joined */
static struct word joined;          /* so many were */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *argument) {
    if (word_read(&threads_refused) == 0)
        return __real_pthread_create(thread, attributes, main, argument);
    word_publish(&refused_ns, (uint64_t)lend__clock_now_ns());
    word_add(&threads_refused, -1);
    return EAGAIN;
}

int __wrap_pthread_join(pthread_t thread, void **ret_result) {
    int error = __real_pthread_join(thread, ret_result);
    word_next(&joined);
    lend__parker_wake(&parted);
    return error;
}

/* One load, by its number: from MODELS on they are held. */
struct load {
    struct parker begun, go;
    int error;
};

struct infirmary {
    lend_pool *pool;
    struct word holds_unload; /* the next one is held */
    struct load unload;
    struct word loads;
    struct load load[LOADS_MAX];
    struct parker stuck, replaced; /* an event came */
    int models[LOADS_MAX];
};

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    struct infirmary *infirmary = context;
    uint64_t number = word_next(&infirmary->loads) - 1;
    (void)reason;
    *ret_model = &infirmary->models[number];
    if (number < MODELS)
        return 0;
    lend__parker_wake(&infirmary->load[number].begun);
    return came(&infirmary->load[number].go) ? infirmary->load[number].error : EINVAL;
}

static void unload(void *model, void *context) {
    struct infirmary *infirmary = context;
    uint64_t one = 1;
    (void)model;
    if (!word_swap(&infirmary->holds_unload, &one, 0))
        return;
    lend__parker_wake(&infirmary->unload.begun);
    came(&infirmary->unload.go);
}

static void tell(const struct lend_event *event, void *context) {
    struct infirmary *infirmary = context;
    if (event->kind == LEND_EVENT_LOAD_STUCK)
        lend__parker_wake(&infirmary->stuck);
    else if (event->kind == LEND_EVENT_MODEL_REPLACED)
        lend__parker_wake(&infirmary->replaced);
}

/* Only the lateness of a load is to get the keeper up. */
static void infirmary_open(struct infirmary *infirmary, int64_t load_alarm_ms) {
    *infirmary = (struct infirmary){0};
    const struct lend_model_ops ops = {.size = sizeof ops, .load = load, .unload = unload};
    assert_int_equal(
        lend_pool_open(&infirmary->pool,
                       &LEND_POOL_OPTIONS(.ops = &ops, .ops_context = infirmary, .models = MODELS,
                                          .hold_alarm_ms = -1, .stall_alarm_ms = -1, .sink = tell,
                                          .load_alarm_ms = load_alarm_ms,
                                          .sink_context = infirmary)),
        0);
}

static void infirmary_close(struct infirmary *infirmary) {
    assert_int_equal(lend_pool_close(infirmary->pool, lend_within_ms(30000), NULL), 0);
}

static uint32_t break_model(struct infirmary *infirmary) {
    struct lend_lease lease = lend_acquire(infirmary->pool, LEND_NOW);
    assert_int_equal(lend_lease_error(&lease), 0);
    uint32_t slot = lease.slot;
    lend_release_broken(&lease, "");
    return slot;
}

/* Break one, and wait until the load that this leads to has begun. Returns the slot. */
static uint32_t break_and_load(struct infirmary *infirmary, unsigned number) {
    uint32_t slot = break_model(infirmary);
    assert_true(came(&infirmary->load[number].begun));
    return slot;
}

static void let_go(struct infirmary *infirmary, unsigned number) {
    lend__parker_wake(&infirmary->load[number].go);
}

static void get_stuck(struct infirmary *infirmary, uint32_t slot) {
    lend_pool *pool = infirmary->pool;
    lend__lock_acquire(&pool->lock);
    pool->slots[slot].work_since_ns -= HOUR_MS * NS_PER_MS;
    lend__lock_release(&pool->lock);
    lend__parker_wake(&pool->keeper_parker);
    assert_true(came(&infirmary->stuck));
}

static bool is_stuck(lend_pool *pool, uint32_t slot) {
    lend__lock_acquire(&pool->lock);
    bool stuck = pool->slots[slot].stuck;
    lend__lock_release(&pool->lock);
    return stuck;
}

/* How many menders there are that are not about to leave. */
static unsigned count_menders(lend_pool *pool) {
    unsigned count = 0;
    lend__lock_acquire(&pool->lock);
    const struct list_node *node = pool->locked.menders.first;
    for (; node != NULL; node = node->next) {
        const struct mender *mender = list_entry(node, struct mender, node);
        count += mender->state == MENDER_IDLE || mender->state == MENDER_BUSY;
    }
    lend__lock_release(&pool->lock);
    return count;
}

static void work_that_is_late_is_noticed_when_it_is(void **state) {
    (void)state;
    struct infirmary infirmary;
    infirmary_open(&infirmary, /* load_alarm_ms= */ 5);
    break_and_load(&infirmary, MODELS);
    assert_true(came(&infirmary.stuck));
    let_go(&infirmary, MODELS);
    assert_true(came(&infirmary.replaced));
    infirmary_close(&infirmary);
}

static void another_comes_after_a_pause_and_the_late_one_leaves_if_that_works(void **state) {
    (void)state;
    struct infirmary infirmary;
    infirmary_open(&infirmary, HOUR_MS);
    uint32_t slot = break_and_load(&infirmary, MODELS);
    int64_t began_ns = lend__clock_now_ns();
    get_stuck(&infirmary, slot);
    assert_int_equal(count_menders(infirmary.pool), 1); /* the keeper has looked several times */
    break_and_load(&infirmary, MODELS + 1);
    assert_true(lend__clock_now_ns() - began_ns >= PAUSE_MIN_NS);
    assert_int_equal(count_menders(infirmary.pool), 2);
    lend__parker_sleep(&parted, LEND_NOW); /* from a test before */
    let_go(&infirmary, MODELS);
    assert_true(came(&infirmary.replaced));
    assert_int_equal(count_menders(infirmary.pool), 1);
    assert_true(came(&parted));
    let_go(&infirmary, MODELS + 1);
    assert_true(came(&infirmary.replaced));
    assert_int_equal(count_menders(infirmary.pool), 1);
    infirmary_close(&infirmary);
}

static void a_late_one_stays_if_the_others_are_stuck(void **state) {
    (void)state;
    struct infirmary infirmary;
    infirmary_open(&infirmary, HOUR_MS);
    get_stuck(&infirmary, break_and_load(&infirmary, MODELS));
    get_stuck(&infirmary, break_and_load(&infirmary, MODELS + 1));
    let_go(&infirmary, MODELS);
    assert_true(came(&infirmary.replaced));
    assert_int_equal(count_menders(infirmary.pool), 2);
    break_and_load(&infirmary, MODELS + 2); /* by him, as a third would have to be hired */
    assert_int_equal(count_menders(infirmary.pool), 2);
    let_go(&infirmary, MODELS + 2);
    assert_true(came(&infirmary.replaced));
    lend__parker_sleep(&parted, LEND_NOW); /* from a test before */
    let_go(&infirmary, MODELS + 1);
    assert_true(came(&infirmary.replaced));
    assert_int_equal(count_menders(infirmary.pool), 1);
    assert_true(came(&parted));
    infirmary_close(&infirmary);
}

/* One whose unload came back late goes on with its load, while the other one is at work. */
static void of_two_that_are_late_at_once_each_is_given_up(void **state) {
    (void)state;
    struct infirmary infirmary;
    infirmary_open(&infirmary, HOUR_MS);
    lend_pool *pool = infirmary.pool;
    word_publish(&infirmary.holds_unload, 1);
    uint32_t slots[2] = {break_model(&infirmary)};
    assert_true(came(&infirmary.unload.begun));
    get_stuck(&infirmary, slots[0]);
    slots[1] = break_and_load(&infirmary, MODELS);
    lend__parker_wake(&infirmary.unload.go);
    assert_true(came(&infirmary.load[MODELS + 1].begun));
    lend__lock_acquire(&pool->lock);
    for (int i = 0; i < 2; i++)
        pool->slots[slots[i]].work_since_ns -= HOUR_MS * NS_PER_MS;
    lend__lock_release(&pool->lock);
    lend__parker_wake(&pool->keeper_parker);
    while (!is_stuck(pool, slots[0]) || !is_stuck(pool, slots[1]))
        assert_true(came(&infirmary.stuck));
    for (unsigned i = 0; i < 2; i++) {
        let_go(&infirmary, MODELS + i);
        assert_true(came(&infirmary.replaced));
    }
    infirmary_close(&infirmary);
}

static void a_thread_that_cannot_be_had_is_asked_for_again_after_a_pause(void **state) {
    (void)state;
    struct infirmary infirmary;
    infirmary_open(&infirmary, HOUR_MS);
    uint32_t slot = break_and_load(&infirmary, MODELS);
    word_publish(&threads_refused, 1);
    get_stuck(&infirmary, slot);
    break_and_load(&infirmary, MODELS + 1);
    assert_int_equal(word_read(&threads_refused), 0);
    assert_true(lend__clock_now_ns() - (int64_t)word_read(&refused_ns) >= PAUSE_MIN_NS);
    let_go(&infirmary, MODELS);
    let_go(&infirmary, MODELS + 1);
    infirmary_close(&infirmary);
}

/* While the one mender works on the second slot, nothing is done for the first one. */
static void a_load_that_works_has_the_lost_ones_tried_again_before_long(void **state) {
    (void)state;
    struct infirmary infirmary;
    infirmary_open(&infirmary, HOUR_MS);
    struct slot *lost = &infirmary.pool->slots[break_and_load(&infirmary, MODELS)];
    break_model(&infirmary);
    infirmary.load[MODELS].error = EIO;
    let_go(&infirmary, MODELS);
    assert_true(came(&infirmary.load[MODELS + 1].begun));
    lend__lock_acquire(&infirmary.pool->lock);
    assert_int_equal(slot_state(lost), SLOT_LOST);
    lost->failures = 20;
    lost->retry_at_ns += HOUR_MS * NS_PER_MS;
    lend__lock_release(&infirmary.pool->lock);
    let_go(&infirmary, MODELS + 1);
    assert_true(came(&infirmary.replaced));
    lend__lock_acquire(&infirmary.pool->lock);
    assert_int_equal(lost->failures, 1);
    assert_true(lost->retry_at_ns <= lend__clock_now_ns() + PAUSE_MAX_NS);
    lend__lock_release(&infirmary.pool->lock);
    assert_true(came(&infirmary.load[MODELS + 2].begun));
    let_go(&infirmary, MODELS + 2);
    assert_true(came(&infirmary.replaced));
    infirmary_close(&infirmary);
}

static void a_close_ends_the_keeper_and_its_menders(void **state) {
    (void)state;
    struct infirmary infirmary;
    infirmary_open(&infirmary, HOUR_MS);
    uint64_t before = word_read(&joined); /* those that loaded are among them */
    infirmary_close(&infirmary);
    assert_int_equal(word_read(&joined) - before, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_that_is_late_is_noticed_when_it_is),
        cmocka_unit_test(another_comes_after_a_pause_and_the_late_one_leaves_if_that_works),
        cmocka_unit_test(a_late_one_stays_if_the_others_are_stuck),
        cmocka_unit_test(of_two_that_are_late_at_once_each_is_given_up),
        cmocka_unit_test(a_thread_that_cannot_be_had_is_asked_for_again_after_a_pause),
        cmocka_unit_test(a_close_ends_the_keeper_and_its_menders),
        cmocka_unit_test(a_load_that_works_has_the_lost_ones_tried_again_before_long),
    };
    return cmocka_run_group_tests_name("mender", tests, NULL, NULL);
}
