/* SPDX-License-Identifier: MIT
 *
 * Who is named in a report: threads and jobs, oldest first. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/pace.h"
#include "support/workshop.h"

#include <lend/executor.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static void a_thread_is_named_by_the_kernels_number(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    const struct lend_site *here = LEND_HERE;
    struct lend_lease lease = lend_acquire_at(pool, LEND_NOW, here);
    struct lend_lease failed = lend_acquire(pool, LEND_NOW);
    const struct lend_holder *holder = lend_lease_report(&failed)->holders;
    uint32_t tid = (uint32_t)syscall(SYS_gettid);
    assert_int_equal(holder->slot, 0);
    assert_int_equal(holder->kind, LEND_OWNER_THREAD);
    assert_int_equal(holder->id, tid);
    assert_int_equal(holder->tid, tid);
    assert_ptr_equal(holder->site, here);
    char text[512], thread[64];
    snprintf(thread, sizeof thread, "#0 thread %u for ", tid);
    lend_report_print(lend_lease_report(&failed), text, sizeof text);
    assert_non_null(strstr(text, thread));
    lend_release(&failed);
    lend_release(&lease);
    fakes_close(&fakes, pool);
}

static void a_job_is_named_by_its_number(void **state) {
    (void)state;
    struct fakes fakes = {0};
    const struct lend_site *here = LEND_HERE;
    struct held_job held;
    held_job_init(&held);
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    lend_executor *executor;
    assert_int_equal(lend_executor_open(&executor, &LEND_EXECUTOR_OPTIONS(.pool = pool)), 0);
    assert_int_equal(
        lend_submit_at(executor, &LEND_JOB(.run = held_job_run, .argument = &held), NULL, here), 0);
    assert_true(tally_wait(&held.started, 1));
    struct lend_lease failed = lend_acquire(pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->holder_count, 1);
    assert_int_equal(report->holders[0].kind, LEND_OWNER_JOB);
    assert_int_equal(report->holders[0].id, held.number);
    assert_int_not_equal(report->holders[0].tid, 0);
    assert_ptr_equal(report->holders[0].site, here);
    char text[512], job[64];
    snprintf(job, sizeof job, "1 of 1 lent: #0 job %llu (thread %u) for ",
             (unsigned long long)held.number, report->holders[0].tid);
    lend_report_print(report, text, sizeof text);
    assert_non_null(strstr(text, job));
    lend_release(&failed);
    tally_add(&held.go);
    assert_int_equal(lend_executor_close(executor, LEND_BY_DEFAULT), 0);
    fakes_close(&fakes, pool);
    held_job_deinit(&held);
}

static void holders_come_oldest_first(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 3);
    struct lend_lease leases[3];
    for (int i = 0; i < 3; i++)
        leases[i] = borrow_now(pool);
    const uint32_t ages[] = {1, 2, 0}; /* their slots, oldest first, after these renewals: */
    for (int i = 2; i >= 0; i--) {
        uint32_t slot = ages[2 - i];
        await_tick();
        lend_release(&leases[slot]);
        leases[slot] = borrow_now(pool);
    }
    struct lend_lease failed = lend_acquire(pool, LEND_NOW);
    const struct lend_report *report = lend_lease_report(&failed);
    assert_int_equal(report->holder_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(report->holders[i].slot, ages[i]);
    for (size_t i = 1; i < 3; i++)
        assert_true(report->holders[i - 1].held_ns > report->holders[i].held_ns);
    lend_release(&failed);
    for (int i = 0; i < 3; i++)
        lend_release(&leases[i]);
    fakes_close(&fakes, pool);
}

/* A thread that borrows again and again, always from the same place. */
struct regular {
    lend_pool *pool;
    const struct lend_site *site;
    atomic_uint tid;
    const atomic_bool *over;
    struct test_thread thread;
};

static int borrow_until_over(void *argument) {
    struct regular *regular = argument;
    atomic_store(&regular->tid, (uint32_t)syscall(SYS_gettid));
    while (!atomic_load(regular->over)) {
        struct lend_lease lease = lend_acquire_at(regular->pool, LEND_FOREVER, regular->site);
        lend_release(&lease);
    }
    return 0;
}

/* Does the report name each holder with the place that it borrows from? */
static bool is_truthful(const struct lend_report *report, struct regular (*regulars)[2]) {
    for (size_t i = 0; i < report->holder_count; i++) {
        const struct lend_holder *holder = &report->holders[i];
        for (int j = 0; j < 2; j++)
            if (holder->tid == atomic_load(&(*regulars)[j].tid) &&
                holder->site != (*regulars)[j].site)
                return false;
    }
    return true;
}

/* As far as real threads come to it; the simulation has them change hands at each step. */
static void a_holder_is_never_a_mixture_of_two(void **state) {
    (void)state;
    struct fakes fakes = {0};
    atomic_bool over = false;
    lend_pool *pool = fakes_pool(&fakes, .models = 1, .ops = &fake_plain_ops);
    const struct lend_site *sites[] = {LEND_HERE, LEND_HERE};
    struct regular regulars[2];
    for (int i = 0; i < 2; i++) {
        regulars[i] = (struct regular){.pool = pool, .site = sites[i], .over = &over};
        thread_start(&regulars[i].thread, borrow_until_over, &regulars[i]);
    }
    unsigned wanted = (unsigned)rounds(2000, 200), reports = 0, lies = 0;
    for (lend_deadline until = await_begin();
         reports < wanted && lend_deadline_left_ms(until) > 0;) {
        struct lend_lease lease = lend_acquire(pool, LEND_NOW);
        const struct lend_report *report = lend_lease_report(&lease);
        reports += report != NULL;
        lies += report != NULL && !is_truthful(report, &regulars);
        lend_release(&lease);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++)
        thread_join(&regulars[i].thread);
    assert_int_equal(reports, wanted);
    assert_int_equal(lies, 0);
    fakes_close(&fakes, pool);
}

static void a_lease_that_holds_a_model_has_no_report(void **state) {
    (void)state;
    struct fakes fakes = {0};
    lend_pool *pool = fakes_pool(&fakes, .models = 1);
    struct lend_lease lease = borrow_now(pool);
    assert_null(lend_lease_report(&lease));
    lend_release(&lease);
    assert_null(lend_lease_report(&lease));
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_is_named_by_the_kernels_number),
        cmocka_unit_test(a_job_is_named_by_its_number),
        cmocka_unit_test(holders_come_oldest_first),
        cmocka_unit_test(a_holder_is_never_a_mixture_of_two),
        cmocka_unit_test(a_lease_that_holds_a_model_has_no_report),
    };
    return cmocka_run_group_tests_name("holders", tests, NULL, NULL);
}
