/* SPDX-License-Identifier: MIT
 *
 * Requests: a loop asks, and is told through its completion queue. The bugs meant here: a grant
 * that meets a cancel and is owned by nobody, an answer that is posted to a queue that is gone or
 * touches a pool that is gone, a bell that does not ring or rings for nothing. */
#include "scenario.h"

#include "fail.h"
#include "shop.h"
#include "threads.h"

#include "pool/completions.h"

#include <lend/request.h>

enum { ASKS = 3 };

static struct shop shop, other_shop;
static lend_completions *queue;

static struct ask {
    lend_request *request;
    unsigned answers;
    int error; /* of the answer */
    bool cancelled;
    bool keeps; /* what it gets, in `lease` */
    struct lend_lease lease;
} asks[ASKS];

static unsigned under_way;

static void desk_open(uint32_t models) {
    SHOP_OPEN(&shop, .models = models);
    shop.shared = true; /* what was granted and cancelled, nobody sees */
    for (int i = 0; i < ASKS; i++)
        asks[i] = (struct ask){0};
    under_way = 0;
    SIM_CHECK("OPEN", lend_completions_open(&queue) == 0, "no queue");
}

static void on_model(struct lend_lease *lease, void *argument) {
    struct ask *ask = argument;
    SIM_CHECK("ONCE", ++ask->answers == 1 && !ask->cancelled, "answered once too often");
    ask->error = lend_lease_error(lease);
    under_way--;
    if (ask->error != 0)
        return;
    shop_model_taken(lease->model);
    shop_use(lease);
    shop_model_left(lease->model);
    if (ask->keeps)
        ask->lease = lend_lease_take(lease);
}

static int ask_in(struct shop *at, int i, uint64_t task, lend_deadline deadline) {
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = queue, .acquired = on_model, .argument = &asks[i], .task = task);
    int error = lend_acquire_later(at->pool, deadline, &spec, &asks[i].request);
    under_way += error == 0;
    return error;
}

static void ask_for(int i, lend_deadline deadline) {
    SIM_CHECK("ENDS", ask_in(&shop, i, 0, deadline) == 0, "not accepted");
}

static void cancel(int i) {
    if (asks[i].answers > 0)
        return;
    SIM_CHECK("ENDS", lend_request_cancel(asks[i].request) == 0, "not cancelled");
    asks[i].cancelled = true;
    under_way--;
}

static void answer_all(void) {
    while (under_way > 0) {
        sim_bell_wait(&queue->bell);
        lend_completions_run(queue, 8);
    }
}

static void desk_close(void) {
    SIM_CHECK("CLOSED", lend_completions_close(queue) == 0, "the queue expects more");
    shop_close(&shop);
}

static void give_back(void *lease) {
    shop_release(&shop, lease);
}

/* Another thread has the only model, and gives it back. */
static struct sim_thread *let_go(struct lend_lease *lease) {
    SIM_CHECK("ENDS", lend_lease_detach(lease) == 0, "not handed over");
    return sim_start("holder", give_back, lease);
}

