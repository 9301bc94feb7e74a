/* SPDX-License-Identifier: MIT
 *
 * Nested borrowing: 16 threads hold models of 4 pools while they wait for more, in any order, most
 * of them for ever. Every wait ends, each refusal shows a closed ring of waits, and no model is
 * lost.
 *
 * LEND_STRESS_SECONDS in the environment sets how long; the default is short. */
#include "support/await.h"
#include "support/thread.h"

#include <lend/lend.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { POOLS = 4, THREADS = 16, DEPTH = 4, SECONDS = 4 };

static const uint32_t pool_models[POOLS] = {1, 2, 3, 5};

struct model {
    atomic_uint users;
};

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context;
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return lend_reason_set(reason, ENOMEM, "no memory");
    *ret_model = model;
    return 0;
}

static void unload(void *model, void *context) {
    (void)context;
    free(model);
}

struct borrower {
    lend_pool **pools;
    lend_deadline end;
    uint64_t random;
    uint64_t granted, refused, timed_out;
    uint64_t shared; /* a model that somebody else had too */
    uint64_t odd;    /* refusals without a ring, and errors that should not be */
    char ring[1024]; /* the last one in words */
    struct test_thread thread;
};

static uint32_t below(struct borrower *self, uint32_t bound) {
    self->random = self->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(self->random >> 33) % bound;
}

/* Each step's holder waits in the next; the last one's in one of the steps. */
static bool is_ring(const struct lend_report *report) {
    if (report == NULL || report->step_count == 0)
        return false;
    for (size_t i = 0; i + 1 < report->step_count; i++)
        if (report->steps[i].holder_tid != report->steps[i + 1].tid)
            return false;
    uint32_t last = report->steps[report->step_count - 1].holder_tid;
    for (size_t i = 0; i < report->step_count; i++)
        if (report->steps[i].tid == last)
            return true;
    return false;
}

static void note_refusal(struct borrower *self, const struct lend_lease *lease) {
    const struct lend_report *report = lend_lease_report(lease);
    switch (lend_lease_error(lease)) {
    case EDEADLK:
        self->refused++;
        self->odd += !is_ring(report);
        lend_report_print(report, self->ring, sizeof self->ring);
        break;
    case ETIMEDOUT:
        self->timed_out++;
        break;
    default:
        self->odd++;
    }
}

/* Take one more, use it, go deeper, give it back. */
static void borrow(struct borrower *self, int depth) {
    lend_deadline patience = below(self, 4) == 0 ? lend_within_ms(50) : LEND_FOREVER;
    lend_with (lease, self->pools[below(self, POOLS)], patience) {
        struct model *model = lease.model;
        self->granted++;
        self->shared += atomic_fetch_add(&model->users, 1) != 0;
        if (depth < DEPTH && below(self, 3) != 0)
            borrow(self, depth + 1);
        atomic_fetch_sub(&model->users, 1);
    } lend_else {
        note_refusal(self, &lease);
    } lend_end
}

static int borrow_until_the_end(void *argument) {
    struct borrower *self = argument;
    while (lend_deadline_left_ms(self->end) > 0)
        borrow(self, 1);
    return 0;
}

static int64_t seconds(void) {
    const char *text = getenv("LEND_STRESS_SECONDS");
    return text != NULL ? strtol(text, NULL, 10) : SECONDS;
}

static void every_wait_ends_and_no_model_is_lost(void **state) {
    (void)state;
    lend_pool *pools[POOLS];
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);
    for (int i = 0; i < POOLS; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        assert_int_equal(lend_pool_open(&pools[i], &LEND_POOL_OPTIONS(.name = name, .ops = &ops,
                                                                      .models = pool_models[i],
                                                                      .waiters_max = THREADS)),
                         0);
    }
    static struct borrower borrowers[THREADS];
    lend_deadline end = lend_within_ms(seconds() * 1000);
    for (int i = 0; i < THREADS; i++) {
        borrowers[i] = (struct borrower){.pools = pools, .end = end, .random = (uint64_t)i + 1};
        thread_start(&borrowers[i].thread, borrow_until_the_end, &borrowers[i]);
    }
    while (await_pause(end))
        ;
    static struct borrower sum;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(thread_join(&borrowers[i].thread), 0);
        sum.granted += borrowers[i].granted;
        sum.refused += borrowers[i].refused;
        sum.timed_out += borrowers[i].timed_out;
        sum.shared += borrowers[i].shared;
        sum.odd += borrowers[i].odd;
        if (borrowers[i].ring[0] != '\0')
            memcpy(sum.ring, borrowers[i].ring, sizeof sum.ring);
    }
    print_message("%llu borrows, %llu refused as deadlocks, %llu timed out\n%s\n",
                  (unsigned long long)sum.granted, (unsigned long long)sum.refused,
                  (unsigned long long)sum.timed_out, sum.ring);
    assert_int_equal(sum.shared, 0);
    assert_int_equal(sum.odd, 0);
    assert_true(sum.refused > 0);
    for (int i = 0; i < POOLS; i++) {
        struct lend_pool_stats stats;
        assert_int_equal(lend_pool_stats_get(pools[i], &stats), 0);
        assert_int_equal(stats.free, pool_models[i]);
        assert_int_equal(lend_pool_close(pools[i], LEND_NOW, NULL), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wait_ends_and_no_model_is_lost),
    };
    return cmocka_run_group_tests_name("nested", tests, NULL, NULL);
}
