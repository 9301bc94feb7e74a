/* SPDX-License-Identifier: MIT
 *
 * Requests by the hundred thousand: two loops and two threads on four models; about a third of all
 * requests is cancelled at random moments, another is out of time: how many, the scheduler decides.
 * Each is answered once or was cancelled, every model is back, and there is no more memory or
 * descriptor in use than before.
 *
 * LEND_STRESS_REQUESTS in the environment sets how many; the default is short. */
#include "support/allocated.h"
#include "support/await.h"
#include "support/loop.h"
#include "support/thread.h"

#include <dirent.h>
#include <lend/lend.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

enum {
    MODELS = 4,
    LOOPS = 2,
    THREADS = 2,
    REQUESTS = 60000,
    UNDER_WAY_MAX = 400,
    CALM_MAX = 4,
    HELD_MAX = 2
};

enum kind { PATIENT, CANCELLED, HASTY };

struct loop;

struct ask {
    struct loop *loop;
    enum kind kind;
    unsigned answers; /* by its callback; plain on purpose: the loop's own thread only */
    bool cancelled;   /* the cancel said so */
    lend_request *request;
    struct ask *previous, *next; /* among those under way */
};

struct loop {
    lend_pool *pool;
    lend_completions *queue;
    uint64_t random;
    size_t asks_count, asked;
    struct ask *asks;
    struct ask *under_way; /* any order */
    unsigned under_way_count;
    struct lend_lease held[HELD_MAX];
    uint64_t granted, timed_out, cancelled, odd;
    size_t first_kib; /* resident, when the first quarter was over */
    struct test_thread thread;
};

static atomic_uint users[MODELS]; /* of each model */
static atomic_bool loops_are_over;
static atomic_ulong shared; /* models that two had at once */

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    static atomic_uint loaded;
    (void)context;
    (void)reason;
    *ret_model = &users[atomic_fetch_add(&loaded, 1) % MODELS];
    return 0;
}

static void unload(void *model, void *context) {
    (void)model;
    (void)context;
}

static void begin_use(atomic_uint *model) {
    if (atomic_fetch_add(model, 1) != 0)
        atomic_fetch_add(&shared, 1);
}

static void end_use(atomic_uint *model) {
    atomic_fetch_sub(model, 1);
}

static void give_back(struct lend_lease *lease) {
    if (!lend_lease_ok(lease))
        return;
    end_use(lease->model);
    lend_release(lease);
}

static uint32_t below(uint64_t *random, uint32_t bound) {
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*random >> 33) % bound;
}

/* the loop's requests under way */

static void add(struct loop *loop, struct ask *ask) {
    ask->next = loop->under_way;
    if (ask->next != NULL)
        ask->next->previous = ask;
    loop->under_way = ask;
    loop->under_way_count++;
}

static void drop(struct loop *loop, struct ask *ask) {
    if (ask->previous != NULL)
        ask->previous->next = ask->next;
    else
        loop->under_way = ask->next;
    if (ask->next != NULL)
        ask->next->previous = ask->previous;
    ask->previous = ask->next = NULL;
    loop->under_way_count--;
}

/* A model stays for a while: until as many others have come after it. */
static void told(struct lend_lease *lease, void *argument) {
    struct ask *ask = argument;
    struct loop *loop = ask->loop;
    ask->answers++;
    loop->odd += ask->answers != 1 || ask->cancelled;
    drop(loop, ask);
    if (!lend_lease_ok(lease)) {
        loop->timed_out += lend_lease_error(lease) == ETIMEDOUT;
        loop->odd += lend_lease_error(lease) != ETIMEDOUT || lend_lease_report(lease) == NULL;
        return;
    }
    loop->granted++;
    begin_use(lease->model);
    uint32_t place = below(&loop->random, HELD_MAX);
    give_back(&loop->held[place]);
    loop->held[place] = lend_lease_take(lease);
}

/* Some of the hasty are in luck. */
static const enum kind kinds[] = {CANCELLED, HASTY, HASTY, CANCELLED, HASTY, HASTY,
                                  CANCELLED, HASTY, HASTY, CANCELLED, HASTY, PATIENT};

static void ask_for_one(struct loop *loop) {
    struct ask *ask = &loop->asks[loop->asked];
    ask->loop = loop;
    ask->kind = kinds[loop->asked++ % (sizeof kinds / sizeof *kinds)];
    lend_deadline patience = LEND_FOREVER;
    if (ask->kind == HASTY)
        patience = below(&loop->random, 2) == 0 ? (lend_deadline){1} : lend_within_ms(1);
    uint64_t task = below(&loop->random, 3) == 0 ? 0 : 1 + (uint64_t)(ask - loop->asks);
    struct lend_request_spec spec =
        LEND_REQUEST(.queue = loop->queue, .acquired = told, .argument = ask, .task = task);
    add(loop, ask);
    if (lend_acquire_later(loop->pool, patience, &spec, &ask->request) != 0)
        loop->odd++;
}

static void cancel(struct loop *loop, struct ask *ask) {
    loop->odd += lend_request_cancel(ask->request) != 0;
    loop->cancelled++;
    ask->cancelled = true;
    drop(loop, ask);
}

/* Somewhere among those that came last. */
static void cancel_some(struct loop *loop) {
    uint32_t skip = below(&loop->random, 8);
    struct ask *ask = loop->under_way;
    while (ask != NULL && (ask->kind != CANCELLED || skip-- > 0))
        ask = ask->next;
    if (ask != NULL)
        cancel(loop, ask);
}

