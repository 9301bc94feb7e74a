/* SPDX-License-Identifier: MIT
 *
 * The steps of a worker: mostly short borrows, and now and then everything else. */
#include "soak/soak.h"

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BURST = 48 };

/* The steps of a report form a closed ring: each is held up by the one in the next step, and the
 * last by one of those before. */
static bool is_ring(const struct lend_report *report) {
    size_t count = report->step_count;
    if (count == 0 || report->cause != LEND_CAUSE_DEADLOCK)
        return false;
    for (size_t i = 0; i + 1 < count; i++)
        if (report->steps[i].holder_tid != report->steps[i + 1].tid)
            return false;
    for (size_t i = 0; i < count; i++)
        if (report->steps[count - 1].holder_tid == report->steps[i].tid)
            return true;
    return false;
}

void take_refusal(struct lend_lease *lease) {
    const struct lend_report *report = lend_lease_report(lease);
    WRONG(report == NULL);
    if (report == NULL)
        return;
    WRONG(report->models !=
          report->free + report->lent + report->loading + report->retiring + report->lost);
    switch (lend_lease_error(lease)) {
    case ETIMEDOUT:
        atomic_fetch_add(&world.timeouts, 1);
        break;
    case EDEADLK:
        WRONG(!is_ring(report));
        atomic_fetch_add(&world.deadlocks, 1);
        break;
    case EBUSY:
    case ENOBUFS:
    case EIO:
        atomic_fetch_add(&world.refusals, 1);
        break;
    default:
        WRONG(lend_lease_error(lease) != 0); /* nothing here can cause any other */
    }
    lend_release(lease);
}

static void use_and_release(struct worker *worker, struct lend_lease *lease) {
    worker->borrows++;
    model_begin(lease->model);
    model_end(lease->model);
    lend_release(lease);
}

static lend_deadline some_patience(struct worker *worker) {
    return lend_within_ms(draw(worker, 6)); /* 0: now */
}

static void borrow_in_a_burst(struct worker *worker, struct hall *hall) {
    lend_deadline deadline = some_patience(worker);
    for (int i = 0; i < BURST; i++) {
        struct lend_lease lease = lend_acquire(hall->pool, deadline);
        if (!lend_lease_ok(&lease)) {
            take_refusal(&lease);
            return;
        }
        use_and_release(worker, &lease);
    }
}

static void hold_for_a_while(struct worker *worker, struct hall *hall) {
    struct lend_lease lease = lend_acquire(hall->pool, some_patience(worker));
    if (!lend_lease_ok(&lease)) {
        take_refusal(&lease);
        return;
    }
    for (uint32_t i = draw(worker, 8); i > 0; i--)
        sched_yield();
    use_and_release(worker, &lease);
}

/* Without an order among pools: rings come about, and one of each is refused. A bound on the other
 * waits all the same, since what is detached in between hides a ring. */
static void borrow_nested(struct worker *worker, struct hall *hall) {
    struct hall *other = &world.halls[draw(worker, world.hall_count)];
    if (pthread_rwlock_tryrdlock(&other->door) != 0)
        return;
    struct lend_lease outer = lend_acquire(hall->pool, some_patience(worker));
    if (lend_lease_ok(&outer)) {
        sched_yield();
        struct lend_lease inner = lend_acquire(other->pool, lend_within_ms(500));
        if (lend_lease_ok(&inner))
            use_and_release(worker, &inner);
        else
            take_refusal(&inner);
        use_and_release(worker, &outer);
    } else {
        take_refusal(&outer);
    }
    pthread_rwlock_unlock(&other->door);
}

static void break_it(struct worker *worker, struct hall *hall) {
    struct lend_lease lease = lend_acquire(hall->pool, some_patience(worker));
    if (!lend_lease_ok(&lease)) {
        take_refusal(&lease);
        return;
    }
    worker->borrows++;
    lend_release_broken(&lease, "the soak broke it");
}

