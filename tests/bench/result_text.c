/* SPDX-License-Identifier: MIT
 *
 * Results as text: a block per case. */
#include "machine.h"
#include "result.h"

#include <stdio.h>

#define COLUMNS "  %-40s %10s   %10s to %-10s"

static void print_entry(const struct result_case *in, const struct entry *entry) {
    const struct samples *samples = &entry->samples;
    const struct entry *limit = in->limit != NULL ? case_find(in, in->limit) : NULL;
    printf(COLUMNS, entry->name, number_of(samples_median(samples)).text,
           number_of(samples_least(samples)).text, number_of(samples_most(samples)).text);
    if (limit != NULL) {
        struct samples ratios = samples_ratio(samples, &limit->samples);
        printf(" %9.2f", samples_median(&ratios));
    }
    printf("\n");
}

static void print_goal(const struct goal *goal) {
    const struct samples *samples = &goal->samples;
    printf(COLUMNS " %9s wanted: %s %g%s%s\n", goal->what,
           number_of_goal(goal, samples_median(samples)).text,
           number_of_goal(goal, samples_least(samples)).text,
           number_of_goal(goal, samples_most(samples)).text, goal_is_met(goal) ? "yes" : "NO",
           bound_words(goal->bound), goal->wanted, goal->unit[0] != '\0' ? " " : "", goal->unit);
}

static void print_case(const struct result_case *in) {
    if (in->entry_count == 0) /* Ctrl-C came before */
        return;
    printf("\n%s: %s\n", in->name, in->title);
    printf(COLUMNS "%s\n", in->unit, "median", "least", "most",
           in->limit != NULL ? " / limit" : "");
    for (size_t i = 0; i < in->entry_count; i++)
        print_entry(in, &in->entries[i]);
    for (size_t i = 0; i < in->goal_count; i++)
        print_goal(&in->goals[i]);
}

void result_print_text(const struct result *result) {
    struct machine machine = machine_here();
    size_t met = 0, wanted = 0;
    printf("%s: %d rounds; %u cores, %s, %s%s, %s, %s\n", result->bench, result->rounds,
           machine.cores, machine.cpu, machine.architecture, machine.is_virtual ? ", virtual" : "",
           machine.system, machine.kernel);
    for (size_t i = 0; i < result->absent_count; i++)
        printf("absent: %s\n", result->absent[i]);
    for (size_t i = 0; i < result->case_count; i++) {
        const struct result_case *in = &result->cases[i];
        print_case(in);
        wanted += in->goal_count;
        for (size_t goal = 0; goal < in->goal_count; goal++)
            met += goal_is_met(&in->goals[goal]);
    }
    if (wanted > 0)
        printf("\n%zu of %zu as wanted\n", met, wanted);
}
