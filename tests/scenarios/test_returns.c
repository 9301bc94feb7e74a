/* SPDX-License-Identifier: MIT
 *
 * Returners that spin, or wait, until the one they return to has taken what they bring: in other
 * pools a few of them burn every core while the taker has no core to run on. Here whoever gives a
 * model back is through with it, whether the one who waits for it comes or not. */
#include "support/await.h"
#include "support/borrower.h"
#include "support/fake_model.h"
#include "support/pace.h"

#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MODELS 4

/* A thread that gets the signal stays in its handler until it is thawed: the kernel wakes it, and
 * it does not come. */
static sem_t frozen, thawed;

static void freeze(int signal) {
    (void)signal;
    sem_post(&frozen);
    while (sem_wait(&thawed) != 0)
        ;
}

struct waiter {
    lend_pool *pool;
    atomic_int tid;
    struct test_thread thread;
};

static int wait_for_model(void *argument) {
    struct waiter *self = argument;
    atomic_store(&self->tid, (int)syscall(SYS_gettid));
    struct lend_lease lease = lend_acquire(self->pool, LEND_FOREVER);
    int error = lend_lease_error(&lease);
    if (error == 0)
        fake_use(lease.model);
    lend_release(&lease);
    return error;
}

/* In the kernel, which for one that is queued means: on the condition that it is woken by. */
static bool is_asleep(const struct waiter *waiter) {
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&waiter->tid));
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    if (file != NULL)
        fclose(file);
    return state == 'S';
}

static void queue_up_and_freeze(struct waiter *waiter, lend_pool *pool) {
    uint32_t waiting = stats_of(pool).waiting;
    waiter->pool = pool;
    thread_start(&waiter->thread, wait_for_model, waiter);
    assert_true(eventually(stats_of(pool).waiting == waiting + 1));
    assert_true(eventually(is_asleep(waiter)));
    assert_int_equal(pthread_kill(waiter->thread.handle, SIGUSR1), 0);
    while (sem_wait(&frozen) != 0)
        ;
}

static int64_t cpu_time_ns(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

struct returner {
    struct lend_lease lease;
    int64_t used_ns;
    struct test_thread thread;
};

static int give_back(void *argument) {
    struct returner *self = argument;
    int error = lend_lease_adopt(&self->lease);
    int64_t before_ns = cpu_time_ns();
    lend_release(&self->lease);
    self->used_ns = cpu_time_ns() - before_ns;
    return error;
}

/* All are through although nobody has taken anything: that alone excludes that they wait. And for
 * certain none has spun for a while first and then given in: a hundredth of a second is more than
 * ten thousand times what a return takes. */
static void a_return_does_not_wait_for_the_one_it_returns_to(void **state) {
    (void)state;
    struct fakes fakes = {0};
    struct waiter waiters[MODELS] = {0};
    struct returner returners[MODELS];
    lend_pool *pool = fakes_pool(&fakes, .models = MODELS);
    for (int i = 0; i < MODELS; i++)
        returners[i].lease = borrow_detached(pool);
    for (int i = 0; i < MODELS; i++)
        queue_up_and_freeze(&waiters[i], pool);
    for (int i = 0; i < MODELS; i++)
        thread_start(&returners[i].thread, give_back, &returners[i]);
    for (int i = 0; i < MODELS; i++) {
        assert_int_equal(thread_join(&returners[i].thread), 0);
        assert_true(returners[i].used_ns < paced_ms(10) * 1000000);
    }
    assert_int_equal(stats_of(pool).lent, MODELS); /* to those who do not come */
    for (int i = 0; i < MODELS; i++)
        sem_post(&thawed);
    for (int i = 0; i < MODELS; i++)
        assert_int_equal(thread_join(&waiters[i].thread), 0);
    assert_int_equal(stats_of(pool).free, MODELS);
    fakes_close(&fakes, pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_return_does_not_wait_for_the_one_it_returns_to),
    };
    struct sigaction action = {.sa_handler = freeze};
    sem_init(&frozen, 0, 0);
    sem_init(&thawed, 0, 0);
    sigaction(SIGUSR1, &action, NULL);
    return cmocka_run_group_tests_name("returns", tests, NULL, NULL);
}
