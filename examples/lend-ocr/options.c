/* SPDX-License-Identifier: MIT
 *
 * The command line: every number is checked here, so that the library is asked for what it can do.
 */
#include "options.h"

#include <ctype.h>
#include <getopt.h>
#include <lend/lend.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_MAX = 10000, DPI_MIN = 70, DPI_MAX = 2400, PSM_MAX = 13 };

/* Those without a letter. */
enum { OPTION_PSM = 256, OPTION_DPI, OPTION_DEADLINE, OPTION_MAX_PIXELS, OPTION_STATS };

static const char short_options[] = ":l:j:q:f:o:hV";

static const struct option long_options[] = {
    {"languages", required_argument, NULL, 'l'},
    {"models", required_argument, NULL, 'j'},
    {"queue", required_argument, NULL, 'q'},
    {"format", required_argument, NULL, 'f'},
    {"output", required_argument, NULL, 'o'},
    {"psm", required_argument, NULL, OPTION_PSM},
    {"dpi", required_argument, NULL, OPTION_DPI},
    {"deadline", required_argument, NULL, OPTION_DEADLINE},
    {"max-pixels", required_argument, NULL, OPTION_MAX_PIXELS},
    {"stats", no_argument, NULL, OPTION_STATS},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: lend-ocr [OPTION...] FILE|DIR|-...\n"
    "\n"
    "Reads the text in pictures (PNG, JPEG, TIFF, PNM, WebP) with a pool of Tesseract models.\n"
    "FILE is a picture, all its pages are read; DIR is the pictures in that folder, known by "
    "their\n"
    "extension, sorted by name, without its subfolders; - is one picture on standard input.\n"
    "Results come in the order of the arguments, each as soon as it and those before it are done.\n"
    "\n"
    "  -l, --languages LANG  languages, joined by + (eng)\n"
    "  -j, --models N        pictures read at once, one model each (one per usable core)\n"
    "  -q, --queue N         pictures held ready for them, 1 to 10000 (4 per model)\n"
    "  -f, --format FORMAT   text, tsv, hocr or json: one object per page and line (text)\n"
    "  -o, --output DIR      one file per input in DIR, which is made if it is missing, named "
    "after\n"
    "                        the input: scan.png gives scan.txt, .tsv, .hocr or .json, standard\n"
    "                        input gives stdin.txt. Default: all to standard output\n"
    "      --psm N           page segmentation mode of Tesseract, 1 or 3 to 13 (3)\n"
    "      --dpi N           resolution of the pictures, 70 to 2400 (what they say)\n"
    "      --deadline MS     give a file up after MS milliseconds. They are counted from when it "
    "is\n"
    "                        queued: without -q no file then waits behind another\n"
    "      --max-pixels N    refuse pages with more pixels (100000000)\n"
    "      --stats           print the figures of the pool and of the executor at the end\n"
    "  -h, --help            print this\n"
    "  -V, --version         print the version\n"
    "\n"
    "A file that cannot be read is one line on stderr, and a line of JSON; the others are read.\n"
    "While stderr is a terminal it shows a progress bar.\n"
    "\n"
    "Exit status: 0 every file was read; 1 some were not, or the output could not be written;\n"
    "2 bad usage. Ctrl-C (130) and SIGTERM (143): what is being read is finished and printed; a\n"
    "second one exits at once. 141: whoever read the output went away.\n";

/* A decimal number and nothing else: no sign, no space, no unit. */
static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number) {
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end != '\0' || errno != 0 || number < least || number > most)
        return false;
    *ret_number = number;
    return true;
}

static bool parse_format(const char *text, enum lend_ocr_print_as *ret_as) {
    static const char *const names[] = {
        [LEND_OCR_AS_TEXT] = "text",
        [LEND_OCR_AS_TSV] = "tsv",
        [LEND_OCR_AS_HOCR] = "hocr",
        [LEND_OCR_AS_JSON] = "json",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret_as = (enum lend_ocr_print_as)i;
            return true;
        }
    return false;
}

