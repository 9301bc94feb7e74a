/* SPDX-License-Identifier: MIT
 *
 * Completion queues. */
#include "pool/completions.h"

#include "base/memory.h"
#include "pool/registry.h"
#include "sync/fork.h"
#include "sync/thread.h"

bool lend__completions_are_foreign(const lend_completions *queue) {
    return queue->era != fork_era();
}

int lend_completions_open(lend_completions **ret_queue) {
    if (ret_queue == NULL)
        return EINVAL;
    if (lend__registry_prepare() != 0)
        return ENOMEM;
    lend_completions *queue = lend__memory_new(sizeof *queue);
    if (queue == NULL)
        return ENOMEM;
    queue->era = fork_era();
    int error = lend__lock_init(&queue->lock);
    if (error == 0) {
        error = lend__bell_init(&queue->bell);
        if (error != 0)
            lend__lock_deinit(&queue->lock);
    }
    if (error != 0)
        lend__memory_free(queue);
    else
        *ret_queue = queue;
    return error;
}

static void free_queue(lend_completions *queue) {
    lend__bell_deinit(&queue->bell);
    lend__lock_deinit(&queue->lock);
    lend__memory_free(queue);
}

/* Under the lock. */
static int refusal_to_close(const lend_completions *queue) {
    if (queue->locked.runner_tid != 0)
        return queue->locked.runner_tid == thread_tid() ? EDEADLK : EBUSY;
    return queue->locked.expected > 0 ? EBUSY : 0;
}

int lend_completions_close(lend_completions *queue) {
    if (queue == NULL)
        return 0;
    if (lend__completions_are_foreign(queue))
        return EOWNERDEAD;
    lend__lock_acquire(&queue->lock);
    int error = refusal_to_close(queue);
    queue->locked.closed = error == 0;
    bool last = error == 0 && queue->locked.leaving == 0;
    lend__lock_release(&queue->lock);
    if (last)
        free_queue(queue);
    return error;
}

int lend_completions_descriptor(const lend_completions *queue) {
    if (queue == NULL || lend__completions_are_foreign(queue))
        return -1;
    return queue->bell.descriptor;
}

void lend__answer_expect(struct answer *answer) {
    lend_completions *queue = answer->queue;
    lend__lock_acquire(&queue->lock);
    queue->locked.expected++;
    lend__lock_release(&queue->lock);
}

void lend__answer_forget(struct answer *answer) {
    lend_completions *queue = answer->queue;
    lend__lock_acquire(&queue->lock);
    queue->locked.expected--;
    lend__lock_release(&queue->lock);
}

/* Under the lock: restore BELL. While it is run, the runner is as good as looking. */
static void hush(lend_completions *queue) {
    if (queue->locked.ready.length > 0 || queue->locked.runner_tid != 0 || !queue->locked.rings)
        return;
    lend__bell_hush(&queue->bell);
    queue->locked.rings = false;
}

bool lend__answer_post(struct answer *answer) {
    lend_completions *queue = answer->queue;
    if (answer->stage == ANSWER_WITHDRAWN)
        return false;
    LEND_ASSERT(answer->stage == ANSWER_EXPECTED, "posted an answer twice");
    answer->stage = ANSWER_READY;
    list_append(&queue->locked.ready, &answer->node);
    if (!queue->locked.rings)
        lend__bell_ring(&queue->bell);
    queue->locked.rings = true;
    return true;
}

int lend__answer_withdraw(struct answer *answer, bool *ret_ready) {
    lend_completions *queue = answer->queue;
    *ret_ready = answer->stage == ANSWER_READY;
    if (answer->stage == ANSWER_CALLING)
        return EALREADY;
    LEND_ASSERT(answer->stage != ANSWER_WITHDRAWN, "withdrew an answer twice");
    if (*ret_ready)
        list_remove(&queue->locked.ready, &answer->node);
    answer->stage = ANSWER_WITHDRAWN;
    queue->locked.expected--;
    queue->locked.leaving++;
    hush(queue);
    return 0;
}

void lend__completions_let_go(lend_completions *queue) {
    lend__lock_acquire(&queue->lock);
    queue->locked.leaving--;
    bool last = queue->locked.closed && queue->locked.leaving == 0;
    lend__lock_release(&queue->lock);
    if (last)
        free_queue(queue);
}

/* One thread's time with the queue. */
struct run {
    lend_completions *queue;
    uint32_t left;  /* answers that it may still call back for */
    uint32_t count; /* for which it has */
};

/* False if somebody runs it already. */
static bool begin(struct run *run, uint32_t budget) {
    lend_completions *queue = run->queue;
    lend__lock_acquire(&queue->lock);
    bool free = queue->locked.runner_tid == 0;
    if (free) {
        uint32_t length = queue->locked.ready.length;
        queue->locked.runner_tid = owner_tid(thread_owner());
        run->left = budget < length ? budget : length;
    }
    lend__lock_release(&queue->lock);
    return free;
}

/* However the last callback left. */
static void end(void *argument) {
    lend_completions *queue = ((struct run *)argument)->queue;
    if (lend__completions_are_foreign(queue))
        return;
    lend__lock_acquire(&queue->lock);
    queue->locked.runner_tid = 0;
    hush(queue);
    lend__lock_release(&queue->lock);
}

/* The oldest, or NULL: callbacks may withdraw what was there when the run began. */
static struct answer *take(lend_completions *queue) {
    lend__lock_acquire(&queue->lock);
    struct list_node *node = list_pop(&queue->locked.ready);
    struct answer *answer = node != NULL ? list_entry(node, struct answer, node) : NULL;
    if (answer != NULL)
        answer->stage = ANSWER_CALLING;
    lend__lock_release(&queue->lock);
    return answer;
}

static void call(void *answer) {
    ((struct answer *)answer)->call(answer);
}

/* Not to be left by cancellation half way: what is freed here may be the caller's. */
static void finish(void *argument) {
    struct answer *answer = argument;
    lend_completions *queue = answer->queue;
    int shield = lend__thread_shield();
    answer->finish(answer);
    if (!lend__completions_are_foreign(queue)) {
        lend__lock_acquire(&queue->lock);
        queue->locked.expected--;
        lend__lock_release(&queue->lock);
    }
    lend__thread_unshield(shield);
}

/* A callback may fork: its child has this answer, and nothing else of the queue. */
static void call_all(void *argument) {
    struct run *run = argument;
    for (; run->left > 0 && !lend__completions_are_foreign(run->queue); run->left--) {
        struct answer *answer = take(run->queue);
        if (answer == NULL)
            break;
        run->count++;
        lend__thread_guard(call, answer, finish, answer);
    }
}

uint32_t lend_completions_run(lend_completions *queue, uint32_t budget) {
    struct run run = {.queue = queue};
    if (queue == NULL || lend__completions_are_foreign(queue) || !begin(&run, budget))
        return 0;
    lend__thread_guard(call_all, &run, end, &run);
    return run.count;
}
