/* SPDX-License-Identifier: MIT
 *
 * Results as tables for a page: contenders down, cases across, one table per unit; then what is
 * wanted. */
#include "machine.h"
#include "result.h"

#include <stdio.h>
#include <string.h>

/* Was that name in an earlier case of the same unit? */
static bool is_listed(const struct result *result, size_t before, const char *unit,
                      const char *name) {
    for (size_t i = 0; i < before; i++)
        if (strcmp(result->cases[i].unit, unit) == 0 && case_find(&result->cases[i], name) != NULL)
            return true;
    return false;
}

static void print_row(const struct result *result, const char *unit, const char *name) {
    printf("| %s |", name);
    for (size_t i = 0; i < result->case_count; i++) {
        const struct result_case *in = &result->cases[i];
        if (strcmp(in->unit, unit) != 0)
            continue;
        const struct entry *entry = case_find(in, name);
        if (entry == NULL)
            printf(" |");
        else
            printf(" %s (%s to %s) |", number_of(samples_median(&entry->samples)).text,
                   number_of(samples_least(&entry->samples)).text,
                   number_of(samples_most(&entry->samples)).text);
    }
    printf("\n");
}

static void print_table(const struct result *result, const char *unit) {
    printf("\n| %s: median (least to most) |", unit);
    size_t columns = 0;
    for (size_t i = 0; i < result->case_count; i++) {
        if (strcmp(result->cases[i].unit, unit) != 0)
            continue;
        printf(" %s |", result->cases[i].name);
        columns++;
    }
    printf("\n|---|");
    for (size_t i = 0; i < columns; i++)
        printf("---|");
    printf("\n");
    for (size_t i = 0; i < result->case_count; i++) {
        const struct result_case *in = &result->cases[i];
        if (strcmp(in->unit, unit) != 0)
            continue;
        for (size_t entry = 0; entry < in->entry_count; entry++)
            if (!is_listed(result, i, unit, in->entries[entry].name))
                print_row(result, unit, in->entries[entry].name);
    }
}

static void print_goals(const struct result *result) {
    printf("\n| case | ratio | median (least to most) | wanted | met |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->case_count; i++) {
        const struct result_case *in = &result->cases[i];
        for (size_t j = 0; j < in->goal_count; j++) {
            const struct goal *goal = &in->goals[j];
            printf("| %s | %s | %s (%s to %s)%s%s | %s %g | %s |\n", in->name, goal->what,
                   number_of_goal(goal, samples_median(&goal->samples)).text,
                   number_of_goal(goal, samples_least(&goal->samples)).text,
                   number_of_goal(goal, samples_most(&goal->samples)).text,
                   goal->unit[0] != '\0' ? " " : "", goal->unit, bound_words(goal->bound),
                   goal->wanted, goal_is_met(goal) ? "yes" : "NO");
        }
    }
}

void result_print_markdown(const struct result *result) {
    struct machine machine = machine_here();
    printf("%s, %s: %u cores, %s, %s, %s; %d rounds.\n", result->bench, machine.day, machine.cores,
           machine.cpu, machine.system, machine.kernel, result->rounds);
    for (size_t i = 0; i < result->case_count; i++) {
        bool is_first = true;
        for (size_t j = 0; j < i; j++)
            is_first &= strcmp(result->cases[j].unit, result->cases[i].unit) != 0;
        if (is_first)
            print_table(result, result->cases[i].unit);
    }
    print_goals(result);
}
