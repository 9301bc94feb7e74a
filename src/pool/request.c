/* SPDX-License-Identifier: MIT
 *
 * Requests: borrowers for whom no thread sleeps. In the pool's line they are like any other, and
 * are decided like any other, once; what a thread does after its sleep, the decider does for them
 * (tell), up to putting the answer into its completion queue. What a thread would do next there,
 * the runner of the queue does (call).
 *
 * Who has a request: the pool from the line on, then who decided it, then the queue, then its
 * runner, who frees it. A cancel takes it away from the pool, by deciding it, or from the queue.
 * From who decided it nobody can take it: he finds it withdrawn, and frees it himself. As long as
 * an answer is EXPECTED, its request is one of the pool's visitors; it leaves under the queue's
 * lock, in one region with the change to READY. So who finds it EXPECTED finds its pool alive. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/probe.h"
#include "pool/completions.h"
#include "pool/deadlock.h"
#include "pool/state.h"

#include <lend/request.h>

/* How many are expired before others get at the pool's lock. */
#define BATCH 64

struct lend_request {
    struct borrower borrower;
    struct answer answer;
    struct wait wait; /* in the watch, if it is shown */
    bool shown;       /* constant once it is in the line, as all that follow */
    bool queued;      /* there was no model at once */
    lend_pool *pool;
    lend_acquired *acquired;
    void *argument;
    uint64_t task;
    int64_t began_ns;
    struct lend_lease lease; /* the answer, from READY on; of one that was granted, from CALLING */
};

static lend_request *request_of_waiter(struct waiter *waiter) {
    return list_entry(waiter, struct lend_request, borrower.waiter);
}

static lend_request *request_of_answer(struct answer *answer) {
    return list_entry(answer, struct lend_request, answer);
}

static bool is_granted(const lend_request *request) {
    return request->borrower.waiter.verdict == VERDICT_GRANTED;
}

static void leave(lend_request *request, int error) {
    lend_pool *pool = request->pool;
    if (request->queued)
        pool_count_wait(pool, elapsed_ns(request->began_ns, lend__clock_now_ns()));
    lend__lock_acquire(&pool->lock);
    lend__borrower_leave(pool, &request->borrower, error);
    lend__lock_release(&pool->lock);
}

/* Withdrawn, and nobody else has it. The model, which nobody has used, goes to who waits next. */
static void let_go(lend_request *request, struct list *woken) {
    lend_pool *pool = request->pool;
    lend_completions *queue = request->answer.queue;
    if (is_granted(request)) {
        struct slot *slot = &pool->slots[request->borrower.slot];
        leave(request, 0);
        lend__lock_acquire(&pool->lock);
        lend__pool_take_back(pool, slot, woken);
        lend__lock_release(&pool->lock);
    } else {
        lend_report_free(request->lease.report);
    }
    lend__memory_free(request);
    lend__completions_let_go(queue);
}

/* By who decided it; no lock is held. */
static void tell(struct waiter *waiter, struct list *woken) {
    lend_request *request = request_of_waiter(waiter);
    lend_completions *queue = request->answer.queue;
    int error = lend__verdict_error(waiter->verdict);
    if (request->shown)
        lend__watch_hide(&request->wait);
    request->lease.error = error;
    if (error != 0 && error != ECANCELED)
        request->lease.report = lend__report_take(
            request->pool, REPORT_OF_BORROW, error,
            elapsed_ns(request->began_ns, lend__clock_now_ns()), request->wait.steps);
    lend__memory_free(request->wait.steps);
    lend__lock_acquire(&queue->lock);
    if (error != 0)
        leave(request, error);
    bool posted = lend__answer_post(&request->answer);
    lend__lock_release(&queue->lock);
    if (!posted)
        let_go(request, woken);
}

