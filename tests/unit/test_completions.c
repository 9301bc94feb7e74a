/* SPDX-License-Identifier: MIT
 *
 * A queue that is closed while a withdrawn answer is still on its way out stays for that one. */
#include "pool/completions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void withdraw(lend_completions *queue, struct answer *answer) {
    bool ready;
    *answer = (struct answer){.queue = queue};
    lend__answer_expect(answer);
    lend__lock_acquire(&queue->lock);
    assert_int_equal(lend__answer_withdraw(answer, &ready), 0);
    assert_false(ready);
    assert_false(lend__answer_post(answer)); /* who has it finds it so */
    lend__lock_release(&queue->lock);
}

/* That it is freed at last, and once, is seen by a sanitizer. */
static void the_last_withdrawn_answer_takes_a_closed_queue_with_it(void **state) {
    (void)state;
    lend_completions *queue;
    struct answer first, second;
    assert_int_equal(lend_completions_open(&queue), 0);
    withdraw(queue, &first);
    withdraw(queue, &second);
    assert_int_equal(lend_completions_close(queue), 0);
    lend__completions_let_go(queue);
    assert_int_equal(queue->locked.leaving, 1); /* there is still one */
    lend__completions_let_go(queue);
}

static void an_open_queue_outlives_the_answers_that_leave_it(void **state) {
    (void)state;
    lend_completions *queue;
    struct answer answer;
    assert_int_equal(lend_completions_open(&queue), 0);
    withdraw(queue, &answer);
    lend__completions_let_go(queue);
    assert_int_equal(lend_completions_close(queue), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_withdrawn_answer_takes_a_closed_queue_with_it),
        cmocka_unit_test(an_open_queue_outlives_the_answers_that_leave_it),
    };
    return cmocka_run_group_tests_name("completions", tests, NULL, NULL);
}
