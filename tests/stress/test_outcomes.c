/* SPDX-License-Identifier: MIT
 *
 * 100,000 jobs of which one in three fails, one in five is cancelled and one in seven is let run
 * past its deadline: every model is back, each job has exactly one outcome, and the counts agree.
 *
 * LEND_STRESS_JOBS in the environment sets another number of jobs. */
#include <lend/lend.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MODELS 4
#define SUBMITTERS 3
#define IN_FLIGHT 32

#define FAILS(number) ((number) % 3 == 0)
#define IS_CANCELLED(number) ((number) % 5 == 0)
#define OVERRUNS(number) ((number) % 7 == 0)

/* One job's own account of what happened to it, to hold against the executor's. */
struct account {
    uint32_t number;
    atomic_uint runs, dones, drops;
    atomic_int told; /* the outcome that `done` found */
    lend_future *future;
};

struct totals {
    uint64_t by_outcome[LEND_EXPIRED + 1];
    uint64_t wrong; /* accounts that do not add up */
};

struct shop {
    lend_pool *pool;
    lend_executor *executor;
    atomic_uint in_use[MODELS]; /* how many have the model: 0 or 1 */
    atomic_uint shared;         /* times that a model was lent twice at once */
};

static atomic_uint *model_of(void *model) {
    return model;
}

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    struct shop *shop = context;
    static atomic_uint next;
    uint32_t index = atomic_fetch_add(&next, 1);
    if (index >= MODELS)
        return lend_reason_set(reason, EIO, "more models were asked for than there are");
    *ret_model = &shop->in_use[index];
    return 0;
}

static void unload(void *model, void *context) {
    struct shop *shop = context;
    if (atomic_load(model_of(model)) != 0)
        atomic_fetch_add(&shop->shared, 1);
}

static struct shop shop;

/* An overrunning job goes on until it is told that its deadline is past, and a little longer. */
static int work(void *model, void *argument, lend_job *job) {
    struct account *account = argument;
    atomic_fetch_add(&account->runs, 1);
    if (atomic_fetch_add(model_of(model), 1) != 0)
        atomic_fetch_add(&shop.shared, 1);
    if (OVERRUNS(account->number))
        while (!lend_job_must_stop(job))
            ;
    atomic_fetch_sub(model_of(model), 1);
    if (FAILS(account->number))
        return lend_job_explain(job, EIO, "job %u fails", (unsigned)account->number);
    return lend_job_must_stop(job) ? ECANCELED : 0;
}

static void on_done(lend_future *future, void *argument) {
    struct account *account = argument;
    atomic_fetch_add(&account->dones, 1);
    atomic_store(&account->told, (int)lend_future_outcome(future));
}

static void on_drop(void *argument) {
    struct account *account = argument;
    atomic_fetch_add(&account->drops, 1);
}

static bool outcome_is_possible(const struct account *account, enum lend_outcome outcome) {
    switch (outcome) {
    case LEND_SUCCEEDED:
        return !FAILS(account->number);
    case LEND_FAILED:
        return FAILS(account->number);
    case LEND_CANCELLED:
        return IS_CANCELLED(account->number);
    case LEND_EXPIRED:
        return OVERRUNS(account->number);
    case LEND_NO_MODEL:
    case LEND_PENDING:
        return false;
    }
    return false;
}

/* Wait until the library is done with the job, and look whether everybody says the same. */
static void settle(struct account *account, struct totals *totals) {
    bool joined = lend_future_join(account->future, LEND_FOREVER) == 0;
    enum lend_outcome outcome = lend_future_outcome(account->future);
    bool right = joined && outcome_is_possible(account, outcome) &&
                 (enum lend_outcome)atomic_load(&account->told) == outcome &&
                 atomic_load(&account->dones) == 1 && atomic_load(&account->drops) == 1 &&
                 atomic_load(&account->runs) <= 1;
    totals->by_outcome[outcome]++;
    totals->wrong += !right;
    lend_future_drop(account->future);
    account->future = NULL;
}

/* The default patience is long; only the jobs that are to overrun get a deadline that passes. */
static int submit(struct account *account) {
    lend_deadline deadline = OVERRUNS(account->number) ? lend_within_ms(1) : LEND_FOREVER;
    int error =
        lend_submit(shop.executor,
                    &LEND_JOB(.run = work, .argument = account, .drop_argument = on_drop,
                              .done = on_done, .done_argument = account, .deadline = deadline),
                    &account->future);
    if (error == 0 && IS_CANCELLED(account->number))
        lend_future_cancel(account->future);
    return error;
}

