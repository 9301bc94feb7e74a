/* SPDX-License-Identifier: MIT
 *
 * Ways in which other pools lose a resource for good: an error path without a release, a grant that
 * nobody takes because its waiter gave up at that moment, an interrupt between the grant and its
 * being noted, a thread that ends with what it had. Here the model is back each time. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/events.h"
#include "support/fake_model.h"
#include "support/pace.h"
#include "support/workshop.h"

#include <lend/scope.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#define MODELS 4

/* All that there are, and none of them was lost on the way. */
static void check_all_free(lend_pool *pool, uint32_t models) {
    struct lend_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.models, models);
    assert_int_equal(stats.free, models);
}

/* an error on the way, and no release after it */

static int fail_in_run(void *model, void *argument) {
    (void)argument;
    fake_use(model);
    return EBADMSG;
}

/* Out of a borrowed block in a different way each time. */
static int leave(lend_pool *pool, unsigned way) {
    lend_with (page, pool, LEND_BY_DEFAULT) {
        fake_use(page.model);
        switch (way % 4) {
        case 0:
            return EBADMSG;
        case 1:
            goto failed;
        case 2:
            break;
        case 3:
            return lend_run(pool, LEND_BY_DEFAULT, fail_in_run, NULL);
        }
    }
    lend_else {
        return lend_lease_error(&page);
    }
    lend_end return EBADMSG;
failed:
    return EBADMSG;
}

static void after_a_hundred_thousand_failures_every_model_is_back(void **state) {
    (void)state;
    struct fakes fakes = {0};
    unsigned strange = 0, failures = (unsigned)rounds(100000, 1000);
    lend_pool *pool = fakes_pool(&fakes, .models = MODELS);
    for (unsigned i = 0; i < failures; i++)
        strange += leave(pool, i) != EBADMSG;
    assert_int_equal(strange, 0);
    check_all_free(pool, MODELS);
    fakes_close(&fakes, pool);
}

static int fail_in_job(void *model, void *argument, lend_job *job) {
    (void)model;
    (void)argument;
    return lend_job_explain(job, EBADMSG, "the page cannot be read");
}

static void the_fourth_failing_job_does_not_empty_a_pool_of_four(void **state) {
    (void)state;
    struct workshop shop;
    workshop_open(&shop, MODELS, NULL);
    for (int i = 0; i < rounds(1000, 50); i++) {
        lend_future *future;
        assert_int_equal(lend_submit(shop.executor, &LEND_JOB(.run = fail_in_job), &future), 0);
        assert_int_equal(lend_future_join(future, lend_within_ms(PATIENCE_MS)), 0);
        assert_int_equal(lend_future_error(future), EBADMSG);
        lend_future_drop(future);
    }
    check_all_free(shop.pool, MODELS);
    workshop_close(&shop);
}

/* a job that is cancelled, and its model with it */

static void four_cancelled_jobs_do_not_empty_a_pool_of_four(void **state) {
    (void)state;
    struct workshop shop;
    struct held_job jobs[2 * MODELS]; /* half of them run, half of them are queued */
    lend_future *futures[2 * MODELS];
    workshop_open(&shop, MODELS, NULL);
    for (int i = 0; i < 2 * MODELS; i++) {
        held_job_init(&jobs[i]);
        jobs[i].heeds = true;
        futures[i] = held_job_submit(&shop, &jobs[i], LEND_FOREVER);
    }
    for (int i = 0; i < MODELS; i++)
        assert_true(tally_wait(&jobs[i].started, 1));
    for (int i = 2 * MODELS - 1; i >= 0; i--)
        assert_int_equal(lend_future_cancel(futures[i]), i < MODELS ? EINPROGRESS : 0);
    for (int i = 0; i < 2 * MODELS; i++) {
        assert_int_equal(lend_future_join(futures[i], lend_within_ms(PATIENCE_MS)), 0);
        assert_int_equal(lend_future_outcome(futures[i]), LEND_CANCELLED);
        lend_future_drop(futures[i]);
    }
    check_all_free(shop.pool, MODELS);
    workshop_close(&shop);
    for (int i = 0; i < 2 * MODELS; i++)
        held_job_deinit(&jobs[i]);
}

/* a waiter that gives up just when it is granted */

