/* SPDX-License-Identifier: MIT
 *
 * A program that loads lend as a plug-in's library, uses it on a thread, and unloads it again while
 * the thread lives: it ends all the same. */
#include <dlfcn.h>
#include <lend/lend.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int load(void **ret_model, void *context, struct lend_reason *reason) {
    (void)context, (void)reason;
    *ret_model = malloc(1);
    return *ret_model != NULL ? 0 : ENOMEM;
}

static void unload(void *model, void *context) {
    (void)context;
    free(model);
}

static pthread_barrier_t borrowed, unloaded;
static lend_pool *pool;
static struct lend_lease (*acquire)(lend_pool *, lend_deadline);
static void (*release)(struct lend_lease *);

static void *borrow(void *unused) {
    struct lend_lease lease = acquire(pool, LEND_FOREVER);
    release(&lease);
    pthread_barrier_wait(&borrowed);
    pthread_barrier_wait(&unloaded);
    return unused;
}

int main(int argc, char **argv) {
    static const struct lend_model_ops ops = LEND_MODEL_OPS(.load = load, .unload = unload);
    int (*open)(lend_pool **, const struct lend_pool_options *);
    int (*close)(lend_pool *, lend_deadline, struct lend_report **);
    pthread_t thread;
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (library == NULL) {
        fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: plugin LIBRARY");
        return 1;
    }
    *(void **)&open = dlsym(library, "lend_pool_open");
    *(void **)&close = dlsym(library, "lend_pool_close");
    *(void **)&acquire = dlsym(library, "lend_acquire");
    *(void **)&release = dlsym(library, "lend_release");
    pthread_barrier_init(&borrowed, NULL, 2);
    pthread_barrier_init(&unloaded, NULL, 2);
    if (open(&pool, &LEND_POOL_OPTIONS(.ops = &ops, .models = 2)) != 0 ||
        pthread_create(&thread, NULL, borrow, NULL) != 0)
        return 2;
    pthread_barrier_wait(&borrowed);
    if (close(pool, LEND_FOREVER, NULL) != 0 || dlclose(library) != 0)
        return 3;
    pthread_barrier_wait(&unloaded);
    return pthread_join(thread, NULL) == 0 ? 0 : 4;
}
