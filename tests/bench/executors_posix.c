/* SPDX-License-Identifier: MIT
 *
 * What a program writes itself when it has no executor: a bounded queue under a mutex, with one
 * condition for either side; and the limit, a thread that waits for one semaphore and posts
 * another. */
#include "executors.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

static void await(sem_t *semaphore) {
    while (sem_wait(semaphore) != 0 && errno == EINTR)
        ;
}

void tally_begin(struct tally *tally, size_t jobs) {
    atomic_init(&tally->left, jobs);
    sem_init(&tally->all_done, /* pshared= */ 0, 0);
}

void tally_await(struct tally *tally) {
    await(&tally->all_done);
    sem_destroy(&tally->all_done);
}

struct deque {
    pthread_mutex_t mutex;
    pthread_cond_t filled, emptied;
    struct {
        void (*run)(void *argument);
        void *argument;
    } jobs[EXECUTOR_QUEUE];
    size_t taken, added; /* since the beginning */
    bool closing;
    pthread_t workers[EXECUTOR_WORKERS];
};

static void *work_off(void *argument) {
    struct deque *deque = argument;
    pthread_mutex_lock(&deque->mutex);
    for (;;) {
        while (deque->taken == deque->added && !deque->closing)
            pthread_cond_wait(&deque->filled, &deque->mutex);
        if (deque->taken == deque->added)
            break;
        size_t place = deque->taken++ % EXECUTOR_QUEUE;
        void (*run)(void *) = deque->jobs[place].run;
        void *of = deque->jobs[place].argument;
        pthread_cond_signal(&deque->emptied);
        pthread_mutex_unlock(&deque->mutex);
        run(of);
        pthread_mutex_lock(&deque->mutex);
    }
    pthread_mutex_unlock(&deque->mutex);
    return NULL;
}

static void add(struct deque *deque, void (*run)(void *), void *argument) {
    pthread_mutex_lock(&deque->mutex);
    while (deque->added - deque->taken == EXECUTOR_QUEUE)
        pthread_cond_wait(&deque->emptied, &deque->mutex);
    size_t place = deque->added++ % EXECUTOR_QUEUE;
    deque->jobs[place].run = run;
    deque->jobs[place].argument = argument;
    pthread_cond_signal(&deque->filled);
    pthread_mutex_unlock(&deque->mutex);
}

static void *deque_open(void) {
    struct deque *deque = calloc(1, sizeof *deque);
    if (deque == NULL)
        return NULL;
    pthread_mutex_init(&deque->mutex, NULL);
    pthread_cond_init(&deque->filled, NULL);
    pthread_cond_init(&deque->emptied, NULL);
    for (int i = 0; i < EXECUTOR_WORKERS; i++)
        if (pthread_create(&deque->workers[i], NULL, work_off, deque) != 0)
            abort();
    return deque;
}

static void deque_close(void *executor) {
    struct deque *deque = executor;
    pthread_mutex_lock(&deque->mutex);
    deque->closing = true;
    pthread_cond_broadcast(&deque->filled);
    pthread_mutex_unlock(&deque->mutex);
    for (int i = 0; i < EXECUTOR_WORKERS; i++)
        pthread_join(deque->workers[i], NULL);
    pthread_cond_destroy(&deque->emptied);
    pthread_cond_destroy(&deque->filled);
    pthread_mutex_destroy(&deque->mutex);
    free(deque);
}

static void count(void *tally) {
    tally_count(tally);
}

static void deque_bulk(void *executor, size_t jobs) {
    struct tally tally;
    tally_begin(&tally, jobs);
    for (size_t i = 0; i < jobs; i++)
        add(executor, count, &tally);
    tally_await(&tally);
}

static void deque_trip(void *executor) {
    deque_bulk(executor, 1);
}

const struct executor_contender executor_deque = {
    .name = "mutex + condition deque",
    .open = deque_open,
    .bulk = deque_bulk,
    .trip = deque_trip,
    .close = deque_close,
};

struct ping_pong {
    sem_t ping, pong;
    bool closing; /* read after a ping */
    pthread_t thread;
};

static void *answer(void *argument) {
    struct ping_pong *pair = argument;
    for (await(&pair->ping); !pair->closing; await(&pair->ping))
        sem_post(&pair->pong);
    return NULL;
}

static void *ping_pong_open(void) {
    struct ping_pong *pair = calloc(1, sizeof *pair);
    if (pair == NULL)
        return NULL;
    sem_init(&pair->ping, /* pshared= */ 0, 0);
    sem_init(&pair->pong, /* pshared= */ 0, 0);
    if (pthread_create(&pair->thread, NULL, answer, pair) != 0)
        abort();
    return pair;
}

static void ping_pong_trip(void *executor) {
    struct ping_pong *pair = executor;
    sem_post(&pair->ping);
    await(&pair->pong);
}

static void ping_pong_close(void *executor) {
    struct ping_pong *pair = executor;
    pair->closing = true;
    sem_post(&pair->ping);
    pthread_join(pair->thread, NULL);
    sem_destroy(&pair->ping);
    sem_destroy(&pair->pong);
    free(pair);
}

const struct executor_contender executor_ping_pong = {
    .name = "limit: semaphore ping-pong",
    .open = ping_pong_open,
    .trip = ping_pong_trip,
    .close = ping_pong_close,
};
