/* SPDX-License-Identifier: MIT
 *
 * Results as tables for a page: contenders down, cases across, each value a median with the least
 * and the most in brackets; then what is wanted. */
#include "machine.h"
#include "result.h"

#include <stdio.h>
#include <string.h>

/* Cases that stand in one table have the same unit and the same limit. */
static bool is_beside(const struct result_case *one, const struct result_case *other) {
    const char *limit = one->limit != NULL ? one->limit : "";
    return strcmp(one->unit, other->unit) == 0 &&
           strcmp(limit, other->limit != NULL ? other->limit : "") == 0;
}

/* The first case that stands in the same table. */
static const struct result_case *first_of_table(const struct result *result,
                                                const struct result_case *in) {
    const struct result_case *first = result->cases;
    while (!is_beside(first, in))
        first++;
    return first;
}

/* Has an earlier case of the table that contender? */
static bool is_listed(const struct result *result, const struct result_case *in,
                      const char *contender) {
    for (const struct result_case *other = result->cases; other < in; other++)
        if (is_beside(other, in) && case_find(other, contender) != NULL)
            return true;
    return false;
}

static void print_row(const struct result *result, const struct result_case *first,
                      const char *contender) {
    printf("| %s |", contender);
    for (size_t i = 0; i < result->case_count; i++) {
        if (!is_beside(&result->cases[i], first))
            continue;
        const struct entry *entry = case_find(&result->cases[i], contender);
        if (entry == NULL)
            printf(" |");
        else
            printf(" %s (%s to %s) |", number_of(samples_median(&entry->samples)).text,
                   number_of(samples_least(&entry->samples)).text,
                   number_of(samples_most(&entry->samples)).text);
    }
    printf("\n");
}

static void print_rows(const struct result *result, const struct result_case *first) {
    for (size_t i = 0; i < result->case_count; i++) {
        const struct result_case *in = &result->cases[i];
        for (size_t j = 0; is_beside(in, first) && j < in->entry_count; j++)
            if (!is_listed(result, in, in->entries[j].name))
                print_row(result, first, in->entries[j].name);
    }
}

static void print_table(const struct result *result, const struct result_case *first) {
    size_t columns = 0;
    printf("\n| %s |", first->unit);
    for (size_t i = 0; i < result->case_count; i++) {
        if (!is_beside(&result->cases[i], first))
            continue;
        printf(" %s |", result->cases[i].name);
        columns++;
    }
    printf("\n|---|");
    for (size_t i = 0; i < columns; i++)
        printf("---|");
    printf("\n");
    print_rows(result, first);
}

static void print_goals(const struct result *result) {
    bool any = false;
    for (size_t i = 0; i < result->case_count; i++) {
        const struct result_case *in = &result->cases[i];
        for (size_t j = 0; j < in->goal_count; j++) {
            const struct goal *goal = &in->goals[j];
            if (!any)
                printf("\n| case | ratio | is | wanted | |\n|---|---|---|---|---|\n");
            any = true;
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
    printf("### %s\n\n%s: %u cores, %s, %s%s, %s; %d rounds.\n", result->bench, machine.day,
           machine.cores, machine.cpu, machine.architecture, machine.is_virtual ? ", virtual" : "",
           machine.system, result->rounds);
    for (size_t i = 0; i < result->absent_count; i++)
        printf("Absent: %s.\n", result->absent[i]);
    for (size_t i = 0; i < result->case_count; i++)
        if (first_of_table(result, &result->cases[i]) == &result->cases[i])
            print_table(result, &result->cases[i]);
    print_goals(result);
}
