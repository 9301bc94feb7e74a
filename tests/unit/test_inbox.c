/* SPDX-License-Identifier: MIT
 *
 * The inbox lets in as many as its limit says, keeps their order, and owes each sentry one wake. */
#include "exec/inbox.h"

#include "support/pace.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct letter {
    struct inbox_node node;
    uint32_t sender, number;
};

static bool enters(struct inbox *inbox) {
    uint64_t before;
    return inbox_enter(inbox, &before) == INBOX_ENTERED;
}

/* Whom it calls, or NULL. */
static void *push(struct inbox *inbox, struct letter *letter) {
    return inbox_push(inbox, &letter->node, letter->number);
}

static void no_more_enter_than_the_limit_says(void **state) {
    (void)state;
    struct inbox inbox;
    uint64_t before;
    inbox_init(&inbox, 2, /* shut= */ false);
    assert_int_equal(inbox_enter(&inbox, &before), INBOX_ENTERED);
    assert_int_equal(before, 0);
    assert_int_equal(inbox_enter(&inbox, &before), INBOX_ENTERED);
    assert_int_equal(before, 1);
    assert_int_equal(inbox_enter(&inbox, &before), INBOX_FULL);
    assert_false(inbox_enter_locked(&inbox));
    inbox_raise_limit(&inbox);
    assert_true(enters(&inbox));
    assert_int_equal(inbox_enter(&inbox, &before), INBOX_FULL);
    assert_int_equal(inbox_entered(&inbox), 3);
}

static void a_shut_gate_bars_all_but_the_holder_of_the_lock(void **state) {
    (void)state;
    struct inbox inbox;
    uint64_t before;
    inbox_init(&inbox, 2, /* shut= */ true);
    assert_int_equal(inbox_enter(&inbox, &before), INBOX_BARRED);
    assert_true(inbox_enter_locked(&inbox));
    inbox_set_gate(&inbox, false);
    assert_false(inbox_is_shut(&inbox));
    assert_true(enters(&inbox));
    assert_int_equal(inbox_entered(&inbox), 2);
}

static void jobs_come_out_in_the_order_in_which_they_were_pushed(void **state) {
    (void)state;
    struct inbox inbox;
    struct letter letters[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    inbox_init(&inbox, 3, /* shut= */ false);
    assert_null(inbox_take_all(&inbox));
    assert_false(inbox_has_jobs(&inbox));
    for (int i = 0; i < 3; i++)
        assert_null(push(&inbox, &letters[i]));
    assert_true(inbox_has_jobs(&inbox));
    struct inbox_node *node = inbox_take_all(&inbox);
    for (int i = 0; i < 3; i++, node = node->older)
        assert_ptr_equal(node, &letters[i].node);
    assert_null(node);
    assert_null(inbox_take_all(&inbox));
}

static void each_job_says_where_one_lies_that_was_pushed_a_few_before(void **state) {
    (void)state;
    struct inbox inbox;
    struct letter letters[3 * INBOX_AHEAD];
    inbox_init(&inbox, 3 * INBOX_AHEAD, /* shut= */ false);
    for (uint32_t i = 0; i < 3 * INBOX_AHEAD; i++) {
        letters[i].number = i;
        push(&inbox, &letters[i]);
        uint64_t ahead = i < INBOX_AHEAD ? 0 : (uint64_t)(uintptr_t)&letters[i - INBOX_AHEAD].node;
        assert_int_equal(letters[i].node.ahead, ahead);
    }
}

static void the_first_push_takes_the_mark_and_the_second_calls_nobody(void **state) {
    (void)state;
    struct inbox inbox;
    struct letter letters[2] = {{.number = 0}, {.number = 1}};
    uint64_t sentry;
    inbox_init(&inbox, 2, /* shut= */ false);
    assert_true(inbox_post(&inbox, &sentry));
    assert_null(inbox_take_all(&inbox)); /* looking leaves the mark */
    assert_ptr_equal(push(&inbox, &letters[0]), &sentry);
    assert_null(push(&inbox, &letters[1]));
    assert_false(inbox_recall(&inbox, &sentry));
    assert_false(inbox_post(&inbox, &sentry)); /* there is work to do */
    assert_ptr_equal(inbox_take_all(&inbox), &letters[0].node);
    assert_true(inbox_post(&inbox, &sentry));
    assert_true(inbox_recall(&inbox, &sentry));
    assert_null(push(&inbox, &letters[0]));
}

enum { SENDERS = 3, LETTERS = 3000 };

struct post {
    struct inbox inbox;
    uint32_t each; /* letters of a sender, at most LETTERS */
    struct letter letters[SENDERS][LETTERS];
    struct word called; /* times that a sender owed a wake */
    uint64_t sentry;
};

struct sender {
    struct post *post;
    uint32_t number;
    pthread_t thread;
};

static void *send_letters(void *argument) {
    struct sender *sender = argument;
    struct post *post = sender->post;
    for (uint32_t i = 0; i < post->each; i++) {
        struct letter *letter = &post->letters[sender->number][i];
        *letter = (struct letter){.sender = sender->number, .number = i};
        while (!enters(&post->inbox))
            sched_yield();
        if (push(&post->inbox, letter) != NULL)
            word_next(&post->called);
    }
    return NULL;
}

/* One thread plays the worker, and makes room for each letter that it has read. */
static void of_many_senders_nothing_is_lost_and_each_ones_order_is_kept(void **state) {
    (void)state;
    struct post *post = aligned_alloc(CACHE_LINE, sizeof *post);
    struct sender senders[SENDERS];
    uint32_t next[SENDERS] = {0}, read = 0, out_of_order = 0;
    uint64_t posted = 0, taken_back = 0;
    post->each = (uint32_t)rounds(LETTERS, 100);
    word_init(&post->called, 0);
    inbox_init(&post->inbox, 8, /* shut= */ false);
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.post = post, .number = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]), 0);
    }
    while (read < SENDERS * post->each) {
        posted += inbox_post(&post->inbox, &post->sentry);
        for (struct inbox_node *node = inbox_take_all(&post->inbox); node != NULL;) {
            struct letter *letter = (struct letter *)(void *)node;
            node = node->older;
            out_of_order += letter->number != next[letter->sender]++;
            inbox_raise_limit(&post->inbox);
            read++;
        }
        taken_back += inbox_recall(&post->inbox, &post->sentry);
    }
    for (uint32_t i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    assert_int_equal(out_of_order, 0);
    assert_int_equal(posted, taken_back + word_peek(&post->called));
    assert_int_equal(inbox_entered(&post->inbox), SENDERS * post->each);
    free(post);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_enter_than_the_limit_says),
        cmocka_unit_test(a_shut_gate_bars_all_but_the_holder_of_the_lock),
        cmocka_unit_test(jobs_come_out_in_the_order_in_which_they_were_pushed),
        cmocka_unit_test(each_job_says_where_one_lies_that_was_pushed_a_few_before),
        cmocka_unit_test(the_first_push_takes_the_mark_and_the_second_calls_nobody),
        cmocka_unit_test(of_many_senders_nothing_is_lost_and_each_ones_order_is_kept),
    };
    return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
