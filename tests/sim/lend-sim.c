/* SPDX-License-Identifier: MIT
 *
 * lend-sim: explores what the threads of lend can do to each other.
 *
 *     lend-sim --list
 *     lend-sim [--group NAME] [--scenario NAME]... [--schedules N] [--seconds S] [--seed N]
 *              [--strategy NAME] [--bound N]
 *     lend-sim --scenario NAME --seed N --once [--trace]          a seed again
 *     lend-sim --scenario NAME --schedule LIST [--trace]          a schedule again
 *
 * NAME may be the beginning of several names; without one, all scenarios are explored. Exits with
 * 1 at the first run that fails, after it has said how to repeat it. */
#define _GNU_SOURCE
#include "explore.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scenario_group groups[] = {
    {"waiting", waiting_scenarios},   {"closing", closing_scenarios},
    {"broken", broken_scenarios},     {"operation", operation_scenarios},
    {"deadlock", deadlock_scenarios}, {"leaving", leaving_scenarios},
    {"job", job_scenarios},           {"future", future_scenarios},
    {"several", several_scenarios},   {"executor", executor_scenarios},
    {"request", request_scenarios},
};

enum { NAMES_MAX = 64 };

static struct {
    const char *names[NAMES_MAX];
    int name_count;
    struct effort effort;
    const char *group, *schedule;
    bool once, traced, listed;
} arguments = {.effort = {.schedules = 8000, .bound = 2, .strategy = -1}};

_Noreturn static void usage(const char *wrong) {
    fprintf(stderr, "lend-sim: %s\n", wrong);
    exit(2);
}

static uint64_t number_of(const char *text) {
    char *end;
    uint64_t number = strtoull(text, &end, 0);
    if (*text == '\0' || *end != '\0')
        usage("a number is not one");
    return number;
}

static int strategy_of(const char *name) {
    for (int i = 0; i < STRATEGIES; i++)
        if (strcmp(strategies[i].name, name) == 0)
            return i;
    if (strcmp(straight.name, name) != 0)
        usage("no such strategy: pct-2, pct-3, pct-4, uniform, starve, early or exhaustive");
    return STRATEGIES;
}

static void read_option(int option) {
    switch (option) {
    case 's':
        if (arguments.name_count == NAMES_MAX)
            usage("too many scenarios");
        arguments.names[arguments.name_count++] = optarg;
        break;
    case 'u':
        arguments.group = optarg;
        break;
    case 'n':
        arguments.effort.schedules = number_of(optarg);
        break;
    case 't':
        arguments.effort.seconds = (double)number_of(optarg);
        break;
    case 'r':
        arguments.effort.seed = number_of(optarg);
        break;
    case 'g':
        arguments.effort.strategy = strategy_of(optarg);
        break;
    case 'b':
        arguments.effort.bound = (uint32_t)number_of(optarg);
        if (arguments.effort.bound > BOUND_MAX)
            usage("the bound is too large");
        break;
    case 'p':
        arguments.schedule = optarg;
        break;
    case 'l':
        arguments.listed = true;
        break;
    case 'o':
        arguments.once = true;
        break;
    case 'v':
        arguments.traced = true;
        break;
    default:
        usage("see the head of tests/sim/lend-sim.c");
    }
}

static void read_arguments(int count, char **list) {
    static const struct option options[] = {
        {"group", required_argument, NULL, 'u'},
        {"scenario", required_argument, NULL, 's'},
        {"schedules", required_argument, NULL, 'n'},
        {"seconds", required_argument, NULL, 't'},
        {"seed", required_argument, NULL, 'r'},
        {"strategy", required_argument, NULL, 'g'},
        {"bound", required_argument, NULL, 'b'},
        {"schedule", required_argument, NULL, 'p'},
        {"list", no_argument, NULL, 'l'},
        {"once", no_argument, NULL, 'o'},
        {"trace", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(count, list, "", options, NULL)) != -1;)
        read_option(option);
    if (optind < count)
        usage("an argument too many");
}

static bool is_asked_for(const struct scenario *scenario) {
    for (int i = 0; i < arguments.name_count; i++)
        if (strncmp(scenario->name, arguments.names[i], strlen(arguments.names[i])) == 0)
            return true;
    return arguments.name_count == 0;
}

/* "17:1,23:2": what is picked where the straight way is left. */
static uint32_t read_schedule(const char *text, uint8_t *picks) {
    uint32_t length = 0;
    memset(picks, 0, CHOICES_MAX);
    for (const char *at = text; *at != '\0';) {
        char *end;
        unsigned long choice = strtoul(at, &end, 10);
        if (*end != ':' || choice >= CHOICES_MAX)
            usage("a schedule is a list like 17:1,23:2");
        picks[choice] = (uint8_t)strtoul(end + 1, &end, 10);
        length = (uint32_t)choice + 1;
        at = *end == ',' ? end + 1 : end;
        if (*end != ',' && *end != '\0')
            usage("a schedule is a list like 17:1,23:2");
    }
    return length;
}

