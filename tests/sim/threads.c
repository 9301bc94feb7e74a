/* SPDX-License-Identifier: MIT
 *
 * The machine: whose turn it is, and what time. */
#include "threads.h"

#include "base/clock.h"
#include "fail.h"
#include "random.h"
#include "watcher.h"

#include <stdio.h>
#include <string.h>

#define BEGIN_NS (1000 * NS_PER_S)
#define STEPS_MAX 100000

struct machine machine;

static struct fiber home;
static uint32_t serials;

static void trace(const char *what, const void *object, const struct sim_thread *next) {
    printf("%12.3f ms  #%-5u %-15s %s", (double)(machine.now_ns - BEGIN_NS) / 1e6, record->length,
           machine.running->name, what);
    struct sim_thread *whose = sim_thread_of(object);
    if (whose != NULL)
        printf(" of %s", whose->name);
    printf(next != NULL && next != machine.running ? " -> %s\n" : "\n",
           next != NULL ? next->name : "");
}

/* time */

static int64_t next_deadline(void) {
    int64_t next_ns = INT64_MAX;
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        const struct sim_thread *thread = &machine.threads[i];
        if (thread->state == SIM_BLOCKED && thread->until_ns < next_ns)
            next_ns = thread->until_ns;
    }
    return next_ns;
}

static void pass_time(int64_t until_ns) {
    if (until_ns > machine.now_ns)
        machine.now_ns = until_ns;
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        struct sim_thread *thread = &machine.threads[i];
        if (thread->state == SIM_BLOCKED && thread->until_ns <= machine.now_ns)
            thread->state = SIM_READY;
    }
}

/* whose turn it is */

_Noreturn static void hang(void) {
    char who[600] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        const struct sim_thread *thread = &machine.threads[i];
        if (thread->state == SIM_BLOCKED && length < sizeof who)
            length += (size_t)snprintf(who + length, sizeof who - length, " %s", thread->name);
    }
    sim_fail("HANG", "nobody can go on, and no deadline is to come; these wait:%s", who);
}

static void list_ready(struct options *options) {
    const struct sim_thread *running = machine.running;
    *options = (struct options){.kind = CHOICE_THREAD, .runs = running->state == SIM_READY};
    if (options->runs)
        options->threads[options->count++] = (uint8_t)running->number;
    for (uint32_t i = 0; i < THREADS_MAX; i++)
        if (machine.threads[i].state == SIM_READY && &machine.threads[i] != running)
            options->threads[options->count++] = (uint8_t)i;
}

/* Who goes on; NULL if all have ended. */
static struct sim_thread *next_thread(void) {
    for (;;) {
        struct options options;
        list_ready(&options);
        int64_t deadline_ns = next_deadline();
        if (options.count == 0 && deadline_ns != INT64_MAX) {
            watcher_time_passes();
            pass_time(deadline_ns);
            continue;
        }
        if (options.count == 0) {
            for (uint32_t i = 0; i < THREADS_MAX; i++)
                if (machine.threads[i].state == SIM_BLOCKED)
                    hang();
            return NULL;
        }
        options.timer = machine.early && deadline_ns != INT64_MAX;
        options.count = (uint8_t)(options.count + options.timer);
        unsigned pick = machine.calm || options.count == 1 ? 0 : choose(&options);
        if (!options.timer || pick + 1u < options.count || pick == 0)
            return &machine.threads[options.threads[pick]];
        pass_time(deadline_ns);
    }
}

static void go_on_with(struct sim_thread *next) {
    struct sim_thread *self = machine.running;
    if (next == self)
        return;
    self->self = lend__thread_self;
    if (next == NULL) {
        fiber_switch(&self->fiber, &home);
        return;
    }
    lend__thread_self = next->self;
    machine.running = next;
    fiber_switch(&self->fiber, &next->fiber);
}

void sim_point(const char *what, const void *object) {
    if (++record->steps > STEPS_MAX)
        sim_fail("LIVE", "%u steps, and no end in sight", record->steps);
    struct sim_thread *next = next_thread();
    if (machine.traced)
        trace(what, object, next);
    go_on_with(next);
}

bool sim_block(const char *what, const void *object, int64_t until_ns) {
    struct sim_thread *self = machine.running;
    self->blocked_on = object;
    self->until_ns = until_ns;
    self->woken = false;
    self->state = SIM_BLOCKED;
    if (until_ns <= machine.now_ns)
        self->state = SIM_READY;
    sim_point(what, object);
    self->blocked_on = NULL;
    sim_learned(self->woken);
    return self->woken;
}

void sim_unblock(const void *object) {
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        struct sim_thread *thread = &machine.threads[i];
        if (thread->blocked_on != object || thread->state == SIM_NONE)
            continue;
        thread->woken = true;
        if (thread->state == SIM_BLOCKED)
            thread->state = SIM_READY;
    }
}

