/* SPDX-License-Identifier: MIT
 *
 *     lend-faults SITES [SCENARIO]
 *
 * The fault loop. For each scenario and each way of failing: the first call that can fail does,
 * then the second, and so on until a run comes to its end before its turn. Each run is a process of
 * its own, since some calls are made once in a process; the scenarios are shared out over the
 * cores. */
#include "faults/inject.h"
#include "faults/stage.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RUN_S = 20, /* a run that takes longer hangs */
    RUNS_MAX = 10000,
    CLEAN = 40, /* not what a sanitizer or an abort ends with */
    STRUCK,
    WRONG,
};

static atomic_uint *runs; /* of all processes */

struct turn {
    const struct scenario *scenario;
    struct stage stage;
};

static void *take_turn(void *argument) {
    struct turn *turn = argument;
    turn->scenario->run(&turn->stage);
    faults_disarm();
    stage_end(&turn->stage);
    return NULL;
}

/* On a thread of its own, which gives back what a thread keeps until its end.
 *
 * Returns its exit status. With a place, its first call fails, else the n-th of all. */
static int run(const struct scenario *scenario, enum fault_mode mode, unsigned n, int place) {
    static struct turn turn;
    pthread_t thread;
    turn.scenario = scenario;
    if (place >= 0)
        faults_aim(mode, place);
    else
        faults_arm(mode, n);
    if (pthread_create(&thread, NULL, take_turn, &turn) != 0)
        abort();
    pthread_join(thread, NULL);
    stage_balance();
    if (stage_wrongs() == 0)
        return faults_struck() ? STRUCK : CLEAN;
    fprintf(stderr, "in \"%s\", %s the %u-th call: %s\n", scenario->name,
            mode == FAULT_ONCE ? "once" : "from", n, faults_first());
    return WRONG;
}

static int run_in_child(const struct scenario *scenario, enum fault_mode mode, unsigned n,
                        int place) {
    int status = 0;
    fflush(NULL);
    atomic_fetch_add(runs, 1);
    pid_t child = fork();
    if (child == 0) {
        alarm(RUN_S);
        _exit(run(scenario, mode, n,
                  place)); /* what is left was counted: no leak checker is needed */
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return WRONG;
    if (WIFEXITED(status) && WEXITSTATUS(status) >= CLEAN)
        return WEXITSTATUS(status);
    fprintf(stderr, "\"%s\", %s the %u-th call: ended by %s\n", scenario->name,
            mode == FAULT_ONCE ? "once" : "from", n,
            WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "an exit of somebody else's");
    return WRONG;
}

static bool is_wrong(int result) {
    return result != CLEAN && result != STRUCK;
}

/* Until a run is clean. Returns how many were wrong. */
static int run_all(const struct scenario *scenario, enum fault_mode mode) {
    int wrong = 0, result = STRUCK;
    unsigned n = 0;
    while (result != CLEAN && wrong < 2 && n < RUNS_MAX) {
        result = run_in_child(scenario, mode, ++n, /* place= */ -1);
        wrong += is_wrong(result);
    }
    if (n == RUNS_MAX)
        fprintf(stderr, "\"%s\": no clean run among %u\n", scenario->name, n);
    return wrong + (n == RUNS_MAX);
}

static int wait_for_one(int *busy) {
    int status = 0;
    wait(&status);
    --*busy;
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static int start_all(const struct scenario *scenarios, const char *only, int at_once, int *busy) {
    int wrong = 0;
    for (const struct scenario *s = scenarios; s->name != NULL; s++) {
        if (only != NULL && strcmp(only, s->name) != 0)
            continue;
        for (enum fault_mode mode = FAULT_ONCE; mode <= FAULT_FROM_THEN_ON; mode++) {
            if (*busy == at_once)
                wrong += wait_for_one(busy);
            fflush(NULL);
            ++*busy;
            if (fork() == 0)
                exit(run_all(s, mode) != 0);
        }
    }
    return wrong;
}

/* Threads take turns as they like, so that the n-th call of one run is not that of the next, and a
 * place may have been passed over: it is aimed at. Returns how many runs were wrong. */
static int aim_at_the_rest(const struct scenario *scenarios) {
    int wrong = 0;
    for (enum fault_mode mode = FAULT_ONCE; mode <= FAULT_FROM_THEN_ON; mode++)
        for (int place = -1; (place = faults_left(mode, place + 1)) >= 0;)
            for (const struct scenario *s = scenarios;
                 s->name != NULL && faults_left(mode, place) == place; s++)
                wrong += is_wrong(run_in_child(s, mode, 1, place));
    return wrong;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: lend-faults SITES [SCENARIO]\n");
        return 2;
    }
    const char *only = count > 2 ? arguments[2] : NULL;
    static const char *const callbacks[] = {"load", "reset", "check", "run"};
    faults_init(arguments[1]);
    for (size_t i = 0; i < sizeof callbacks / sizeof *callbacks; i++)
        faults_add(callbacks[i]);
    runs = mmap(NULL, sizeof *runs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (runs == MAP_FAILED)
        return 2;

    int busy = 0, at_once = 2 * (int)sysconf(_SC_NPROCESSORS_ONLN); /* they also sleep */
    int wrong = start_all(pool_scenarios, only, at_once, &busy);
    wrong += start_all(executor_scenarios, only, at_once, &busy);
    wrong += start_all(loop_scenarios, only, at_once, &busy);
    while (busy > 0)
        wrong += wait_for_one(&busy);
    if (only == NULL)
        wrong += aim_at_the_rest(pool_scenarios) + aim_at_the_rest(executor_scenarios) +
                 aim_at_the_rest(loop_scenarios);
    unsigned missing = faults_report();
    printf("%u runs; scenarios that went wrong: %d\n", atomic_load(runs), wrong);
    return wrong != 0 || (only == NULL && missing != 0);
}