struct share {
    uint32_t first, step, count; /* job numbers first, first + step, ... below count */
    struct totals totals;
    uint64_t refused;
    pthread_t thread;
};

static void *submit_share(void *argument) {
    struct share *share = argument;
    struct account accounts[IN_FLIGHT] = {0};
    uint32_t turn = 0;
    for (uint32_t number = share->first; number < share->count; number += share->step, turn++) {
        struct account *account = &accounts[turn % IN_FLIGHT];
        if (account->future != NULL)
            settle(account, &share->totals);
        *account = (struct account){.number = number};
        int error;
        while ((error = submit(account)) == ETIMEDOUT) /* a short deadline, a long queue */
            share->refused++;
        share->totals.wrong += error != 0;
    }
    for (uint32_t i = 0; i < IN_FLIGHT; i++)
        if (accounts[i].future != NULL)
            settle(&accounts[i], &share->totals);
    return NULL;
}

static uint32_t job_count(void) {
    const char *text = getenv("LEND_STRESS_JOBS");
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 100000;
}

static void every_job_has_one_outcome_and_every_model_comes_back(void **state) {
    (void)state;
    uint32_t jobs = job_count();
    struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);
    assert_int_equal(lend_pool_open(&shop.pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = MODELS,
                                                                   .ops_context = &shop)),
                     0);
    assert_int_equal(
        lend_executor_open(&shop.executor,
                           &LEND_EXECUTOR_OPTIONS(.pool = shop.pool, .when_full = LEND_FULL_WAIT)),
        0);

    struct share shares[SUBMITTERS] = {0};
    for (uint32_t i = 0; i < SUBMITTERS; i++) {
        shares[i] = (struct share){.first = i, .step = SUBMITTERS, .count = jobs};
        assert_int_equal(pthread_create(&shares[i].thread, NULL, submit_share, &shares[i]), 0);
    }
    struct totals totals = {0};
    uint64_t refused = 0;
    for (uint32_t i = 0; i < SUBMITTERS; i++) {
        pthread_join(shares[i].thread, NULL);
        for (int outcome = 0; outcome <= LEND_EXPIRED; outcome++)
            totals.by_outcome[outcome] += shares[i].totals.by_outcome[outcome];
        totals.wrong += shares[i].totals.wrong;
        refused += shares[i].refused;
    }

    struct lend_executor_stats jobs_stats;
    struct lend_pool_stats pool_stats;
    assert_int_equal(lend_executor_stats_get(shop.executor, &jobs_stats), 0);
    assert_int_equal(lend_pool_stats_get(shop.pool, &pool_stats), 0);
    print_message("of %u jobs %llu succeeded, %llu failed, %llu cancelled, %llu expired; "
                  "%llu overran, %llu submissions refused\n",
                  jobs, (unsigned long long)jobs_stats.succeeded,
                  (unsigned long long)jobs_stats.failed, (unsigned long long)jobs_stats.cancelled,
                  (unsigned long long)jobs_stats.expired, (unsigned long long)jobs_stats.overran,
                  (unsigned long long)jobs_stats.refused);
    assert_int_equal(totals.wrong, 0);
    assert_int_equal(atomic_load(&shop.shared), 0);
    assert_int_equal(jobs_stats.accepted, jobs);
    assert_int_equal(jobs_stats.refused, refused);
    assert_int_equal(jobs_stats.pending, 0);
    assert_int_equal(jobs_stats.queued + jobs_stats.borrowing + jobs_stats.running, 0);
    assert_int_equal(jobs_stats.succeeded, totals.by_outcome[LEND_SUCCEEDED]);
    assert_int_equal(jobs_stats.failed, totals.by_outcome[LEND_FAILED]);
    assert_int_equal(jobs_stats.cancelled, totals.by_outcome[LEND_CANCELLED]);
    assert_int_equal(jobs_stats.expired, totals.by_outcome[LEND_EXPIRED]);
    assert_int_equal(
        jobs_stats.succeeded + jobs_stats.failed + jobs_stats.cancelled + jobs_stats.expired, jobs);
    assert_int_equal(pool_stats.free, MODELS);
    assert_int_equal(lend_executor_close(shop.executor, LEND_NOW), 0);
    assert_int_equal(lend_pool_close(shop.pool, LEND_NOW, NULL), 0);
    assert_int_equal(atomic_load(&shop.shared), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_has_one_outcome_and_every_model_comes_back),
    };
    return cmocka_run_group_tests_name("outcomes", tests, NULL, NULL);
}