static void cancel_all(struct loop *loop) {
    for (struct ask *ask = loop->under_way, *next; ask != NULL; ask = next) {
        next = ask->next;
        if (ask->kind == CANCELLED)
            cancel(loop, ask);
    }
}

static void give_back_all(struct loop *loop) {
    for (int i = 0; i < HELD_MAX; i++)
        give_back(&loop->held[i]);
}

/* In KiB. */
static size_t resident(void) {
    unsigned long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* For a part of the time hardly anybody waits, and more cancels meet a grant. */
static unsigned under_way_max(const struct loop *loop) {
    return (loop->asked >> 10) % 8 == 0 ? CALM_MAX : UNDER_WAY_MAX;
}

static int run_loop(void *argument) {
    struct loop *loop = argument;
    lend_thread_forbid_blocking(true);
    while (loop->asked < loop->asks_count) {
        if (loop->under_way_count < under_way_max(loop))
            ask_for_one(loop);
        if (below(&loop->random, 3) == 0)
            cancel_some(loop);
        if (below(&loop->random, 4) == 0)
            lend_completions_run(loop->queue, 1 + below(&loop->random, 16));
        if (below(&loop->random, 32) == 0)
            give_back_all(loop);
        if (loop->asked == loop->asks_count / 4)
            loop->first_kib = resident();
    }
    cancel_all(loop);
    while (loop->under_way_count > 0) {
        give_back_all(loop);
        if (!loop_wait(loop->queue))
            return ETIMEDOUT;
        lend_completions_run(loop->queue, 16);
    }
    give_back_all(loop);
    return lend_completions_close(loop->queue);
}

static int borrow_until_the_end(void *argument) {
    uint64_t random = 17;
    while (!atomic_load(&loops_are_over)) {
        lend_with (lease, argument, lend_within_ms(1 + below(&random, 20))) {
            begin_use(lease.model);
            end_use(lease.model);
        }
        lend_else {
            if (lend_lease_error(&lease) != ETIMEDOUT)
                return lend_lease_error(&lease);
        }
        lend_end
    }
    return 0;
}

static size_t count_descriptors(void) {
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

static size_t how_many(void) {
    const char *text = getenv("LEND_STRESS_REQUESTS");
    return text != NULL ? (size_t)strtoul(text, NULL, 10) : REQUESTS;
}

static void start(struct loop *loops, lend_pool *pool, size_t each) {
    for (int i = 0; i < LOOPS; i++) {
        loops[i] = (struct loop){.pool = pool, .random = (uint64_t)i + 1, .asks_count = each};
        loops[i].asks = malloc(each * sizeof *loops[i].asks);
        assert_non_null(loops[i].asks);
        memset(loops[i].asks, 0, each * sizeof *loops[i].asks); /* resident from here on */
        loops[i].queue = loop_open();
    }
    for (int i = 0; i < LOOPS; i++)
        thread_start(&loops[i].thread, run_loop, &loops[i]);
}

/* Each was answered once or cancelled. */
static void check(const struct loop *loop) {
    assert_int_equal(loop->odd, 0);
    assert_int_equal(loop->granted + loop->timed_out + loop->cancelled, loop->asks_count);
    for (size_t i = 0; i < loop->asks_count; i++)
        assert_int_equal(loop->asks[i].answers + loop->asks[i].cancelled, 1);
    size_t grown_kib = resident();
    grown_kib = grown_kib > loop->first_kib ? grown_kib - loop->first_kib : 0;
    print_message("%zu requests: %llu granted, %llu timed out, %llu cancelled; %zu KiB more\n",
                  loop->asks_count, (unsigned long long)loop->granted,
                  (unsigned long long)loop->timed_out, (unsigned long long)loop->cancelled,
                  grown_kib);
    assert_true(loop->granted > 0 && loop->timed_out > 0 && loop->cancelled > 0);
    assert_true(SANITIZED || grown_kib < 8 * 1024);
}

static void run_it(void) {
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);
    lend_pool *pool;
    struct loop loops[LOOPS];
    struct test_thread threads[THREADS];
    assert_int_equal(
        lend_pool_open(&pool, &LEND_POOL_OPTIONS(.name = "stress", .ops = &ops, .models = MODELS,
                                                 .waiters_max = 100000)),
        0);
    atomic_store(&loops_are_over, false);
    start(loops, pool, how_many() / LOOPS);
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], borrow_until_the_end, pool);
    for (int i = 0; i < LOOPS; i++)
        while (!gate_is_open(&loops[i].thread.ended))
            await_pause(LEND_FOREVER);
    atomic_store(&loops_are_over, true);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(thread_join(&loops[i].thread), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_join(&threads[i]), 0);
    for (int i = 0; i < LOOPS; i++)
        check(&loops[i]);
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.free, MODELS);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.bad_releases, 0);
    assert_int_equal(atomic_load(&shared), 0);
    assert_int_equal(lend_pool_close(pool, LEND_NOW, NULL), 0);
    for (int i = 0; i < LOOPS; i++)
        free(loops[i].asks);
}

static void each_request_has_one_end_and_nothing_stays_behind(void **state) {
    (void)state;
    size_t descriptors = count_descriptors();
    size_t before = bytes_allocated();
    run_it();
    size_t after = bytes_allocated();
    assert_int_equal(count_descriptors(), descriptors);
    print_message("%zu bytes of the heap in use before, %zu after\n", before, after);
    assert_true(SANITIZED || after < before + 64 * 1024);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_one_end_and_nothing_stays_behind),
    };
    return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