static void a_waiter_that_times_out_as_it_is_granted_swallows_nothing(void **state) {
    (void)state;
    struct fakes fakes = {0};
    unsigned granted = 0, timed_out = 0, strange = 0;
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .ops = &fake_plain_ops);
    for (int i = 0; i < rounds(1000, 100); i++) {
        struct lend_lease held = borrow_now(pool);
        lend_deadline both = lend_within_ms(1 + i % 2);
        struct borrower waiter = {.pool = pool, .deadline = both};
        both.at_ns += (i % 100 - 50) * 2000; /* within 100 us of it */
        borrower_start(&waiter);
        while (lend_deadline_left_ms(both) > 0)
            sched_yield();
        lend_release(&held);
        int error = borrower_join(&waiter);
        granted += error == 0;
        timed_out += error == ETIMEDOUT;
        strange += error != 0 && error != ETIMEDOUT;
        check_all_free(pool, 1);
    }
    print_message("%u granted, %u timed out\n", granted, timed_out);
    assert_int_equal(strange, 0);
    fakes_close(&fakes, pool);
}

/* an interrupt between having it and knowing of it */

struct interrupted {
    lend_pool *pool;
    struct gate begun;
};

/* Out of sight of AddressSanitizer, that takes a frame which was unwound for still being there, and
 * then stumbles over it itself. */
__attribute__((__no_sanitize_address__)) static int use_until_cancelled(void *argument) {
    struct interrupted *self = argument;
    gate_open(&self->begun);
    for (;;) {
        pthread_testcancel();
        lend_with (page, self->pool, LEND_BY_DEFAULT) {
            fake_begin(page.model);
            fake_end(page.model);
            pthread_testcancel();
        }
        lend_else {
            return lend_lease_error(&page);
        }
        lend_end
    }
}

static void a_thread_that_is_cancelled_at_any_point_takes_nothing_along(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 2);
    for (int round = 0; round < rounds(50, 2); round++) {
        struct interrupted interrupted[4];
        struct test_thread threads[4];
        for (int i = 0; i < 4; i++) {
            interrupted[i].pool = pool;
            gate_init(&interrupted[i].begun);
            thread_start(&threads[i], use_until_cancelled, &interrupted[i]);
        }
        for (int i = 0; i < 4; i++)
            assert_true(gate_wait(&interrupted[i].begun));
        for (int i = 0; i < 4; i++)
            thread_cancel(&threads[i]);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(thread_join(&threads[i]), THREAD_LEFT);
            gate_deinit(&interrupted[i].begun);
        }
        check_all_free(pool, 2);
    }
    fakes_close(&fakes, pool);
}

/* threads that end with what they have */

static int borrow_and_end(void *pool) {
    struct lend_lease lease = lend_acquire(pool, LEND_BY_DEFAULT);
    if (lend_lease_ok(&lease))
        fake_use(lease.model);
    return lend_lease_error(&lease);
}

static void threads_that_end_with_their_models_starve_nobody(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct events events;
    struct lend_model_ops unchecked = fake_ops; /* a fake minds a check after a use */
    unchecked.check = NULL;
    events_init(&events);
    lend_pool *pool = fakes_pool(&fakes, .models = 2, .ops = &unchecked, .sink = events_record,
                                 .sink_context = &events);
    int times = rounds(100, 20);
    for (int round = 0; round < times; round++) {
        struct test_thread threads[4]; /* twice as many as there are models */
        for (int i = 0; i < 4; i++)
            thread_start(&threads[i], borrow_and_end, pool);
        for (int i = 0; i < 4; i++)
            assert_int_equal(thread_join(&threads[i]), 0);
    }
    assert_true(eventually(stats_of(pool).free == 2));
    assert_int_equal(stats_of(pool).events, 4 * times);
    /* of those that were kept */
    assert_int_equal(events_count_of(&events, LEND_EVENT_LEASE_LEFT), EVENTS_MAX);
    fakes_close(&fakes, pool);
    events_deinit(&events);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_hundred_thousand_failures_every_model_is_back),
        cmocka_unit_test(the_fourth_failing_job_does_not_empty_a_pool_of_four),
        cmocka_unit_test(four_cancelled_jobs_do_not_empty_a_pool_of_four),
        cmocka_unit_test(a_waiter_that_times_out_as_it_is_granted_swallows_nothing),
        cmocka_unit_test(a_thread_that_is_cancelled_at_any_point_takes_nothing_along),
        cmocka_unit_test(threads_that_end_with_their_models_starve_nobody),
    };
    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
