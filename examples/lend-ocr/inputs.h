/* SPDX-License-Identifier: MIT
 *
 * Inputs: the arguments, one file after the other. Nothing is opened before its turn, and of a
 * folder only the names are held. */
#ifndef LEND_OCR_INPUTS_H
#define LEND_OCR_INPUTS_H

#include "picture.h"

struct inputs {
    char *const *arguments;
    size_t argument_count, next_argument;
    const char *folder; /* the argument whose pictures are next, NULL if none */
    char **names;       /* of these pictures */
    size_t name_count, next_name;
    size_t found; /* files given so far and in this folder */
};

struct input {
    char *name;              /* as results and messages call it; the taker frees it */
    struct picture *picture; /* the taker's; NULL: there is none, and reason says why */
    struct lend_reason reason;
};

struct inputs inputs_open(char *const *arguments, size_t count);

/* The next file, also one that could not be opened. False: there are no more. If there is no memory
 * for as much as a name, it is NULL, and the picture too. */
bool inputs_next(struct inputs *inputs, struct input *ret_input);

/* How many there are in all, counting a folder that is still to come as one. */
size_t inputs_total(const struct inputs *inputs);

void inputs_close(struct inputs *inputs);

#endif