/* The lease passes from the queue to the task, or to the thread that runs the queue. */
static void take_over(lend_request *request) {
    struct slot *slot = &request->pool->slots[request->borrower.slot];
    owner_word owner = thread_owner();
    if (request->task != 0) {
        owner = owner_make(OWNER_TASK, owner_tid(owner), request->task);
        lend__watch_task_holds(request->task, 1);
        lend__thread_self.task_held++;
    }
    lend__thread_self.held++;
    word_publish(&slot->owner, owner);
    request->lease = (struct lend_lease){
        .model = slot->model,
        .pool = request->pool,
        .generation = request->borrower.generation,
        .slot = request->borrower.slot,
    };
}

static void call(struct answer *answer) {
    lend_request *request = request_of_answer(answer);
    if (is_granted(request)) {
        leave(request, 0);
        take_over(request);
    }
    request->acquired(&request->lease, request->argument);
}

static void finish(struct answer *answer) {
    lend_request *request = request_of_answer(answer);
    lend_release(&request->lease);
    lend__memory_free(request);
}

/* Under the lock: have the keeper answer it at its deadline. */
static void arm(lend_pool *pool, lend_request *request, lend_deadline deadline) {
    struct heap_node *timer = &request->borrower.timer;
    if (deadline_is_forever(deadline))
        return;
    lend__heap_insert(&pool->locked.timers, timer, deadline.at_ns);
    if (timer->key >= pool->locked.alarm_ns)
        return;
    pool->locked.alarm_ns = timer->key;
    lend__parker_wake(&pool->keeper_parker);
}

/* Under the lock: in line, or served at once and decided by this thread. 0 or refused. */
static int stand(lend_pool *pool, lend_request *request, lend_deadline deadline,
                 struct list *woken) {
    struct borrower *borrower = &request->borrower;
    list_append(&pool->locked.visitors, &borrower->visit);
    int error = lend__borrower_arrive(pool, borrower, deadline);
    request->queued = error == EINPROGRESS;
    if (error == 0) {
        PROBE(acquire, pool->name, (int)borrower->slot);
        borrower->waiter.verdict = VERDICT_GRANTED;
        list_append(woken, &borrower->waiter.node);
    } else if (request->queued) {
        arm(pool, request, deadline);
        error = 0;
    } else {
        lend__borrower_leave(pool, borrower, error);
    }
    lend__pool_settle(pool, woken);
    return error;
}

static int ask(lend_pool *pool, lend_request *request, lend_deadline deadline,
               lend_request **ret_request, struct list *woken) {
    lend__lock_acquire(&pool->lock);
    int error = stand(pool, request, deadline, woken);
    if (error == 0 && ret_request != NULL)
        *ret_request = request;
    lend__lock_release(&pool->lock);
    return error;
}

/* The same in sight of the watch, whose lock keeps the request from being told and freed until it
 * is shown. */
static int ask_in_sight(lend_pool *pool, lend_request *request, lend_deadline deadline,
                        lend_request **ret_request, struct list *woken) {
    request->wait = lend__borrower_wait(pool, &request->borrower, deadline);
    request->shown = true;
    lend__watch_lock();
    int error = ask(pool, request, deadline, ret_request, woken);
    if (error == 0)
        lend__watch_enter(&request->wait, woken);
    lend__watch_unlock();
    return error;
}

static int ask_expecting(lend_pool *pool, lend_request *request, lend_deadline deadline,
                         lend_request **ret_request) {
    struct list woken = {0};
    int error;
    deadline = deadline_or_default(deadline, pool->options.wait_ms_default);
    lend__answer_expect(&request->answer);
    if (request->task != 0 && lend__watch_task_may_be_awaited(request->task))
        error = ask_in_sight(pool, request, deadline, ret_request, &woken);
    else
        error = ask(pool, request, deadline, ret_request, &woken);
    if (error != 0)
        lend__answer_forget(&request->answer);
    lend__waiters_wake(&woken);
    if (error != 0)
        lend__memory_free(request);
    return error;
}

