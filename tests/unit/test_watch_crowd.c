/* SPDX-License-Identifier: MIT
 *
 * The watch in a crowd: everybody is found, and none is left out, however many wait. */
#include "base/memory.h"
#include "pool/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { CROWD = 2000 }; /* several times as many as the watch has chains */

/* Somebody who waits for what one other has. */
struct waiting {
    struct wait wait;
    struct tie holder;
    bool ends;    /* it does without him */
    bool refused; /* and so it ends */
};

static bool may_end(struct wait *wait, struct walk *walk) {
    const struct waiting *self = (const struct waiting *)(const void *)wait;
    return self->ends || self->refused || lend__watch_meets(walk, wait, self->holder);
}

static void refuse(struct wait *wait, struct list *woken) {
    struct waiting *self = (struct waiting *)(void *)wait;
    (void)woken;
    self->refused = true;
}

static void name(const struct wait *wait, char *buffer, size_t size) {
    (void)wait;
    snprintf(buffer, size, "something");
}

static struct waiting waiting_for(owner_word owner, struct tie holder) {
    static const struct wait_ops ops = {.may_end = may_end, .refuse = refuse, .name = name};
    return (struct waiting){.wait = {.ops = &ops, .deadline = LEND_FOREVER, .owner = owner},
                            .holder = holder};
}

/* Each task is on a thread of its own, which does not wait. */
static struct waiting task_waiting_for(uint64_t task, uint64_t holder) {
    return waiting_for(owner_make(OWNER_TASK, (uint32_t)task, task),
                       (struct tie){.tid = (uint32_t)holder, .task = holder, .slot = 0});
}

static struct waiting crowd[CROWD];

static void show_crowd(int from, int to) {
    for (int i = from; i < to; i++) {
        crowd[i] = task_waiting_for((uint64_t)i + 10, 1);
        crowd[i].ends = true;
        lend__watch_show(&crowd[i].wait);
    }
}

static void hide_crowd(void) {
    for (int i = 0; i < CROWD; i++)
        lend__watch_hide(&crowd[i].wait);
}

static void a_ring_is_found_in_a_crowd(void **state) {
    (void)state;
    struct waiting one = task_waiting_for(1, 2), other = task_waiting_for(2, 1);
    one.ends = true; /* until all are there */
    show_crowd(0, CROWD / 2);
    lend__watch_show(&one.wait);
    show_crowd(CROWD / 2, CROWD);
    one.ends = false;
    lend__watch_show(&other.wait);
    assert_true(other.refused);
    assert_false(one.refused);
    lend__watch_hide(&one.wait);
    lend__watch_hide(&other.wait);
    lend__memory_free(other.wait.steps);
    hide_crowd();
}

static void a_task_that_waits_twice_is_found_out_in_a_crowd(void **state) {
    (void)state;
    struct waiting first = task_waiting_for(1, 2), second = task_waiting_for(1, 2),
                   asker = task_waiting_for(2, 1);
    first.ends = second.ends = true;
    lend__watch_show(&first.wait);
    show_crowd(0, CROWD);
    lend__watch_show(&second.wait);
    first.ends = second.ends = false;
    lend__watch_show(&asker.wait);
    assert_false(asker.refused);
    lend__watch_hide(&asker.wait);
    lend__watch_hide(&second.wait);
    hide_crowd();
    lend__watch_hide(&first.wait);
}

static void a_review_looks_at_all(void **state) {
    (void)state;
    for (int i = 0; i < CROWD; i++) {
        uint32_t tid = (uint32_t)i + 1;
        crowd[i] = waiting_for(owner_make(OWNER_THREAD, tid, tid), (struct tie){.tid = tid});
        crowd[i].ends = true;
        lend__watch_show(&crowd[i].wait);
    }
    for (int i = 0; i < CROWD; i++)
        crowd[i].ends = false; /* what it waited for is gone, but for what it holds itself */
    lend__watch_review();
    for (int i = 0; i < CROWD; i++) {
        assert_true(crowd[i].refused);
        lend__memory_free(crowd[i].wait.steps);
    }
    hide_crowd();
}

static void the_child_of_a_fork_begins_with_nobody(void **state) {
    (void)state;
    for (uint64_t task = 1; task <= CROWD; task++)
        lend__watch_task_holds(task, 1);
    lend__watch_lock();
    lend__watch_clear();
    lend__watch_unlock();
    for (uint64_t task = 1; task <= CROWD; task++)
        assert_false(lend__watch_task_may_be_awaited(task));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_is_found_in_a_crowd),
        cmocka_unit_test(a_task_that_waits_twice_is_found_out_in_a_crowd),
        cmocka_unit_test(a_review_looks_at_all),
        cmocka_unit_test(the_child_of_a_fork_begins_with_nobody),
    };
    return cmocka_run_group_tests_name("watch_crowd", tests, NULL, NULL);
}
