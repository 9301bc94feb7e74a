/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "measure.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool settings_read(struct settings *settings, int argc, char **argv, int *ret_next,
                   int *ret_status) {
    const struct settings defaults = *settings;
    struct option options[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"quick", no_argument, NULL, 'q'},
        {"json", no_argument, NULL, 'j'},
        {"markdown", no_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {settings->own_option, required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    bool numbers_are_good = true, rounds_given = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'r':
            settings->rounds = read_number(optarg);
            numbers_are_good &= settings->rounds > 0 && settings->rounds <= SAMPLES_MAX;
            rounds_given = true;
            break;
        case 'o':
            settings->own_value = read_number(optarg);
            numbers_are_good &= settings->own_value > 0;
            break;
        case 'q':
            settings->quick = true;
            break;
        case 'j':
            settings->format = FORMAT_JSON;
            break;
        case 'm':
            settings->format = FORMAT_MARKDOWN;
            break;
        case 'h':
            print_usage(&defaults, stdout);
            *ret_status = 0;
            return false;
        default:
            numbers_are_good = false;
        }
    }
    if (!numbers_are_good || (optind < argc && settings->operands[0] == '\0')) {
        print_usage(&defaults, stderr);
        *ret_status = 2;
        return false;
    }
    if (settings->quick && !rounds_given)
        settings->rounds = 3;
    *ret_next = optind;
    return true;
}
