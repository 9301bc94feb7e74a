/* SPDX-License-Identifier: MIT
 *
 * Set up once per process.
 *
 * The engine asks OpenMP for four threads in every step of every line, whatever the machine has and
 * the environment says, unless OMP_THREAD_LIMIT was there when the program was loaded. A thread
 * that may open no parallel regions gets a team of itself alone instead. The two functions for it
 * come with the engine, if it was built with OpenMP at all: so they are looked up, not linked. */
#define _GNU_SOURCE
#include "ocr/process.h"

#include "ocr/engine.h"
#include "ocr/image.h"

#include <dlfcn.h>
#include <pthread.h>

typedef int get_levels(void);
typedef void set_levels(int levels);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct { /* constant after `once`; NULL without OpenMP */
    get_levels *get;
    set_levels *set;
} openmp;

static void prepare(void) {
    /* Through a union: ISO C has no cast from an object pointer to a function pointer. */
    union {
        void *symbol;
        get_levels *get;
        set_levels *set;
    } get = {.symbol = dlsym(RTLD_DEFAULT, "omp_get_max_active_levels")},
      set = {.symbol = dlsym(RTLD_DEFAULT, "omp_set_max_active_levels")};
    if (get.symbol != NULL && set.symbol != NULL) {
        openmp.get = get.get;
        openmp.set = set.set;
    }
    lend__image_silence();
    lend__engine_silence();
}

void lend__process_prepare(void) {
    pthread_once(&once, prepare);
}

int lend__engine_threads_cap(void) {
    if (openmp.set == NULL)
        return 0;
    int levels = openmp.get();
    openmp.set(0);
    return levels;
}

void lend__engine_threads_restore(int levels) {
    if (openmp.set != NULL)
        openmp.set(levels);
}
