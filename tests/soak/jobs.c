/* SPDX-License-Identifier: MIT
 *
 * Jobs of every kind, and threads that end with a lease. */
#include "soak/soak.h"

#include <sched.h>
#include <stdlib.h>

enum kind {
    JOB_PLAIN,
    JOB_FAILS,
    JOB_OVERRUNS,
    JOB_LEAVES,
    JOB_ENDS,
    JOB_BREAKS,
    JOB_WAITS,
    KINDS
};

/* Freed by whoever is the last of the two to be called back. */
struct request {
    enum kind kind;
    struct hall *hall;
    atomic_int calls_left; /* of done and drop_argument */
    atomic_int done, dropped;
};

static void put_down(struct request *request) {
    if (atomic_fetch_sub(&request->calls_left, 1) == 1)
        free(request);
}

static void on_done(lend_future *future, void *argument) {
    struct request *request = argument;
    WRONG(atomic_fetch_add(&request->done, 1) != 0);
    WRONG(lend_future_outcome(future) == LEND_PENDING);
    atomic_fetch_add(&world.told, 1);
    put_down(request);
}

static void on_drop(void *argument) {
    struct request *request = argument;
    WRONG(atomic_fetch_add(&request->dropped, 1) != 0);
    atomic_fetch_add(&world.dropped, 1);
    put_down(request);
}

/* A model of the same pool, if there is one, that the job forgets. */
static void leave_lease(struct hall *hall) {
    struct lend_lease lease = lend_acquire_at(hall->pool, LEND_NOW, &leak_sites[LEAK_JOB]);
    if (lend_lease_ok(&lease)) {
        atomic_fetch_add(&world.seeded[LEAK_JOB], 1);
        model_begin(lease.model);
        model_end(lease.model);
    } else {
        lend_release(&lease);
    }
}

static int run_nothing(void *model, void *argument, lend_job *job) {
    (void)argument, (void)job;
    model_begin(model);
    model_end(model);
    return 0;
}

/* A job that waits for another one of its executor. */
static void wait_for_another(struct hall *hall, lend_job *job) {
    lend_future *future;
    int error = lend_submit(
        hall->executor, &LEND_JOB(.run = run_nothing, .deadline = lend_job_deadline(job)), &future);
    WRONG(error != 0 && error != EAGAIN && error != ETIMEDOUT && error != ESHUTDOWN &&
          error != EDEADLK);
    if (error != 0)
        return;
    error = lend_future_wait(future, lend_job_deadline(job));
    WRONG(error != 0 && error != ETIMEDOUT && error != EDEADLK && error != EBUSY);
    lend_future_drop(future);
}

static int run(void *model, void *argument, lend_job *job) {
    struct request *request = argument;
    if (request->kind == JOB_WAITS)
        wait_for_another(request->hall, job);
    if (request->kind == JOB_LEAVES)
        leave_lease(request->hall);
    model_begin(model);
    while (request->kind == JOB_OVERRUNS && !lend_job_must_stop(job))
        sched_yield();
    model_end(model);
    if (request->kind == JOB_BREAKS)
        lend_job_model_broken(job, "worn out");
    if (request->kind == JOB_ENDS)
        pthread_exit(NULL);
    return request->kind == JOB_FAILS ? lend_job_explain(job, EBADMSG, "it is damaged") : 0;
}

void submit_something(struct worker *worker, struct hall *hall) {
    static const int deadlines_ms[KINDS] = {1000, 1000, 1, 1000, 1000, 1000, 20};
    uint32_t roll = draw(worker, 1000);
    enum kind kind = roll < 900 ? JOB_PLAIN : (enum kind)(1 + roll % (KINDS - 1));
    bool runs_here = (hall - world.halls) % 3 == LEND_FULL_RUN_HERE;
    if (kind == JOB_ENDS && runs_here)
        kind = JOB_FAILS; /* the thread that it would end is the soak's */
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        abort();
    *request = (struct request){.kind = kind, .hall = hall, .calls_left = 2};
    struct lend_job_spec spec =
        LEND_JOB(.run = run, .argument = request, .drop_argument = on_drop, .done = on_done,
                 .done_argument = request, .deadline = lend_within_ms(deadlines_ms[kind]));
    lend_future *future = NULL;
    bool keeps = draw(worker, 2) == 0;
    int error = lend_submit(hall->executor, &spec, keeps ? &future : NULL);
    if (error != 0) {
        WRONG(error != EAGAIN && error != ETIMEDOUT);
        free(request);
        return;
    }
    atomic_fetch_add(&world.accepted, 1);
    if (future == NULL)
        return;
    if (draw(worker, 4) == 0)
        atomic_fetch_add(&world.cancelled, lend_future_cancel(future) == 0);
    if (draw(worker, 4) == 0)
        WRONG(lend_future_join(future, LEND_FOREVER) != 0);
    lend_future_drop(future);
}

/* threads that end with a lease */

struct leaver {
    struct hall *hall;
    enum leak leak;
    atomic_bool holds;
};

/* AddressSanitizer would take the frame, which a cancellation unwinds, for still being there. */
__attribute__((__no_sanitize_address__)) static void *leave(void *argument) {
    struct leaver *leaver = argument;
    struct lend_lease lease =
        lend_acquire_at(leaver->hall->pool, lend_within_ms(2), &leak_sites[leaver->leak]);
    if (!lend_lease_ok(&lease)) {
        take_refusal(&lease);
        atomic_store(&leaver->holds, true);
        return NULL;
    }
    atomic_fetch_add(&world.seeded[leaver->leak], 1);
    model_begin(lease.model);
    model_end(lease.model);
    atomic_store(&leaver->holds, true);
    if (leaver->leak == LEAK_EXIT)
        pthread_exit(NULL);
    while (leaver->leak == LEAK_CANCEL) {
        pthread_testcancel();
        sched_yield();
    }
    return NULL;
}

void leave_something(struct worker *worker, struct hall *hall) {
    struct leaver leaver = {.hall = hall, .leak = (enum leak)draw(worker, LEAK_JOB)};
    pthread_t thread;
    if (pthread_create(&thread, NULL, leave, &leaver) != 0)
        return;
    while (leaver.leak == LEAK_CANCEL && !atomic_load(&leaver.holds))
        sched_yield();
    if (leaver.leak == LEAK_CANCEL)
        pthread_cancel(thread);
    pthread_join(thread, NULL);
}
