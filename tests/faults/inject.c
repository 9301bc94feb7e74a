/* SPDX-License-Identifier: MIT
 *
 * The list of places and the turn of each call. */
#include "faults/inject.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SITES_MAX 512

struct site {
    uintptr_t address; /* 0: called from outside the program, or a function of the caller's */
    char symbol[48];
    char caller[80];
    atomic_bool reached;
    atomic_bool struck[2]; /* by mode */
};

static struct shared {
    uint32_t count; /* of sites; constant once the loop begins */
    struct site sites[SITES_MAX];
    atomic_uint foreign; /* calls from places that are not in the list */
} * shared;

static const char *const pair_names[PAIRS] = {[PAIR_MEMORY] = "memory",
                                              [PAIR_MUTEX] = "mutexes",
                                              [PAIR_THREAD] = "threads",
                                              [PAIR_FILE] = "files",
                                              [PAIR_DESCRIPTOR] = "descriptors"};

static atomic_int pairs[PAIRS];

/* of this process */
static struct {
    atomic_bool armed, held_off;
    enum fault_mode mode;
    unsigned n;
    struct site *aim; /* NULL: the n-th call */
    atomic_uint calls;
    _Atomic(struct site *) first;
} turn;

static struct site *add(uintptr_t address, const char *symbol, const char *caller) {
    if (shared->count == SITES_MAX) {
        fprintf(stderr, "more than %d places\n", SITES_MAX);
        exit(2);
    }
    struct site *site = &shared->sites[shared->count++];
    site->address = address;
    snprintf(site->symbol, sizeof site->symbol, "%s", symbol);
    snprintf(site->caller, sizeof site->caller, "%s", caller);
    return site;
}

void faults_init(const char *path) {
    FILE *file = fopen(path, "r");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (file == NULL || shared == MAP_FAILED) {
        perror(path);
        exit(2);
    }
    uintptr_t address;
    char symbol[48], caller[80];
    while (fscanf(file, "%" SCNxPTR " %47s %79s", &address, symbol, caller) == 3)
        add(address, symbol, caller);
    fclose(file);
    if (shared->count == 0) {
        fprintf(stderr, "%s: no places\n", path);
        exit(2);
    }
}

void faults_add(const char *name) {
    add(0, name, "a caller's function");
}

void faults_arm(enum fault_mode mode, unsigned n) {
    turn.mode = mode;
    turn.n = n;
    atomic_store(&turn.armed, true);
}

int faults_left(enum fault_mode mode, int index) {
    for (; index < (int)shared->count; index++) {
        struct site *site = &shared->sites[index];
        if (atomic_load(&site->reached) && !atomic_load(&site->struck[mode]))
            return index;
    }
    return -1;
}

void faults_aim(enum fault_mode mode, int index) {
    turn.aim = &shared->sites[index];
    faults_arm(mode, 1);
}

void faults_hold_off(bool held_off) {
    atomic_store(&turn.held_off, held_off);
}

void faults_disarm(void) {
    atomic_store(&turn.armed, false);
}

bool faults_struck(void) {
    return atomic_load(&turn.first) != NULL;
}

const char *faults_first(void) {
    static char words[160];
    const struct site *site = atomic_load(&turn.first);
    if (site == NULL)
        return "nothing";
    snprintf(words, sizeof words, "%s in %s", site->symbol, site->caller);
    return words;
}

/* Is it in the program itself, not in a library? */
static bool is_own(const void *address) {
    extern const char __executable_start, etext;
    return (const char *)address >= &__executable_start && (const char *)address < &etext;
}

static struct site *find(const char *symbol, const void *address) {
    struct site *outside = NULL;
    for (uint32_t i = 0; i < shared->count; i++) {
        struct site *site = &shared->sites[i];
        if (strcmp(site->symbol, symbol) != 0)
            continue;
        if (site->address == (uintptr_t)address)
            return site;
        if (site->address == 0)
            outside = site;
    }
    if (outside != NULL && !is_own(address))
        return outside;
    fprintf(stderr, "%s is called from %p, which is not in the list\n", symbol, address);
    atomic_fetch_add(&shared->foreign, 1);
    return NULL;
}

static bool is_turn(unsigned call, bool interrupts) {
    if (turn.mode == FAULT_ONCE || call <= turn.n)
        return call == turn.n;
    return !interrupts || call % 2 == 0;
}

static bool strikes(const char *symbol, const void *address, bool interrupts) {
    struct site *site = find(symbol, address);
    if (site == NULL)
        return false;
    atomic_store(&site->reached, true);
    if (!atomic_load(&turn.armed) || atomic_load(&turn.held_off))
        return false;
    if (turn.aim != NULL && turn.aim != site && atomic_load(&turn.calls) == 0)
        return false;
    if (!is_turn(atomic_fetch_add(&turn.calls, 1) + 1, interrupts))
        return false;
    struct site *none = NULL;
    atomic_store(&site->struck[turn.mode], true);
    atomic_compare_exchange_strong(&turn.first, &none, site);
    return true;
}

bool fault_strikes(const char *symbol, const void *address) {
    return strikes(symbol, address, /* interrupts= */ false);
}

bool fault_interrupts(const char *symbol, const void *address) {
    return strikes(symbol, address, /* interrupts= */ true);
}

unsigned faults_report(void) {
    unsigned missing = 0;
    for (uint32_t i = 0; i < shared->count; i++) {
        struct site *site = &shared->sites[i];
        for (enum fault_mode mode = FAULT_ONCE; mode <= FAULT_FROM_THEN_ON; mode++) {
            if (atomic_load(&site->struck[mode]))
                continue;
            printf("%s in %s (%" PRIxPTR "): %s %s\n", site->symbol, site->caller, site->address,
                   atomic_load(&site->reached) ? "reached, but never failed" : "never reached",
                   mode == FAULT_ONCE ? "once" : "from then on");
            missing++;
        }
    }
    printf("%u places, %u of them callbacks; not struck in one of the two modes: %u; "
           "calls from elsewhere: %u\n",
           shared->count, 4, missing, atomic_load(&shared->foreign));
    return missing + atomic_load(&shared->foreign);
}

void fault_took(enum fault_pair pair) {
    atomic_fetch_add(&pairs[pair], 1);
}

void fault_gave(enum fault_pair pair) {
    atomic_fetch_sub(&pairs[pair], 1);
}

unsigned faults_imbalance(void) {
    unsigned wrong = 0;
    for (int i = 0; i < PAIRS; i++) {
        int left = atomic_load(&pairs[i]);
        if (left == 0)
            continue;
        fprintf(stderr, "%d %s left\n", left, pair_names[i]);
        wrong++;
    }
    return wrong;
}