static void arrival_meets_return(void *unused) {
    (void)unused;
    desk_open(1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    struct sim_thread *holder = let_go(&lease);
    ask_for(0, LEND_FOREVER);
    answer_all();
    SIM_CHECK("ENDS", asks[0].error == 0, "got %d", asks[0].error);
    sim_join(holder);
    desk_close();
}

static void grant_meets_cancel(void *unused) {
    (void)unused;
    desk_open(1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    ask_for(0, LEND_FOREVER);
    ask_for(1, LEND_FOREVER);
    struct sim_thread *holder = let_go(&lease);
    cancel(0);
    answer_all();
    SIM_CHECK("ENDS", asks[1].error == 0, "the next one got %d", asks[1].error);
    sim_join(holder);
    desk_close();
}

static void all_are_cancelled(void *unused) {
    (void)unused;
    desk_open(1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    for (int i = 0; i < ASKS; i++)
        ask_for(i, LEND_FOREVER);
    struct sim_thread *holder = let_go(&lease);
    for (int i = 0; i < ASKS; i++)
        cancel(i);
    SIM_CHECK("CLOSED", lend_completions_close(queue) == 0, "the queue expects more");
    sim_join(holder);
    shop_close(&shop);
}

static void a_thread_waits_behind(void *unused) {
    (void)unused;
    static struct borrowing borrowing;
    desk_open(1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    ask_for(0, LEND_FOREVER);
    borrowing = (struct borrowing){.shop = &shop, .deadline = LEND_FOREVER};
    struct sim_thread *borrower = sim_start("borrower", shop_borrower, &borrowing);
    struct sim_thread *holder = let_go(&lease);
    cancel(0);
    sim_join(borrower);
    sim_join(holder);
    SIM_CHECK("ENDS", borrowing.error == 0, "the borrower got %d", borrowing.error);
    desk_close();
}

static void grant_meets_timeout(void *unused) {
    (void)unused;
    desk_open(1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    ask_for(0, lend_within_ms(10));
    ask_for(1, LEND_FOREVER);
    sim_pause_ms(10);
    struct sim_thread *holder = let_go(&lease);
    answer_all();
    SIM_CHECK("ENDS", ONE_OF(asks[0].error, 0, ETIMEDOUT), "got %d", asks[0].error);
    SIM_CHECK("ENDS", asks[1].error == 0, "the next one got %d", asks[1].error);
    sim_join(holder);
    desk_close();
}

static void cancel_meets_timeout(void *unused) {
    (void)unused;
    desk_open(1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    ask_for(0, lend_within_ms(10));
    ask_for(1, lend_within_ms(10));
    sim_pause_ms(10);
    cancel(0);
    answer_all();
    SIM_CHECK("ENDS", asks[1].error == ETIMEDOUT, "got %d", asks[1].error);
    shop_release(&shop, &lease);
    desk_close();
}

static void close_the_pool(void *unused) {
    (void)unused;
    int error;
    while ((error = lend_pool_close(shop.pool, LEND_FOREVER, NULL)) == EBUSY)
        ;
    SIM_CHECK("CLOSED", error == 0, "not closed: %d", error);
}

/* Answers are taken, and one is cancelled, when the pool may be gone. */
static void the_pool_goes_first(void *unused) {
    (void)unused;
    desk_open(1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    for (int i = 0; i < ASKS; i++)
        ask_for(i, i == 2 ? lend_within_ms(10) : LEND_FOREVER);
    struct sim_thread *closer = sim_start("closer", close_the_pool, NULL);
    struct sim_thread *holder = let_go(&lease);
    cancel(0);
    answer_all();
    for (int i = 1; i < ASKS; i++)
        SIM_CHECK("ENDS", ONE_OF(asks[i].error, 0, ESHUTDOWN, ETIMEDOUT), "got %d", asks[i].error);
    sim_join(holder);
    sim_join(closer);
    SIM_CHECK("CLOSED", lend_completions_close(queue) == 0, "the queue expects more");
    shop_closed(&shop);
}

/* Two tasks, two pools, each in the other's way: one of them is told so, whichever asks last. */
static void tasks_in_each_others_way(void *unused) {
    (void)unused;
    desk_open(1);
    SHOP_OPEN(&other_shop, .models = 1);
    other_shop.shared = true;
    asks[0].keeps = asks[1].keeps = true;
    SIM_CHECK("ENDS", ask_in(&shop, 0, 17, LEND_FOREVER) == 0, "not accepted");
    SIM_CHECK("ENDS", ask_in(&other_shop, 1, 18, LEND_FOREVER) == 0, "not accepted");
    answer_all();
    SIM_CHECK("ENDS", ask_in(&other_shop, 2, 17, LEND_FOREVER) == 0, "not accepted");
    struct lend_lease mine = shop_acquire(&shop, LEND_NOW);
    SIM_CHECK("ENDS", lend_lease_error(&mine) == EBUSY, "got %d", lend_lease_error(&mine));
    lend_release(&mine);
    asks[0] = (struct ask){.lease = asks[0].lease};
    struct ask *first = &asks[0];
    SIM_CHECK("ENDS", ask_in(&shop, 0, 18, LEND_FOREVER) == 0, "not accepted");
    sim_bell_wait(&queue->bell);
    lend_completions_run(queue, 1);
    SIM_CHECK("ENDS", first->error == EDEADLK && asks[2].answers == 0, "got %d", first->error);
    lend_release(&asks[1].lease);
    answer_all();
    SIM_CHECK("ENDS", asks[2].error == 0, "got %d", asks[2].error);
    lend_release(&asks[0].lease);
    shop_close(&other_shop);
    desk_close();
}

static void run_the_queue(void *unused) {
    (void)unused;
    for (unsigned left = under_way; left > 0;) {
        sim_bell_wait(&queue->bell);
        left -= lend_completions_run(queue, 8);
    }
}

/* One thread asks and cancels, another runs the queue: a cancel finds the callback begun, or not.
 */
static void cancel_from_elsewhere(void *unused) {
    (void)unused;
    desk_open(1);
    struct lend_lease lease = shop_acquire(&shop, LEND_NOW);
    ask_for(0, LEND_FOREVER);
    ask_for(1, LEND_FOREVER);
    asks[1].keeps = true;
    struct sim_thread *holder = let_go(&lease);
    under_way = 1; /* the second one: the first is cancelled or is told and gone */
    cancel(0);
    under_way = 1;
    struct sim_thread *runner = sim_start("runner", run_the_queue, NULL);
    sim_join(runner);
    sim_join(holder);
    SIM_CHECK("ENDS", asks[1].error == 0, "got %d", asks[1].error);
    desk_close(); /* the runner left it, and it was taken back */
}

const struct scenario request_scenarios[] = {
    {"a_request_that_arrives_as_the_last_model_comes_back_gets_it", arrival_meets_return, 1},
    {"a_grant_that_meets_a_cancel_is_handed_on", grant_meets_cancel, 1},
    {"a_queue_closes_when_all_are_cancelled_whoever_decides_them", all_are_cancelled, 1},
    {"a_thread_behind_a_cancelled_request_is_next", a_thread_waits_behind, 1},
    {"a_grant_that_meets_a_requests_timeout_is_told_or_handed_on", grant_meets_timeout, 1},
    {"a_cancel_that_meets_a_timeout_is_one_or_the_other", cancel_meets_timeout, 1},
    {"answers_outlive_their_pool", the_pool_goes_first, 1},
    {"two_tasks_in_each_others_way_one_is_told", tasks_in_each_others_way, 1},
    {"what_a_runner_was_told_and_left_is_taken_back", cancel_from_elsewhere, 1},
    {0},
};
