/* SPDX-License-Identifier: MIT
 *
 * Stacks by mmap, with a page below that must not be touched. */
#define _GNU_SOURCE
#include "fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)128 * 1024)

void (*fiber_over)(void);

/* The fiber that is being made, and where its maker waits: makecontext passes no pointers. */
static struct fiber *newborn;
static ucontext_t maker;

/* The first function of each stack, and its last. Made, it goes back to its maker; from then on it
 * is switched to like any other. */
static void live(void) {
    struct fiber *self = newborn;
    ucontext_t unused;
    if (_setjmp(self->here) == 0)
        swapcontext(&unused, &maker);
    for (;;) {
        if (_setjmp(self->base) == 0)
            self->main(self->argument);
        fiber_over();
    }
}

static void make(struct fiber *fiber) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    fiber->stack_size = STACK_SIZE;
    char *memory = mmap(NULL, page + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0)
        abort();
    fiber->stack = memory + page;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber->stack;
    context.uc_stack.ss_size = STACK_SIZE;
    context.uc_link = NULL;
    makecontext(&context, live, 0);
    newborn = fiber;
    swapcontext(&maker, &context);
}

void fiber_begin(struct fiber *fiber, void (*main)(void *), void *argument) {
    fiber->main = main;
    fiber->argument = argument;
    if (fiber->stack == NULL)
        make(fiber);
}

void fiber_switch(struct fiber *from, struct fiber *to) {
    if (_setjmp(from->here) == 0)
        _longjmp(to->here, 1);
}

_Noreturn void fiber_leave(struct fiber *fiber) {
    _longjmp(fiber->base, 1);
}

bool fiber_has(const struct fiber *fiber, const void *address) {
    uintptr_t at = (uintptr_t)address, bottom = (uintptr_t)fiber->stack;
    return fiber->stack != NULL && at >= bottom && at < bottom + fiber->stack_size;
}
