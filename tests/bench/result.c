/* SPDX-License-Identifier: MIT */
#include "result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "lend-bench: %s\n", what);
    abort();
}

struct result *result_new(const struct settings *settings) {
    struct result *result = calloc(1, sizeof *result);
    require(result != NULL, "no memory for the result");
    result->bench = settings->bench;
    return result;
}

struct result_case *result_add_case(struct result *result, const char *name, const char *title,
                                    const char *unit) {
    require(result->case_count < RESULT_CASES, "too many cases");
    struct result_case *added = &result->cases[result->case_count++];
    added->name = name;
    added->title = title;
    added->unit = unit;
    return added;
}

void result_add_absent(struct result *result, const char *what) {
    require(result->absent_count < RESULT_ABSENT, "too many are absent");
    result->absent[result->absent_count++] = what;
}

struct entry *case_entry(struct result_case *in, const char *name) {
    for (size_t i = 0; i < in->entry_count; i++)
        if (strcmp(in->entries[i].name, name) == 0)
            return &in->entries[i];
    require(in->entry_count < RESULT_ENTRIES, "too many contenders");
    struct entry *added = &in->entries[in->entry_count++];
    added->name = name;
    return added;
}

const struct entry *case_find(const struct result_case *in, const char *name) {
    for (size_t i = 0; i < in->entry_count; i++)
        if (strcmp(in->entries[i].name, name) == 0)
            return in->entries[i].samples.count > 0 ? &in->entries[i] : NULL;
    return NULL;
}

const struct entry *case_best(const struct result_case *in, const char *const names[],
                              size_t count) {
    const struct entry *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = case_find(in, names[i]);
        if (entry != NULL &&
            (best == NULL || samples_median(&entry->samples) < samples_median(&best->samples)))
            best = entry;
    }
    return best;
}

static struct goal *want(struct result_case *in, enum bound bound, double wanted) {
    require(in->goal_count < RESULT_GOALS, "too much is wanted");
    struct goal *goal = &in->goals[in->goal_count++];
    *goal = (struct goal){.unit = in->unit, .bound = bound, .wanted = wanted};
    return goal;
}

void case_want_value(struct result_case *in, const struct entry *one, enum bound bound,
                     double wanted) {
    if (one == NULL)
        return;
    struct goal *goal = want(in, bound, wanted);
    goal->samples = one->samples;
    snprintf(goal->what, sizeof goal->what, "%s", one->name);
}

void case_want_ratio(struct result_case *in, const struct entry *one, const struct entry *other,
                     enum bound bound, double wanted) {
    if (one == NULL || other == NULL)
        return;
    struct goal *goal = want(in, bound, wanted);
    goal->unit = "";
    goal->samples = samples_ratio(&one->samples, &other->samples);
    snprintf(goal->what, sizeof goal->what, "%s / %s", one->name, other->name);
}

void case_want_difference(struct result_case *in, const struct entry *one,
                          const struct entry *other, enum bound bound, double wanted) {
    if (one == NULL || other == NULL)
        return;
    struct goal *goal = want(in, bound, wanted);
    goal->samples = samples_difference(&one->samples, &other->samples);
    snprintf(goal->what, sizeof goal->what, "%s minus %s", one->name, other->name);
}

bool goal_is_met(const struct goal *goal) {
    double median = samples_median(&goal->samples);
    return goal->bound == AT_MOST ? median <= goal->wanted : median >= goal->wanted;
}

const char *bound_words(enum bound bound) {
    return bound == AT_MOST ? "at most" : "at least";
}

struct number number_of(double value) {
    struct number number;
    double size = value < 0 ? -value : value;
    int decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
    snprintf(number.text, sizeof number.text, "%.*f", decimals, value);
    return number;
}

struct number number_of_goal(const struct goal *goal, double value) {
    struct number number;
    if (goal->unit[0] != '\0')
        return number_of(value);
    snprintf(number.text, sizeof number.text, "%.3f", value);
    return number;
}

void result_print(const struct result *result, enum format format) {
    switch (format) {
    case FORMAT_TEXT:
        result_print_text(result);
        return;
    case FORMAT_MARKDOWN:
        result_print_markdown(result);
        return;
    case FORMAT_JSON:
        result_print_json(result);
        return;
    }
}
