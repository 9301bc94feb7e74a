/* SPDX-License-Identifier: MIT
 *
 *     lend-soak [--seconds N] [--seed S] [--threads T] [--pools P]
 *
 * Everything at once. Phase one: threads borrow, nest, break, hand over, resize, reload, suspend,
 * submit, cancel, fork, end with leases, close and reopen pools, while loads and resets fail and
 * signals rain. Phase two: nothing fails any more and nothing new begins; all must come to its end
 * within a bound, each pool whole, each leak told that was seeded. Ctrl-C begins phase two.
 *
 * A watchdog prints what lend knows and aborts if nothing moves for 30 s. */
#define _GNU_SOURCE /* pthread_tryjoin_np */
#include "soak/soak.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    STILL_S = 30,   /* without a step: it hangs */
    END_MS = 60000, /* phase two; a slot whose loads failed rests for 30 s at most, and a quarter */
    SAMPLES_MAX = 4096 /* of the resident memory */
};

static struct worker workers[THREADS_MAX];
static volatile sig_atomic_t interrupted;
static atomic_bool finished;
static double samples_mb[SAMPLES_MAX];
static int sample_count;

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

static void on_noise(int number) {
    (void)number;
    atomic_fetch_add(&world.signals, 1);
}

static void pause_ms(long ms) {
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* Only if nobody is in it. */
static void close_and_reopen(struct hall *hall) {
    if (pthread_rwlock_trywrlock(&hall->door) != 0)
        return;
    hall_close(hall);
    hall_open(hall);
    atomic_fetch_add(&world.reopened, 1);
    pthread_rwlock_unlock(&hall->door);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    while (!atomic_load(&world.over)) {
        struct hall *hall = &world.halls[draw(worker, world.hall_count)];
        if (draw(worker, 2000) == 0)
            close_and_reopen(hall);
        if (pthread_rwlock_tryrdlock(&hall->door) != 0)
            continue;
        step(worker, hall);
        pthread_rwlock_unlock(&hall->door);
        atomic_fetch_add(&world.borrows, worker->borrows);
        worker->borrows = 0;
    }
    return NULL;
}

/* At some 2 kHz, to the workers in turn. */
static void *make_noise(void *unused) {
    (void)unused;
    for (uint32_t i = 0; !atomic_load(&world.over); i++) {
        const struct timespec pause = {.tv_nsec = 500 * 1000};
        pthread_kill(workers[i % world.thread_count].thread, SIGUSR1);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void *watch(void *unused) {
    (void)unused;
    static char words[1 << 20];
    uint64_t before = 0;
    for (int still = 0; !atomic_load(&finished); pause_ms(200)) {
        uint64_t now = atomic_load(&world.steps);
        still = now == before ? still + 1 : 0;
        before = now;
        if (still < STILL_S * 5)
            continue;
        lend_dump(words, sizeof words);
        fprintf(stderr, "nothing has moved for %d s:\n%s", STILL_S, words);
        abort();
    }
    return NULL;
}

static double resident_mb(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static double mean_mb(int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++)
        sum += samples_mb[i];
    return to > from ? sum / (to - from) : 0;
}

static void print_progress(double second, const char *end) {
    fprintf(stderr, "%6.0f s  %" PRIu64 " borrows  %.1f MB  wrong: %u%s", second,
            atomic_load(&world.borrows), resident_mb(), atomic_load(&world.wrongs), end);
}

/* Phase one. Samples of the memory are taken all along, at most SAMPLES_MAX. */
static double run_for(double seconds) {
    lend_deadline end = lend_within_ms((int64_t)(seconds * 1000));
    long interval_ms = (long)(seconds * 1000 / SAMPLES_MAX) + 100;
    double shown = 0, now = 0;
    while (!interrupted && lend_deadline_left_ms(end) > 0) {
        pause_ms(interval_ms);
        now = seconds - (double)lend_deadline_left_ms(end) / 1000;
        if (sample_count < SAMPLES_MAX)
            samples_mb[sample_count++] = resident_mb();
        if (now - shown >= 10) {
            print_progress(now, isatty(STDERR_FILENO) ? "\r" : "\n");
            shown = now;
        }
    }
    return now;
}

static bool is_whole(struct hall *hall) {
    struct lend_pool_stats stats;
    WRONG(lend_pool_stats_get(hall->pool, &stats) != 0);
    return stats.free == stats.models && stats.waiting == 0;
}

static void print_hall(struct hall *hall) {
    char words[2048];
    lend_pool_print(hall->pool, words, sizeof words);
    fprintf(stderr, "%s\n", words);
}

/* A lease that was left on a shelf is nobody's, and somebody may be waiting for its model. */
static void clear_shelves(void) {
    for (uint32_t i = 0; i < world.hall_count; i++) {
        struct hall *hall = &world.halls[i];
        if (pthread_rwlock_tryrdlock(&hall->door) != 0)
            continue;
        pthread_mutex_lock(&hall->shelf_lock);
        struct lend_lease lease = lend_lease_take(&hall->shelf);
        pthread_mutex_unlock(&hall->shelf_lock);
        lend_release(&lease);
        pthread_rwlock_unlock(&hall->door);
    }
}

static void join_workers(void) {
    for (uint32_t i = 0; i < world.thread_count; i++)
        while (pthread_tryjoin_np(workers[i].thread, NULL) != 0) {
            clear_shelves();
            pause_ms(1);
        }
    clear_shelves();
}

/* Phase two. Returns how long it took, in ms. */
static int64_t end_whole(void) {
    lend_deadline end = lend_within_ms(END_MS);
    join_workers();
    for (uint32_t i = 0; i < world.hall_count; i++) {
        struct hall *hall = &world.halls[i];
        while (!is_whole(hall) && lend_deadline_left_ms(end) > 0) {
            atomic_fetch_add(&world.steps, 1);
            pause_ms(1);
        }
        bool whole = is_whole(hall);
        WRONG(!whole);
        if (!whole)
            print_hall(hall);
        hall_close(hall);
    }
    int64_t took_ms = END_MS - lend_deadline_left_ms(end);
    WRONG(took_ms >= END_MS);
    WRONG(atomic_load(&world.alive) != 0);
    WRONG(atomic_load(&world.told) != atomic_load(&world.accepted));
    WRONG(atomic_load(&world.dropped) != atomic_load(&world.accepted));
    for (int i = 0; i < LEAKS; i++)
        WRONG(atomic_load(&world.seeded[i]) != atomic_load(&world.reported[i]));
    return took_ms;
}

static void start_all(pthread_t *noise, pthread_t *watchdog) {
    struct sigaction action = {.sa_handler = on_noise}; /* without SA_RESTART */
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
    for (uint32_t i = 0; i < world.hall_count; i++) {
        pthread_rwlock_init(&world.halls[i].door, NULL);
        pthread_mutex_init(&world.halls[i].shelf_lock, NULL);
        hall_open(&world.halls[i]);
    }
    for (uint32_t i = 0; i < world.thread_count; i++) {
        workers[i] = (struct worker){.number = i, .random = world.seed * 1000003 + i};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            abort();
    }
    if (pthread_create(noise, NULL, make_noise, NULL) != 0 ||
        pthread_create(watchdog, NULL, watch, NULL) != 0)
        abort();
}

static void print_summary(double seconds, int64_t end_ms) {
    uint64_t seeded = 0, reported = 0;
    for (int i = 0; i < LEAKS; i++) {
        seeded += atomic_load(&world.seeded[i]);
        reported += atomic_load(&world.reported[i]);
    }
    int third = sample_count / 3;
    printf("seed %" PRIu64 ": %" PRIu64 " borrows in %.1f s (%.0f/s), %" PRIu64 " jobs, %" PRIu64
           " timeouts, %" PRIu64 " other refusals, %" PRIu64 " cancels, %" PRIu64
           " EDEADLK (each a ring), %" PRIu64 " signals, %" PRIu64 " forks, %" PRIu64
           " pools reopened; leaks: %" PRIu64 " seeded, %" PRIu64
           " reported; resident: %.1f MB in the first third, %.1f MB in the last; whole %" PRId64
           " ms after the end; wrong: %u\n",
           world.seed, atomic_load(&world.borrows), seconds,
           (double)atomic_load(&world.borrows) / seconds, atomic_load(&world.accepted),
           atomic_load(&world.timeouts), atomic_load(&world.refusals),
           atomic_load(&world.cancelled), atomic_load(&world.deadlocks),
           atomic_load(&world.signals), atomic_load(&world.forks), atomic_load(&world.reopened),
           seeded, reported, mean_mb(0, third), mean_mb(sample_count - third, sample_count), end_ms,
           atomic_load(&world.wrongs));
}

static double option(int count, char **arguments, const char *name, double otherwise) {
    for (int i = 1; i + 1 < count; i += 2)
        if (strcmp(arguments[i], name) == 0)
            return strtod(arguments[i + 1], NULL);
    return otherwise;
}

int main(int count, char **arguments) {
    pthread_t noise, watchdog;
    double seconds = option(count, arguments, "--seconds", 60);
    world.seed = (uint64_t)option(count, arguments, "--seed", (double)time(NULL));
    world.thread_count = (uint32_t)option(count, arguments, "--threads", 16);
    world.hall_count = (uint32_t)option(count, arguments, "--pools", 8);
    if (count % 2 == 0 || world.thread_count == 0 || world.thread_count > THREADS_MAX ||
        world.hall_count == 0 || world.hall_count > HALLS_MAX) {
        fprintf(stderr,
                "usage: lend-soak [--seconds N] [--seed S] [--threads 1-%d] [--pools 1-%d]\n",
                THREADS_MAX, HALLS_MAX);
        return 2;
    }
    atomic_store(&world.faulty, true);
    start_all(&noise, &watchdog);
    double took = run_for(seconds);
    atomic_store(&world.faulty, false);
    atomic_store(&world.over, true);
    pthread_join(noise, NULL);
    int64_t end_ms = end_whole();
    atomic_store(&finished, true);
    pthread_join(watchdog, NULL);
    print_summary(took, end_ms);
    return atomic_load(&world.wrongs) != 0;
}