void sim_pause_ms(int64_t ms) {
    static char nothing;
    sim_block("pauses", &nothing, machine.now_ns + ms * NS_PER_MS);
}

void sim_settle(void) {
    bool calm = machine.calm;
    machine.calm = true;
    for (uint32_t i = 0; i < THREADS_MAX;) {
        if (machine.threads[i].state == SIM_READY && &machine.threads[i] != machine.running) {
            go_on_with(&machine.threads[i]);
            i = 0;
        } else {
            i++;
        }
    }
    machine.calm = calm;
}

unsigned sim_choose(unsigned count) {
    if (machine.calm || count < 2)
        return 0;
    unsigned pick = choose(&(struct options){.kind = CHOICE_DATA, .count = (uint8_t)count});
    sim_learned(pick);
    return pick;
}

bool sim_fluke(void) {
    if (machine.calm)
        return false;
    bool happens = choose(&(struct options){.kind = CHOICE_FLUKE, .count = 2}) != 0;
    if (happens && machine.traced)
        trace("fails for no reason", NULL, NULL);
    return happens;
}

/* histories */

static uint64_t value_of(const struct history *history) {
    return history->run == machine.run ? history->value : 0;
}

static void note(uint64_t what) {
    struct history *own = &machine.running->history;
    *own = (struct history){scrambled(value_of(own) * 3 + what), machine.run};
}

void sim_saw(const struct history *history) {
    note(value_of(history));
}

void sim_changed(struct history *history) {
    note(value_of(history) + 1);
    *history = machine.running->history;
}

void sim_learned(uint64_t what) {
    note(what);
}

/* the threads */

/* On its own stack, after its main: return, sim_exit or cancellation. */
static void end_thread(void) {
    struct sim_thread *self = machine.running;
    if (self->identified && sim_thread_end != NULL)
        sim_thread_end();
    SIM_CHECK("OWN", lend__thread_self.held == 0, "%s ended, and %u leases are still its own",
              self->name, lend__thread_self.held);
    SIM_CHECK("LOCK", self->locks == 0, "%s ended with a lock in hand", self->name);
    self->state = self->detached ? SIM_NONE : SIM_ENDED;
    sim_unblock(self);
    sim_point("ends", self);
}

struct sim_thread *sim_start(const char *name, void (*main)(void *), void *argument) {
    uint32_t place = 0;
    while (machine.threads[place].state != SIM_NONE)
        SIM_CHECK("ROOM", ++place < THREADS_MAX, "the scenario has too many threads");
    struct sim_thread *thread = &machine.threads[place];
    struct fiber fiber = thread->fiber;
    *thread = (struct sim_thread){
        .fiber = fiber, .state = SIM_READY, .number = place, .serial = ++serials};
    snprintf(thread->name, sizeof thread->name, "%s", name);
    if (machine.running != NULL)
        sim_changed(&thread->history);
    fiber_begin(&thread->fiber, main, argument);
    if (machine.running != NULL)
        sim_point("starts", thread);
    return thread;
}

void sim_join(struct sim_thread *thread) {
    while (thread->state != SIM_ENDED)
        sim_block("waits for the end", thread, INT64_MAX);
    thread->state = SIM_NONE;
    sim_saw(&thread->history);
}

_Noreturn void sim_exit(void) {
    struct sim_thread *self = machine.running;
    for (struct sim_guard *guard; (guard = self->guards) != NULL;) {
        self->guards = guard->outer;
        guard->cleanup(guard->argument);
    }
    fiber_leave(&self->fiber);
}

void sim_cancel(struct sim_thread *thread) {
    thread->cancelled = true;
    sim_point("cancels", thread);
}

void sim_cancellation_point(void) {
    sim_point("may be cancelled", NULL);
    if (machine.running->cancelled && !machine.running->shielded) {
        machine.running->cancelled = false;
        sim_exit();
    }
}

struct sim_thread *sim_thread_of(const void *address) {
    for (uint32_t i = 0; i < THREADS_MAX; i++)
        if (fiber_has(&machine.threads[i].fiber, address))
            return &machine.threads[i];
    return NULL;
}

void machine_run(void (*main)(void *)) {
    fiber_over = end_thread;
    serials = 0;
    machine.running = NULL;
    machine.now_ns = BEGIN_NS;
    machine.run++;
    machine.calm = false;
    machine.early = true;
    machine.running = sim_start("main", main, NULL);
    lend__thread_self = machine.running->self;
    fiber_switch(&home, &machine.running->fiber);
    machine.threads[0].state = SIM_NONE;
    record->history = 0;
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        SIM_CHECK("RET0", machine.threads[i].state == SIM_NONE, "%s ended, and nobody joined it",
                  machine.threads[i].name);
        record->history += scrambled(value_of(&machine.threads[i].history) + i);
    }
}
