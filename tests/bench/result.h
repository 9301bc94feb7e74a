/* SPDX-License-Identifier: MIT
 *
 * Results: what was measured, case by case, and what is wanted of it.
 *
 *     result
 *       case "T1 S4": ns per pair
 *         entry "lend", entry "mutex + condition", ...      a sample per round each
 *         goal  "lend / mutex + condition", at most 0.65    a ratio per round
 */
#ifndef LEND_BENCH_RESULT_H
#define LEND_BENCH_RESULT_H

#include "measure.h"
#include "settings.h"

#define RESULT_CASES 24
#define RESULT_ENTRIES 12
#define RESULT_GOALS 6
#define RESULT_ABSENT 8

struct entry {
    const char *name;
    struct samples samples;
};

enum bound { AT_MOST, AT_LEAST };

struct goal {
    char what[96];
    const char *unit; /* "" for a ratio */
    struct samples samples;
    enum bound bound;
    double wanted;
};

struct result_case {
    const char *name;  /* short, for the head of a column */
    const char *title; /* what it is, in words */
    const char *unit;
    const char *limit; /* name of the entry that is the limit; NULL if there is none */
    struct entry entries[RESULT_ENTRIES];
    size_t entry_count;
    struct goal goals[RESULT_GOALS];
    size_t goal_count;
};

struct result {
    const char *bench;
    int rounds; /* that were done: whoever does them counts them */
    struct result_case cases[RESULT_CASES];
    size_t case_count;
    const char *absent[RESULT_ABSENT]; /* contenders that were not built in, and what they need */
    size_t absent_count;
};

/* An empty one; free() it. Ends the program if there is no memory. */
struct result *result_new(const struct settings *settings);

/* These end the program if there is no room: the tables above are to fit what is asked. */
struct result_case *result_add_case(struct result *result, const char *name, const char *title,
                                    const char *unit);
void result_add_absent(struct result *result, const char *what);

/* The entry of that name, made if it is not there. */
struct entry *case_entry(struct result_case *in, const char *name);

/* The same, but NULL if it is not there or has no samples. */
const struct entry *case_find(const struct result_case *in, const char *name);

/* The entry with the least median of those named; NULL if there is none. */
const struct entry *case_best(const struct result_case *in, const char *const names[],
                              size_t count);

/* What is wanted of an entry, or of one against another. Nothing is if one of them is NULL. */
void case_want_value(struct result_case *in, const struct entry *one, enum bound bound,
                     double wanted);
void case_want_ratio(struct result_case *in, const struct entry *one, const struct entry *other,
                     enum bound bound, double wanted);
void case_want_difference(struct result_case *in, const struct entry *one,
                          const struct entry *other, enum bound bound, double wanted);

bool goal_is_met(const struct goal *goal);

/* In words: "at most". */
const char *bound_words(enum bound bound);

/* A measured value with as many digits as mean something; a ratio has three decimals, so that
 * one near its bound is seen to be. */
struct number {
    char text[24];
};
struct number number_of(double value);
struct number number_of_goal(const struct goal *goal, double value);

/* Print what there is, to stdout. */
void result_print(const struct result *result, enum format format);
void result_print_text(const struct result *result);
void result_print_markdown(const struct result *result);
void result_print_json(const struct result *result);

#endif
