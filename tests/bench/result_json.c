/* SPDX-License-Identifier: MIT
 *
 * Results as one JSON object, for machines. */
#include "machine.h"
#include "result.h"

#include <stdio.h>

static void print_string(const char *string) {
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)string; *c != '\0'; c++) {
        if (*c < ' ')
            printf("\\u%04x", *c);
        else if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

/* , "key": "value" */
static void print_field(const char *key, const char *value) {
    printf(", \"%s\": ", key);
    print_string(value);
}

static void print_samples(const struct samples *samples) {
    printf(", \"median\": %.6g, \"min\": %.6g, \"max\": %.6g, \"samples\": [",
           samples_median(samples), samples_least(samples), samples_most(samples));
    for (size_t i = 0; i < samples->count; i++)
        printf("%s%.6g", i > 0 ? ", " : "", samples->values[i]);
    printf("]");
}

static void print_entries(const struct result_case *in) {
    const struct entry *limit = in->limit != NULL ? case_find(in, in->limit) : NULL;
    for (size_t i = 0; i < in->entry_count; i++) {
        const struct entry *entry = &in->entries[i];
        printf("%s\n      {\"contender\": ", i > 0 ? "," : "");
        print_string(entry->name);
        print_samples(&entry->samples);
        if (limit != NULL) {
            struct samples ratios = samples_ratio(&entry->samples, &limit->samples);
            printf(", \"to_limit\": %.6g", samples_median(&ratios));
        }
        printf("}");
    }
}

static void print_goals(const struct result_case *in) {
    for (size_t i = 0; i < in->goal_count; i++) {
        const struct goal *goal = &in->goals[i];
        printf("%s\n      {\"what\": ", i > 0 ? "," : "");
        print_string(goal->what);
        print_field("unit", goal->unit[0] != '\0' ? goal->unit : "ratio");
        print_samples(&goal->samples);
        print_field("bound", bound_words(goal->bound));
        printf(", \"wanted\": %g, \"met\": %s}", goal->wanted,
               goal_is_met(goal) ? "true" : "false");
    }
}

static void print_case(const struct result_case *in) {
    printf("{\"case\": ");
    print_string(in->name);
    print_field("title", in->title);
    print_field("unit", in->unit);
    printf(", \"contenders\": [");
    print_entries(in);
    printf("],\n     \"wanted\": [");
    print_goals(in);
    printf("]}");
}

void result_print_json(const struct result *result) {
    struct machine machine = machine_here();
    printf("{\"bench\": ");
    print_string(result->bench);
    printf(", \"rounds\": %d", result->rounds);
    print_field("day", machine.day);
    printf(",\n  \"machine\": {\"cores\": %u", machine.cores);
    print_field("cpu", machine.cpu);
    print_field("architecture", machine.architecture);
    printf(", \"virtual\": %s", machine.is_virtual ? "true" : "false");
    print_field("kernel", machine.kernel);
    print_field("system", machine.system);
    printf("},\n  \"absent\": [");
    for (size_t i = 0; i < result->absent_count; i++) {
        printf("%s", i > 0 ? ", " : "");
        print_string(result->absent[i]);
    }
    printf("],\n  \"cases\": [");
    for (size_t i = 0; i < result->case_count; i++) {
        printf("%s\n    ", i > 0 ? "," : "");
        print_case(&result->cases[i]);
    }
    printf("]}\n");
}
