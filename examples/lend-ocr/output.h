/* SPDX-License-Identifier: MIT
 *
 * Output: where results go, either all to standard output or each into a file of its own. */
#ifndef LEND_OCR_OUTPUT_H
#define LEND_OCR_OUTPUT_H

#include <lend/ocr.h>

struct output {
    enum lend_ocr_print_as as;
    const char *folder; /* NULL: standard output */
    int folder_fd;
    void *claimed;                   /* names of files in the folder, a tree of tsearch(3) */
    struct lend_ocr_printer printer; /* for standard output */
    bool begun;                      /* it has begun */
    int error;                       /* of standard output, once there was one; nothing more is
                                        written to it */
};

/* Make the folder if it is missing. 0, or an error and its words. */
int output_open(struct output *output, enum lend_ocr_print_as as, const char *folder,
                struct lend_reason *reterr_reason);

/* Reserve the place for the result of the file called `name`, or for its failure. EEXIST: an
 * earlier file has it, and nothing is to be printed there. */
int output_claim(struct output *output, const char *name, struct lend_reason *reterr_reason);

/* Is a failure printed at all? Otherwise there is nothing to reserve a place for. */
bool output_prints_failures(const struct output *output);

/* Print one result, or that there is none, in a place that was reserved for it. A file in the
 * folder is whole or not there, whatever happens meanwhile; if it cannot be written, the reason
 * says which and why. What goes wrong with standard output is kept in `error`, and then it is not
 * to be printed to again. */
int output_print(struct output *output, const char *name, const struct lend_ocr_result *result,
                 struct lend_reason *reterr_reason);
int output_print_failure(struct output *output, const char *name, const char *words,
                         struct lend_reason *reterr_reason);

/* Nothing follows: complete what was printed to standard output, unless it has failed. */
void output_end(struct output *output);

/* A zeroed output is closed. */
void output_close(struct output *output);

#endif