/* Put a lease on the shelf for whoever comes by, or give back what lies there. */
static void hand_over(struct worker *worker, struct hall *hall) {
    pthread_mutex_lock(&hall->shelf_lock);
    struct lend_lease lease = lend_lease_take(&hall->shelf);
    pthread_mutex_unlock(&hall->shelf_lock);
    if (lend_lease_ok(&lease)) {
        if (draw(worker, 2) == 0)
            WRONG(lend_lease_adopt(&lease) != 0);
        use_and_release(worker, &lease);
        return;
    }
    lease = lend_acquire(hall->pool, LEND_NOW);
    if (!lend_lease_ok(&lease)) {
        take_refusal(&lease);
        return;
    }
    worker->borrows++;
    WRONG(lend_lease_detach(&lease) != 0);
    pthread_mutex_lock(&hall->shelf_lock);
    struct lend_lease before = lend_lease_take(&hall->shelf);
    hall->shelf = lend_lease_take(&lease);
    pthread_mutex_unlock(&hall->shelf_lock);
    lend_release(&before);
}

static void operate(struct worker *worker, struct hall *hall) {
    int error = 0;
    switch (draw(worker, 3)) {
    case 0:
        error = lend_pool_resize(hall->pool, 1 + draw(worker, hall->models_max),
                                 some_patience(worker), NULL);
        break;
    case 1:
        error = lend_pool_reload(hall->pool, some_patience(worker), NULL);
        break;
    default:
        WRONG(lend_pool_suspend(hall->pool) != 0);
        sched_yield();
        WRONG(lend_pool_resume(hall->pool) != 0);
    }
    WRONG(error != 0 && error != ETIMEDOUT && error != EIO && error != EALREADY);
}

static int run_in_place(void *model, void *argument) {
    struct worker *worker = argument;
    worker->borrows++;
    model_begin(model);
    model_end(model);
    return 0;
}

static void look_at_all(struct hall *hall) {
    char words[2048];
    hall_check(hall);
    WRONG(lend_pool_print(hall->pool, words, sizeof words) == 0);
    lend_pool_print_json(hall->pool, words, sizeof words);
}

/* The child has none of it, says so, and does not hang. */
static void fork_child(struct hall *hall) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        struct lend_pool_stats stats;
        struct lend_lease lease = lend_acquire(hall->pool, LEND_FOREVER);
        int strange = lend_lease_error(&lease) != EOWNERDEAD;
        lend_release(&lease);
        strange += lend_pool_stats_get(hall->pool, &stats) != EOWNERDEAD;
        strange += lend_submit(hall->executor, &LEND_JOB(.run = NULL), NULL) != EOWNERDEAD;
        strange += lend_pool_close(hall->pool, LEND_FOREVER, NULL) != EOWNERDEAD;
        _exit(strange);
    }
    if (child < 0)
        return;
    while (waitpid(child, &status, 0) != child && errno == EINTR)
        ;
    WRONG(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    atomic_fetch_add(&world.forks, 1);
}

#if defined(__SANITIZE_THREAD__)
#define MAY_FORK 0 /* it has locks of its own, which a child may find taken */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAY_FORK 0
#endif
#endif
#ifndef MAY_FORK
#define MAY_FORK 1
#endif

/* Of a thousand steps. */
void step(struct worker *worker, struct hall *hall) {
    uint32_t roll = draw(worker, 1000);
    if (roll < 700)
        borrow_in_a_burst(worker, hall);
    else if (roll < 800)
        hold_for_a_while(worker, hall);
    else if (roll < 860)
        borrow_nested(worker, hall);
    else if (roll < 900)
        hand_over(worker, hall);
    else if (roll < 960)
        submit_something(worker, hall);
    else if (roll < 970)
        WRONG(lend_run(hall->pool, LEND_BY_DEFAULT, run_in_place, worker) == EINVAL);
    else if (roll < 980)
        look_at_all(hall);
    else if (roll < 985)
        operate(worker, hall);
    else if (roll < 990)
        break_it(worker, hall);
    else if (roll < 998)
        leave_something(worker, hall);
    else if (MAY_FORK && draw(worker, 10) == 0)
        fork_child(hall);
    atomic_fetch_add(&world.steps, 1);
}
