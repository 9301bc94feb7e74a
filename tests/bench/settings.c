/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "measure.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUICK_ROUNDS 3

static void print_usage(const struct settings *settings, FILE *stream) {
    fprintf(stream, "usage: lend-bench %s [OPTION...]%s%s\n\n%s\n\n", settings->bench,
            settings->operands[0] != '\0' ? " " : "", settings->operands, settings->what);
    fprintf(stream, "  --rounds N    how often each contender has its turn (%d)\n",
            settings->rounds);
    if (settings->own_option != NULL)
        fprintf(stream, "  --%s N%*s%s (%d)\n", settings->own_option,
                (int)(10 - strlen(settings->own_option)), "", settings->own_help,
                settings->own_value);
    fprintf(stream, "  --quick       three rounds of short turns: to see that it runs\n"
                    "  --json        one JSON object\n"
                    "  --markdown    tables for a page\n"
                    "  --help        this\n");
}

/* A number of at least 1, or 0. */
static int read_number(const char *word) {
    char *end;
    long number = strtol(word, &end, 10);
    return *end == '\0' && number >= 1 && number <= 1000000 ? (int)number : 0;
}

/* One option. False if it cannot be. */
static bool take_option(struct settings *settings, int option) {
    switch (option) {
    case 'r':
        settings->rounds = read_number(optarg);
        return settings->rounds > 0 && settings->rounds <= SAMPLES_MAX;
    case 'o':
        settings->own_value = read_number(optarg);
        return settings->own_value > 0;
    case 'q':
        settings->quick = true;
        return true;
    case 'j':
        settings->format = FORMAT_JSON;
        return true;
    case 'm':
        settings->format = FORMAT_MARKDOWN;
        return true;
    }
    return false;
}

bool settings_read(struct settings *settings, int argc, char **argv, int *ret_next,
                   int *ret_status) {
    const struct settings defaults = *settings;
    const struct option options[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"quick", no_argument, NULL, 'q'},
        {"json", no_argument, NULL, 'j'},
        {"markdown", no_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {settings->own_option, required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    bool good = true;
    for (int option; good && (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'h') {
            print_usage(&defaults, stdout);
            *ret_status = 0;
            return false;
        }
        good = take_option(settings, option);
    }
    if (!good || (optind < argc && settings->operands[0] == '\0')) {
        print_usage(&defaults, stderr);
        *ret_status = 2;
        return false;
    }
    if (settings->quick && settings->rounds > QUICK_ROUNDS)
        settings->rounds = QUICK_ROUNDS;
    *ret_next = optind;
    return true;
}
