/* SPDX-License-Identifier: MIT
 *
 * A pool whose loads fail three times in ten, whose resets fail once in ten and of whose jobs one
 * in twenty overruns its deadline: it lends on, each snapshot of it is whole, each model has one
 * user at a time, each job one outcome, and in the end every model is back.
 *
 * LEND_STRESS_BORROWS in the environment sets another number of leases. A slot whose load failed
 * rests for 100 ms, twice as long after each failure more: 75 ms for each reload on the average.
 * Each tenth lease is followed by a reload, so that a slot gives some 130 leases a second; it is
 * the number of models that makes a million end in time. The longest rests come in at the end. */
#include "support/await.h"
#include "support/thread.h"

#include <inttypes.h>
#include <lend/lend.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    MODELS = 512,
    SPARES = 4,
    BORROWERS = 3,
    SUBMITTERS = 2,
    WORKERS = 8,
    BORROWS = 30000,
    LEND_MS = 180000, /* for all of them, at most */
    END_MS = 150000,  /* the longest rest is 30 s, give or take a quarter, and may be repeated */
    LATE_MS = 150,    /* for a job that overruns by more than the grace */
    PER_MILLE_LOAD = 300,
    PER_MILLE_RESET = 100,
    PER_MILLE_OVERRUN = 50,
    PER_MILLE_LATE = 5, /* of those that overrun */
};

static struct {
    lend_pool *pool;
    lend_executor *executor;
    atomic_bool faulty; /* the loads, and the resets */
    atomic_bool over;
    atomic_uint alive;                  /* models */
    atomic_uint shared;                 /* times that a model was used twice at once */
    atomic_uint strange;                /* answers that should not be */
    _Atomic uint64_t dice;              /* rolled so far */
    _Atomic uint64_t told, dropped;     /* jobs */
    _Atomic uint64_t borrowed, in_vain; /* directly */
} shop;

/* The n-th roll is the same in each run: the finaliser of SplitMix64 (Steele, Lea, Flood: Fast
 * Splittable Pseudorandom Number Generators, OOPSLA 2014) over n. */
static bool chance(uint32_t per_mille) {
    uint64_t x = atomic_fetch_add(&shop.dice, UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) % 1000 < per_mille;
}

/* the models */

struct model {
    atomic_uint users;
};

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    if (atomic_load(&shop.faulty) && chance(PER_MILLE_LOAD))
        return lend_reason_set(reason, EIO, "the loader is faulty");
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return lend_reason_set(reason, ENOMEM, "no memory");
    atomic_fetch_add(&shop.alive, 1);
    *ret_model = model;
    return 0;
}

static void begin_use(struct model *model) {
    if (atomic_fetch_add(&model->users, 1) != 0)
        atomic_fetch_add(&shop.shared, 1);
}

static void end_use(struct model *model) {
    atomic_fetch_sub(&model->users, 1);
}

static void unload(void *model, void *context) {
    (void)context;
    begin_use(model);
    atomic_fetch_sub(&shop.alive, 1);
    free(model);
}

static int reset(void *model, void *context, struct lend_reason *reason) {
    (void)context;
    begin_use(model);
    bool fails = atomic_load(&shop.faulty) && chance(PER_MILLE_RESET);
    end_use(model);
    return fails ? lend_reason_set(reason, EIO, "the reset is faulty") : 0;
}

/* those who borrow */

static void pause_ms(int64_t ms) {
    lend_deadline end = lend_within_ms(ms);
    while (await_pause(end))
        ;
}

/* EIO: at that moment no model was left. */
static int borrow(void *argument) {
    (void)argument;
    while (!atomic_load(&shop.over)) {
        lend_with (lease, shop.pool, LEND_BY_DEFAULT) {
            begin_use(lease.model);
            atomic_fetch_add(&shop.borrowed, 1);
            end_use(lease.model);
        } lend_else {
            atomic_fetch_add(&shop.in_vain, 1);
            if (lend_lease_error(&lease) != EIO)
                atomic_fetch_add(&shop.strange, 1);
            pause_ms(1);
        } lend_end
    }
    return 0;
}

static int run_in_time(void *model, void *argument, lend_job *job) {
    (void)argument, (void)job;
    begin_use(model);
    end_use(model);
    return 0;
}

static int overrun(void *model, void *argument, lend_job *job) {
    (void)argument;
    begin_use(model);
    lend_deadline limit = await_begin();
    while (!lend_job_must_stop(job) && await_pause(limit))
        ;
    if (chance(PER_MILLE_LATE))
        pause_ms(LATE_MS);
    end_use(model);
    return 0;
}

static void on_done(lend_future *future, void *argument) {
    (void)argument;
    bool strange = false;
    switch (lend_future_outcome(future)) {
    case LEND_SUCCEEDED:
    case LEND_EXPIRED:
        break;
    case LEND_NO_MODEL:
        strange = lend_future_error(future) != EIO;
        break;
    case LEND_PENDING:
    case LEND_FAILED:
    case LEND_CANCELLED:
        strange = true;
    }
    atomic_fetch_add(&shop.strange, strange);
    atomic_fetch_add(&shop.told, 1);
}

static void on_drop(void *argument) {
    (void)argument;
    atomic_fetch_add(&shop.dropped, 1);
}