static void print_schedule(void) {
    const char *separator = "";
    for (uint32_t i = 0; i < record->length; i++) {
        if (record->pick[i] == 0)
            continue;
        printf("%s%u:%u", separator, i, record->pick[i]);
        separator = ",";
    }
    printf("%s\n", *separator == '\0' ? "0:0" : "");
}

static void print_failure(const struct scenario *scenario) {
    bool seeded = strcmp(findings->strategy, straight.name) != 0;
    printf("\nFAILED %s\n", scenario->name);
    printf("  %s: %s\n", record->invariant, record->words);
    printf("  strategy %s, schedule number %llu", findings->strategy,
           (unsigned long long)findings->schedules + 1);
    if (seeded)
        printf(", seed %llu\n  again:    lend-sim --scenario %s --seed %llu --once --trace",
               (unsigned long long)findings->seed, scenario->name,
               (unsigned long long)findings->seed);
    printf("\n");
    shorten(scenario);
    printf("  shortest: lend-sim --scenario %s --trace --schedule ", scenario->name);
    print_schedule();
}

static void print_findings(const struct scenario *scenario) {
    printf("%-72s %8llu schedules %8llu histories %5u steps", scenario->name,
           (unsigned long long)findings->schedules, (unsigned long long)findings->histories,
           findings->steps_max);
    for (uint32_t bound = BOUND_MAX + 1; bound-- > 0;)
        if (findings->exhausted[bound] != 0) {
            printf("  exhausted at bound %u: %llu", bound,
                   (unsigned long long)findings->exhausted[bound]);
            break;
        }
    printf("  of");
    for (int i = 0; i <= STRATEGIES; i++)
        printf(" %s %llu", i < STRATEGIES ? strategies[i].name : straight.name,
               (unsigned long long)findings->by_strategy[i]);
    printf("\n");
}

struct total {
    uint64_t scenarios, schedules, histories, by_strategy[STRATEGIES + 1];
    uint64_t oracle_asked, oracle_refused, oracle_unsure;
};

static void add(struct total *total) {
    total->scenarios++;
    total->schedules += findings->schedules;
    total->histories += findings->histories;
    total->oracle_asked += findings->oracle_asked;
    total->oracle_refused += findings->oracle_refused;
    total->oracle_unsure += findings->oracle_unsure;
    for (int i = 0; i <= STRATEGIES; i++)
        total->by_strategy[i] += findings->by_strategy[i];
}

static void print_total(const struct total *total) {
    printf("%llu scenarios, %llu schedules, %llu histories:", (unsigned long long)total->scenarios,
           (unsigned long long)total->schedules, (unsigned long long)total->histories);
    for (int i = 0; i <= STRATEGIES; i++)
        printf(" %s %llu", i < STRATEGIES ? strategies[i].name : straight.name,
               (unsigned long long)total->by_strategy[i]);
    printf("\noracle: asked of %llu worlds, %llu refusals checked, %llu times unsure\n",
           (unsigned long long)total->oracle_asked, (unsigned long long)total->oracle_refused,
           (unsigned long long)total->oracle_unsure);
}

/* As it was asked for: again, or explored. */
static bool go_through(const struct scenario *scenario, struct total *total) {
    static uint8_t picks[CHOICES_MAX];
    if (arguments.schedule != NULL || arguments.once) {
        bool holds = arguments.once
                         ? explore_seed(scenario, arguments.effort.seed, arguments.traced)
                         : explore_plan(scenario, picks, read_schedule(arguments.schedule, picks),
                                        arguments.traced);
        printf("%s: %s %s\n", scenario->name, holds ? "holds" : record->invariant,
               holds ? "" : record->words);
        return holds;
    }
    struct effort effort = arguments.effort;
    effort.schedules *= scenario->weight > 0 ? scenario->weight : 1;
    if (!explore(scenario, &effort)) {
        print_failure(scenario);
        return false;
    }
    print_findings(scenario);
    add(total);
    return true;
}

/* False at the first one that fails. */
static bool go_through_group(const struct scenario_group *group, struct total *total) {
    if (arguments.group != NULL && strcmp(group->name, arguments.group) != 0)
        return true;
    for (const struct scenario *scenario = group->scenarios; scenario->name != NULL; scenario++) {
        if (!is_asked_for(scenario))
            continue;
        if (arguments.listed)
            printf("%-10s %s\n", group->name, scenario->name);
        else if (!go_through(scenario, total))
            return false;
    }
    return true;
}

int main(int count, char **list) {
    struct total total = {0};
    read_arguments(count, list);
    findings_make();
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (!go_through_group(&groups[i], &total))
            return 1;
    if (total.scenarios > 0)
        print_total(&total);
    return 0;
}
