/* SPDX-License-Identifier: MIT
 *
 * What the command line asks for. */
#ifndef LEND_OCR_OPTIONS_H
#define LEND_OCR_OPTIONS_H

#include <lend/ocr.h>

struct options {
    const char *languages;
    uint32_t models; /* LEND_MODELS_AUTO unless given */
    uint32_t queue;  /* files that wait for a model; 0 unless given */
    enum lend_ocr_print_as as;
    const char *folder; /* one file per input goes here; NULL: standard output */
    int psm;            /* 0 unless given, like the next three */
    int dpi;
    int64_t deadline_ms;
    uint64_t pixels_max;
    bool stats;
    char *const *arguments; /* FILE|DIR|- */
    size_t argument_count;
};

enum options_verdict {
    OPTIONS_GO,
    OPTIONS_HELP,    /* --help or --version was asked for and is on stdout, perhaps unflushed */
    OPTIONS_REFUSED, /* bad usage; one line on stderr says what */
};

/* Reads argv, whose order it may change; the strings stay argv's. */
enum options_verdict options_parse(struct options *ret_options, int argc, char **argv);

#endif
