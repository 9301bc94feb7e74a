/* SPDX-License-Identifier: MIT
 *
 * What a program writes itself when it has no pool: a stack under a mutex, with a condition for
 * those who wait; a semaphore that counts and a bitmap that says which; a pipe full of bytes. */
#include "pools.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct mutex_pool {
    pthread_mutex_t mutex;
    pthread_cond_t returned;
    unsigned idle_count;
    unsigned idle[];
};

static void *mutex_open(unsigned models) {
    struct mutex_pool *pool = malloc(sizeof *pool + models * sizeof *pool->idle);
    if (pool == NULL)
        return NULL;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->returned, NULL);
    for (pool->idle_count = 0; pool->idle_count < models; pool->idle_count++)
        pool->idle[pool->idle_count] = pool->idle_count;
    return pool;
}

static void mutex_close(void *opened) {
    struct mutex_pool *pool = opened;
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

__attribute__((__noinline__)) static unsigned mutex_take(struct mutex_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    while (pool->idle_count == 0)
        pthread_cond_wait(&pool->returned, &pool->mutex);
    unsigned model = pool->idle[--pool->idle_count];
    pthread_mutex_unlock(&pool->mutex);
    return model;
}

__attribute__((__noinline__)) static void mutex_put(struct mutex_pool *pool, unsigned model) {
    pthread_mutex_lock(&pool->mutex);
    pool->idle[pool->idle_count++] = model;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->mutex);
}

BORROW(mutex_borrow, unsigned, mutex_take, mutex_put)

const struct pool_contender pool_mutex = {
    .name = "mutex + condition",
    .open = mutex_open,
    .borrow = mutex_borrow,
    .close = mutex_close,
};

struct semaphore_pool {
    sem_t idle_count;
    _Atomic(uint64_t) idle; /* a bit for each model */
};

static void *semaphore_open(unsigned models) {
    struct semaphore_pool *pool = models <= 64 ? malloc(sizeof *pool) : NULL;
    if (pool == NULL)
        return NULL;
    sem_init(&pool->idle_count, /* pshared= */ 0, models);
    atomic_init(&pool->idle, UINT64_MAX >> (64 - models));
    return pool;
}

static void semaphore_close(void *opened) {
    struct semaphore_pool *pool = opened;
    sem_destroy(&pool->idle_count);
    free(pool);
}

/* The semaphore has seen to it that there is a bit. */
__attribute__((__noinline__)) static unsigned semaphore_take(struct semaphore_pool *pool) {
    while (sem_wait(&pool->idle_count) != 0 && errno == EINTR)
        ;
    uint64_t idle = atomic_load(&pool->idle);
    while (!atomic_compare_exchange_weak(&pool->idle, &idle, idle & (idle - 1)))
        ;
    return (unsigned)__builtin_ctzll(idle);
}

__attribute__((__noinline__)) static void semaphore_put(struct semaphore_pool *pool,
                                                        unsigned taken) {
    atomic_fetch_or(&pool->idle, UINT64_C(1) << taken);
    sem_post(&pool->idle_count);
}

BORROW(semaphore_borrow, unsigned, semaphore_take, semaphore_put)

const struct pool_contender pool_semaphore = {
    .name = "semaphore + bitmap",
    .open = semaphore_open,
    .borrow = semaphore_borrow,
    .close = semaphore_close,
};

struct pipe_pool {
    int ends[2]; /* one byte in it for each idle model */
};

/* A byte is written and read whole or not at all, and there is always room. */
static unsigned char pipe_take(struct pipe_pool *pool) {
    unsigned char model = 0;
    while (read(pool->ends[0], &model, 1) != 1)
        ;
    return model;
}

static void pipe_put(struct pipe_pool *pool, unsigned char model) {
    while (write(pool->ends[1], &model, 1) != 1)
        ;
}

static void *pipe_open(unsigned models) {
    struct pipe_pool *pool = models <= 256 ? malloc(sizeof *pool) : NULL;
    if (pool != NULL && pipe(pool->ends) != 0) {
        free(pool);
        return NULL;
    }
    for (unsigned i = 0; pool != NULL && i < models; i++)
        pipe_put(pool, (unsigned char)i);
    return pool;
}

static void pipe_close(void *opened) {
    struct pipe_pool *pool = opened;
    close(pool->ends[0]);
    close(pool->ends[1]);
    free(pool);
}

BORROW(pipe_borrow, unsigned char, pipe_take, pipe_put)

const struct pool_contender pool_pipe = {
    .name = "pipe",
    .open = pipe_open,
    .borrow = pipe_borrow,
    .close = pipe_close,
};
