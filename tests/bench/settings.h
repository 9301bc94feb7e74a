/* SPDX-License-Identifier: MIT
 *
 * The command line of a benchmark: what they all take, and numbers of its own. */
#ifndef LEND_BENCH_SETTINGS_H
#define LEND_BENCH_SETTINGS_H

#include <stdbool.h>

enum format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_JSON };

struct settings {
    const char *bench;    /* its name */
    const char *operands; /* what may follow the options, or "" */
    const char *what;     /* it measures: the first lines of --help */
    int rounds;
    bool quick; /* turns a tenth as long, three rounds: to see that it runs */
    enum format format;
    const char *own_option; /* one more option with a number, or NULL */
    const char *own_help;
    int own_value;
};

/* Read the options into `settings`, which holds the defaults. True if the benchmark is to run, with
 * *ret_next the index of the first operand; else *ret_status is what to exit with. */
bool settings_read(struct settings *settings, int argc, char **argv, int *ret_next,
                   int *ret_status);

#endif
