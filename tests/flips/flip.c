/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a test program, changes jumps of the core in memory before the program begins.
 *
 *     LEND_FLIP_MODULE    the library's file name as it is loaded; empty: the program itself
 *     LEND_FLIP           where a jump lies in it: it jumps when it would not have, and not when it
 * would LEND_FLIP_SITES     a file of where jumps lie, ascending, one a line, all in hexadecimal
 *     LEND_FLIP_REACHED   a file of as many bytes: that of a jump becomes 1 when it is first
 * executed, on whatever thread, in children too
 *
 * x86-64. A jump is watched by a breakpoint, which its first execution takes away. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    BREAKPOINT = 0xcc,
    TWO_BYTES = 0x0f, /* before the opcode of a jump that goes further than 127 bytes */
    INVERTED = 1,     /* the bit of an opcode that tells a condition from its opposite */
    JUMPS_MAX = 20000,
};

static struct {
    uintptr_t at;
    uint8_t byte;
} jumps[JUMPS_MAX];
static size_t jumps_count;
static uint8_t *reached;

static int find_module(struct dl_phdr_info *info, size_t size, void *argument) {
    const char *name = getenv("LEND_FLIP_MODULE"), *slash = strrchr(info->dlpi_name, '/');
    (void)size;
    if (strcmp(slash == NULL ? info->dlpi_name : slash + 1, name) != 0)
        return 0;
    *(uintptr_t *)argument = info->dlpi_addr;
    return 1;
}

static void make_writable(uintptr_t at) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (mprotect((void *)(at & ~(page - 1)), 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        abort();
}

static void flip(uintptr_t at) {
    uint8_t *code = (uint8_t *)at;
    make_writable(at);
    code[code[0] == TWO_BYTES] ^= INVERTED;
}

static void trapped(int signal, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t at = (uintptr_t)registers[REG_RIP] - 1;
    size_t from = 0, to = jumps_count;
    (void)signal, (void)info;
    while (from + 1 < to) {
        size_t middle = (from + to) / 2;
        *(jumps[middle].at <= at ? &from : &to) = middle;
    }
    if (jumps_count == 0 || jumps[from].at != at)
        abort();
    reached[from] = 1;
    *(volatile uint8_t *)at = jumps[from].byte;
    registers[REG_RIP] = (greg_t)at;
}

static void watch(uintptr_t module, const char *sites, const char *results) {
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_RESTART};
    FILE *file = fopen(sites, "r");
    unsigned long offset;
    int descriptor = open(results, O_RDWR);
    if (file == NULL || descriptor < 0)
        abort();
    for (; jumps_count < JUMPS_MAX && fscanf(file, "%lx", &offset) == 1; jumps_count++)
        jumps[jumps_count].at = module + offset;
    fclose(file);
    reached = mmap(NULL, jumps_count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (reached == MAP_FAILED || sigaction(SIGTRAP, &action, NULL) != 0)
        abort();
    for (size_t i = 0; i < jumps_count; i++) {
        uint8_t *code = (uint8_t *)jumps[i].at;
        make_writable(jumps[i].at);
        jumps[i].byte = code[0];
        code[0] = BREAKPOINT;
    }
}

__attribute__((__constructor__)) static void begin(void) {
    const char *one = getenv("LEND_FLIP"), *sites = getenv("LEND_FLIP_SITES");
    uintptr_t module = 0;
    if ((one == NULL && sites == NULL) || dl_iterate_phdr(find_module, &module) == 0)
        return;
    if (one != NULL)
        flip(module + strtoul(one, NULL, 16));
    else
        watch(module, sites, getenv("LEND_FLIP_REACHED"));
}

/* The core blocks all signals in its threads; a breakpoint met there would end the process. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *before) {
    int (*real)(int, const sigset_t *, sigset_t *) =
        (int (*)(int, const sigset_t *, sigset_t *))(uintptr_t)dlsym(RTLD_NEXT, "pthread_sigmask");
    sigset_t all_but_one;
    if (set == NULL || how == SIG_UNBLOCK)
        return real(how, set, before);
    all_but_one = *set;
    sigdelset(&all_but_one, SIGTRAP);
    return real(how, &all_but_one, before);
}