LEND_PRINTF(1, 2)
static enum options_verdict refuse(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fputs("lend-ocr: ", stderr);
    vfprintf(stderr, format, list);
    fputs("\nTry 'lend-ocr --help'.\n", stderr);
    va_end(list);
    return OPTIONS_REFUSED;
}

/* The option that getopt_long has just refused, as it was written. */
static enum options_verdict refuse_last(const char *what, char *const *argv) {
    const char *last = argv[optind - 1];
    if (optopt > 0 && optopt < OPTION_PSM && strncmp(last, "--", 2) != 0)
        return refuse("%s -%c", what, optopt);
    return refuse("%s %s", what, last);
}

static enum options_verdict parse_option(struct options *options, int option, char *const *argv) {
    uint64_t number;
    switch (option) {
    case 'l':
        options->languages = optarg;
        return OPTIONS_GO;
    case 'j':
        if (!parse_number(optarg, 1, LEND_MODELS_MAX, &number))
            return refuse("-j is a number from 1 to %d, not '%s'", LEND_MODELS_MAX, optarg);
        options->models = (uint32_t)number;
        return OPTIONS_GO;
    case 'q':
        if (!parse_number(optarg, 1, QUEUE_MAX, &number))
            return refuse("-q is a number from 1 to %d, not '%s'", QUEUE_MAX, optarg);
        options->queue = (uint32_t)number;
        return OPTIONS_GO;
    case 'f':
        if (!parse_format(optarg, &options->as))
            return refuse("-f is text, tsv, hocr or json, not '%s'", optarg);
        return OPTIONS_GO;
    case 'o':
        if (optarg[0] == '\0')
            return refuse("-o is a folder, not an empty name");
        options->folder = optarg;
        return OPTIONS_GO;
    case OPTION_PSM:
        if (!parse_number(optarg, 1, PSM_MAX, &number) || number == 2)
            return refuse("--psm is 1 or a number from 3 to %d, not '%s'", PSM_MAX, optarg);
        options->psm = (int)number;
        return OPTIONS_GO;
    case OPTION_DPI:
        if (!parse_number(optarg, DPI_MIN, DPI_MAX, &number))
            return refuse("--dpi is a number from %d to %d, not '%s'", DPI_MIN, DPI_MAX, optarg);
        options->dpi = (int)number;
        return OPTIONS_GO;
    case OPTION_DEADLINE:
        if (!parse_number(optarg, 1, INT64_MAX, &number))
            return refuse("--deadline is a number of milliseconds from 1, not '%s'", optarg);
        options->deadline_ms = (int64_t)number;
        return OPTIONS_GO;
    case OPTION_MAX_PIXELS:
        if (!parse_number(optarg, 1, UINT64_MAX, &number))
            return refuse("--max-pixels is a number of pixels from 1, not '%s'", optarg);
        options->pixels_max = number;
        return OPTIONS_GO;
    case OPTION_STATS:
        options->stats = true;
        return OPTIONS_GO;
    case 'h':
        fputs(help, stdout);
        return OPTIONS_HELP;
    case 'V':
        printf("lend-ocr %s\n", lend_version());
        return OPTIONS_HELP;
    case ':':
        return refuse_last("a value is missing after", argv);
    default:
        return refuse_last("there is no option", argv);
    }
}

enum options_verdict options_parse(struct options *ret_options, int argc, char **argv) {
    struct options options = {.models = LEND_MODELS_AUTO, .as = LEND_OCR_AS_TEXT};
    int option;
    while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        enum options_verdict verdict = parse_option(&options, option, argv);
        if (verdict != OPTIONS_GO)
            return verdict;
    }
    if (optind == argc)
        return refuse("nothing to read: name files, folders, or - for standard input");
    options.arguments = argv + optind;
    options.argument_count = (size_t)(argc - optind);
    *ret_options = options;
    return OPTIONS_GO;
}
