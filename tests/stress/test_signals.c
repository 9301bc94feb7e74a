/* SPDX-License-Identifier: MIT
 *
 * Signals at 10 kHz into threads that borrow and wait, and a process that exits while its workers
 * work: nothing hangs, and no model is lost. */
#include "support/thread.h"
#include "support/workshop.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { BORROWERS = 3, MODELS = 2, SIGNALS = 10000 };

static atomic_uint signals_seen;

static void count_signal(int number) {
    (void)number;
    atomic_fetch_add(&signals_seen, 1);
}

struct victim {
    struct workshop *shop;
    atomic_bool over;
    uint64_t borrows, odd;
    struct test_thread thread;
};

/* Borrow, wait for a job, with deadlines and without: whatever a signal could interrupt. */
static int borrow_and_wait(void *argument) {
    struct victim *self = argument;
    while (!atomic_load(&self->over)) {
        struct lend_lease lease = lend_acquire(self->shop->pool, LEND_FOREVER);
        self->odd += lend_lease_error(&lease) != 0;
        self->borrows++;
        lend_release(&lease);
        lend_future *future;
        int error = lend_submit(self->shop->executor, &LEND_JOB(.run = plain_job_run), &future);
        if (error != 0) {
            self->odd += error != EAGAIN;
            continue;
        }
        self->odd += lend_future_wait(future, lend_within_ms(PATIENCE_MS)) != 0;
        self->odd += lend_future_error(future) != 0;
        lend_future_drop(future);
    }
    return 0;
}

static void send_signals(struct victim *victims) {
    const struct timespec tenth_of_a_ms = {.tv_nsec = 100000};
    for (int i = 0; i < SIGNALS; i++) {
        pthread_kill(victims[i % BORROWERS].thread.handle, SIGUSR1);
        nanosleep(&tenth_of_a_ms, NULL);
    }
}

static void signals_interrupt_no_wait(void **state) {
    (void)state;
    struct workshop shop;
    static struct victim victims[BORROWERS];
    struct sigaction action = {.sa_handler = count_signal}; /* without SA_RESTART */
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    workshop_open(&shop, MODELS, NULL);
    for (int i = 0; i < BORROWERS; i++) {
        victims[i].shop = &shop;
        thread_start(&victims[i].thread, borrow_and_wait, &victims[i]);
    }
    send_signals(victims);
    for (int i = 0; i < BORROWERS; i++)
        atomic_store(&victims[i].over, true);
    uint64_t borrows = 0;
    for (int i = 0; i < BORROWERS; i++) {
        assert_int_equal(thread_join(&victims[i].thread), 0);
        assert_int_equal(victims[i].odd, 0);
        borrows += victims[i].borrows;
    }
    print_message("%u signals, %llu borrows\n", atomic_load(&signals_seen),
                  (unsigned long long)borrows);
    assert_true(atomic_load(&signals_seen) > 0);
    assert_true(borrows > 0);
    assert_int_equal(stats_of(shop.pool).free, MODELS);
    workshop_close(&shop);
}

/* In a child of its own, forked before there was any thread. */
static void exit_while_workers_work(void) {
    static struct workshop shop;
    static struct held_job held;
    alarm(20);
    held_job_init(&held);
    workshop_open(&shop, MODELS, NULL);
    (void)held_job_submit(&shop, &held, LEND_FOREVER);
    bool busy = tally_wait(&held.started, 1);
    for (int i = 0; i < 4; i++)
        busy = lend_submit(shop.executor, &LEND_JOB(.run = plain_job_run), NULL) == 0 && busy;
    exit(busy ? 0 : 1);
}

static void a_process_may_exit_while_its_workers_work(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            exit_while_workers_work();
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_may_exit_while_its_workers_work),
        cmocka_unit_test(signals_interrupt_no_wait),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