static lend_request *new_request(lend_pool *pool, const struct lend_request_spec *spec,
                                 const struct lend_site *site) {
    lend_request *request = lend__memory_new(sizeof *request);
    if (request == NULL)
        return NULL;
    owner_word self = thread_owner();
    waiter_init_told(&request->borrower.waiter, tell);
    request->borrower.owner =
        spec->task != 0 ? owner_make(OWNER_TASK, owner_tid(self), spec->task) : self;
    request->borrower.since_ns = lend__clock_coarse_ns();
    request->borrower.site = site;
    request->answer = (struct answer){.queue = spec->queue, .call = call, .finish = finish};
    request->pool = pool;
    request->acquired = spec->acquired;
    request->argument = spec->argument;
    request->task = spec->task;
    request->began_ns = lend__clock_now_ns();
    return request;
}

int lend_acquire_later_at(lend_pool *pool, lend_deadline deadline,
                          const struct lend_request_spec *spec, lend_request **ret_request,
                          const struct lend_site *site) {
    struct lend_request_spec own;
    int error = lend__options_read(&own, sizeof own, spec);
    if (error != 0)
        return error;
    if (pool == NULL || own.queue == NULL || own.acquired == NULL || own.task > LEND_TASK_MAX)
        return EINVAL;
    if (pool_is_foreign(pool) || lend__completions_are_foreign(own.queue))
        return EOWNERDEAD;
    lend_request *request = new_request(pool, &own, site);
    return request != NULL ? ask_expecting(pool, request, deadline, ret_request) : ENOMEM;
}

int(lend_acquire_later)(lend_pool *pool, lend_deadline deadline,
                        const struct lend_request_spec *spec, lend_request **ret_request) {
    return lend_acquire_later_at(pool, deadline, spec, ret_request, /* site= */ NULL);
}

/* Out of the line, unless it is decided: then who decided it finds it withdrawn. */
static void take_out(lend_request *request, struct list *woken) {
    lend_pool *pool = request->pool;
    struct waiter *waiter = &request->borrower.waiter;
    lend__lock_acquire(&pool->lock);
    if (!waiter_is_decided(waiter)) {
        waiter_decide(waiter, VERDICT_CANCELLED, &pool->locked.waiters, woken);
        lend__pool_settle(pool, woken);
    }
    lend__lock_release(&pool->lock);
}

int lend_request_cancel(lend_request *request) {
    struct list woken = {0};
    bool ready;
    if (request == NULL)
        return EINVAL;
    lend_completions *queue = request->answer.queue;
    if (lend__completions_are_foreign(queue))
        return EOWNERDEAD;
    lend__lock_acquire(&queue->lock);
    int error = lend__answer_withdraw(&request->answer, &ready);
    if (error == 0 && !ready)
        take_out(request, &woken);
    lend__lock_release(&queue->lock);
    if (error == 0 && ready)
        let_go(request, &woken);
    lend__waiters_wake(&woken);
    return error;
}

/* Under the lock: up to BATCH of those whose time is over. */
static lend_deadline expire_some(lend_pool *pool, int64_t now_ns, struct list *woken) {
    struct heap_node *top;
    for (int i = 0; i < BATCH && (top = pool->locked.timers.top) != NULL && top->key <= now_ns;
         i++) {
        struct borrower *borrower = list_entry(top, struct borrower, timer);
        lend__heap_remove(&pool->locked.timers, top);
        if (!waiter_is_decided(&borrower->waiter))
            waiter_decide(&borrower->waiter, VERDICT_TIMED_OUT, &pool->locked.waiters, woken);
    }
    lend__pool_settle(pool, woken);
    top = pool->locked.timers.top;
    return top != NULL ? (lend_deadline){top->key} : LEND_FOREVER;
}

lend_deadline lend__requests_expire(lend_pool *pool) {
    for (;;) {
        struct list woken = {0};
        int64_t now_ns = lend__clock_now_ns();
        lend__lock_acquire(&pool->lock);
        lend_deadline next = expire_some(pool, now_ns, &woken);
        pool->locked.alarm_ns = next.at_ns;
        lend__lock_release(&pool->lock);
        lend__waiters_wake(&woken);
        if (next.at_ns > now_ns)
            return next;
    }
}
