/* SPDX-License-Identifier: MIT
 *
 * Continuations: a future's decision, posted to a completion queue. In the future's line it is a
 * waiter like any other, for whom no thread sleeps. It keeps the future until it has been told. */
#include "base/memory.h"
#include "exec/state.h"
#include "pool/completions.h"

struct continuation {
    struct waiter waiter;
    struct answer answer;
    lend_future *future;
    lend_decided *callback;
    void *argument;
};

/* One more keeper, false if there is none any more. */
static bool keep(struct lend_future *future) {
    uint64_t keepers = word_read(&future->keepers);
    do
        if (keepers == 0)
            return false;
    while (!word_swap(&future->keepers, &keepers, keepers + 1));
    return true;
}

void lend__future_forget(struct lend_future *future) {
    uint64_t keepers = word_read(&future->keepers);
    while (!word_swap(&future->keepers, &keepers, keepers - 1))
        ;
    if (keepers == 1)
        lend__task_drop(task_of_future(future));
}

/* By who decided the future; no lock is held. */
static void tell(struct waiter *waiter, struct list *woken) {
    (void)woken;
    struct continuation *continuation = list_entry(waiter, struct continuation, waiter);
    lend_completions *queue = continuation->answer.queue;
    lend__lock_acquire(&queue->lock);
    lend__answer_post(&continuation->answer);
    lend__lock_release(&queue->lock);
}

static void call(struct answer *answer) {
    struct continuation *continuation = list_entry(answer, struct continuation, answer);
    continuation->callback(continuation->future, continuation->argument);
}

static void finish(struct answer *answer) {
    struct continuation *continuation = list_entry(answer, struct continuation, answer);
    if (!executor_is_foreign(task_of_future(continuation->future)->executor))
        lend__future_forget(continuation->future);
    lend__memory_free(continuation);
}

/* Into the line, or past it. */
static void stand(struct task *task, struct waiter *waiter) {
    struct list woken = {0};
    lend__lock_acquire(&task->executor->lock);
    list_append(&task->future.waiters, &waiter->node);
    if (task_is_decided(task))
        waiter_decide(waiter, VERDICT_GRANTED, &task->future.waiters, &woken);
    lend__lock_release(&task->executor->lock);
    lend__waiters_wake(&woken);
}

int lend_future_then(lend_future *future, lend_completions *queue, lend_decided *callback,
                     void *argument) {
    if (future == NULL || queue == NULL || callback == NULL)
        return EINVAL;
    struct task *task = task_of_future(future);
    if (executor_is_foreign(task->executor) || lend__completions_are_foreign(queue))
        return EOWNERDEAD;
    struct continuation *continuation = lend__memory_new(sizeof *continuation);
    if (continuation == NULL)
        return ENOMEM;
    if (!keep(future)) {
        lend__memory_free(continuation);
        return ESTALE;
    }
    waiter_init_told(&continuation->waiter, tell);
    continuation->answer = (struct answer){.queue = queue, .call = call, .finish = finish};
    continuation->future = future;
    continuation->callback = callback;
    continuation->argument = argument;
    lend__answer_expect(&continuation->answer);
    stand(task, &continuation->waiter);
    return 0;
}