static int submit(void *argument) {
    (void)argument;
    while (!atomic_load(&shop.over)) {
        bool overruns = chance(PER_MILLE_OVERRUN);
        struct lend_job_spec spec = LEND_JOB(.run = overruns ? overrun : run_in_time,
                                             .done = on_done, .drop_argument = on_drop);
        spec.deadline = overruns ? lend_within_ms(2) : LEND_FOREVER;
        int error = lend_submit(shop.executor, &spec, NULL);
        if (error != 0 && error != ETIMEDOUT)
            atomic_fetch_add(&shop.strange, 1);
    }
    return 0;
}

/* the test */

static bool is_whole(const struct lend_pool_stats *stats) {
    uint32_t sum = stats->free + stats->lent + stats->loading + stats->retiring + stats->lost;
    return stats->models == sum && sum <= MODELS + SPARES;
}

static uint64_t borrows_wanted(void) {
    const char *text = getenv("LEND_STRESS_BORROWS");
    return text != NULL ? strtoull(text, NULL, 10) : BORROWS;
}

/* Until enough was lent. Returns how many snapshots there were; those that were not whole are added
 * to *ret_torn. */
static uint64_t watch(uint64_t wanted, uint64_t *ret_torn) {
    uint64_t snapshots = 0;
    lend_deadline end = lend_within_ms(LEND_MS);
    struct lend_pool_stats stats;
    do {
        stats = stats_of(shop.pool);
        snapshots++;
        *ret_torn += !is_whole(&stats);
    } while (stats.grants < wanted && await_pause(end));
    return snapshots;
}

/* With the loader still at fault. How long it took, END_MS if it has not. */
static int64_t end_whole(uint64_t *ret_torn) {
    lend_deadline end = lend_within_ms(END_MS);
    struct lend_pool_stats stats;
    do {
        stats = stats_of(shop.pool);
        *ret_torn += !is_whole(&stats);
    } while ((stats.free != MODELS || stats.models != MODELS) && await_pause(end));
    return END_MS - lend_deadline_left_ms(end);
}

static void start_all(struct test_thread *threads) {
    for (int i = 0; i < BORROWERS + SUBMITTERS; i++)
        thread_start(&threads[i], i < BORROWERS ? borrow : submit, NULL);
}

static void end_all(struct test_thread *threads) {
    atomic_store(&shop.over, true);
    for (int i = 0; i < BORROWERS + SUBMITTERS; i++)
        assert_int_equal(thread_join(&threads[i]), 0);
}

static void print_summary(const struct lend_pool_stats *stats,
                          const struct lend_executor_stats *jobs, uint64_t snapshots,
                          int64_t end_ms) {
    print_message("%" PRIu64 " leases, %" PRIu64 " of them to jobs; %" PRIu64
                  " models failed their reset, %" PRIu64 " loads failed, %" PRIu64
                  " did not; %" PRIu64 " jobs overran; %" PRIu64
                  " asked while no model was left; %" PRIu64 " snapshots; whole after %" PRId64
                  " ms more\n",
                  stats->grants, stats->grants - atomic_load(&shop.borrowed), stats->broken,
                  stats->load_failures, stats->loads, jobs->overran,
                  atomic_load(&shop.in_vain) + jobs->no_model, snapshots, end_ms);
}

static void a_pool_that_fails_in_every_way_lends_on_and_ends_whole(void **state) {
    (void)state;
    struct test_thread threads[BORROWERS + SUBMITTERS];
    static const struct lend_model_ops ops =
        LEND_MODEL_OPS(.load = load, .unload = unload, .reset = reset);
    uint64_t wanted = borrows_wanted(), torn = 0;
    assert_int_equal(lend_pool_open(&shop.pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = MODELS,
                                                                   .spares = SPARES)),
                     0);
    assert_int_equal(
        lend_executor_open(&shop.executor,
                           &LEND_EXECUTOR_OPTIONS(.pool = shop.pool, .workers = WORKERS,
                                                  .when_full = LEND_FULL_WAIT)),
        0);
    atomic_store(&shop.faulty, true);
    start_all(threads);
    uint64_t snapshots = watch(wanted, &torn);
    end_all(threads);
    struct lend_executor_stats jobs;
    assert_true(eventually(executor_stats_of(shop.executor).pending == 0));
    assert_true(
        eventually(atomic_load(&shop.dropped) == executor_stats_of(shop.executor).accepted));
    jobs = executor_stats_of(shop.executor);
    assert_int_equal(lend_executor_close(shop.executor, LEND_FOREVER), 0);
    int64_t end_ms = end_whole(&torn);

    struct lend_pool_stats stats = stats_of(shop.pool);
    print_summary(&stats, &jobs, snapshots, end_ms);
    assert_int_equal(torn, 0);
    assert_int_equal(stats.free, MODELS);
    assert_int_equal(stats.models, MODELS);
    assert_true(stats.grants >= wanted);
    assert_true(stats.broken > 0 && stats.load_failures > 0 && jobs.overran > 0);
    assert_int_equal(atomic_load(&shop.strange), 0);
    assert_int_equal(atomic_load(&shop.shared), 0);
    assert_int_equal(atomic_load(&shop.alive), MODELS);
    assert_int_equal(atomic_load(&shop.told), jobs.accepted);
    assert_int_equal(jobs.accepted, jobs.succeeded + jobs.expired + jobs.no_model);
    assert_int_equal(lend_pool_close(shop.pool, LEND_NOW, NULL), 0);
    assert_int_equal(atomic_load(&shop.alive), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_that_fails_in_every_way_lends_on_and_ends_whole),
    };
    return cmocka_run_group_tests_name("faulty_pool", tests, NULL, NULL);
}
