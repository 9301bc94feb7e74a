/* SPDX-License-Identifier: MIT
 *
 * Fibers: several stacks on one thread, switched by hand. A stack is made once, by makecontext, and
 * used again for as many functions as there are to run; between stacks it goes by _setjmp and
 * _longjmp, which are some ten times as fast as swapcontext: they leave the signal mask alone. */
#ifndef LEND_TESTS_SIM_FIBER_H
#define LEND_TESTS_SIM_FIBER_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct fiber {
    char *stack; /* NULL until it is first begun; the thread that the program started on has none */
    size_t stack_size;
    void (*main)(void *);
    void *argument;
    jmp_buf here; /* where to go on */
    jmp_buf base; /* where main was called */
};

/* Have it run main(argument) from the next switch to it. It must not be in the middle of anything:
 * new, or its last main has called fiber_leave, or returned. */
void fiber_begin(struct fiber *fiber, void (*main)(void *), void *argument);

/* From the running one to another one. Returns when somebody switches back. */
void fiber_switch(struct fiber *from, struct fiber *to);

/* The running one drops what it is doing, its main and all that it called: main is over. */
_Noreturn void fiber_leave(struct fiber *fiber);

/* Called on a fiber's stack after its main is over, before anything else: switches away. */
extern void (*fiber_over)(void);

/* Is this address on its stack? */
bool fiber_has(const struct fiber *fiber, const void *address);

#endif
