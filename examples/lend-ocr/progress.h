/* SPDX-License-Identifier: MIT
 *
 * What a person sees on stderr: messages and, if it is a terminal, a progress bar below them. It is
 * taken away while anything else is written and drawn again after. */
#ifndef LEND_OCR_PROGRESS_H
#define LEND_OCR_PROGRESS_H

#include "tally.h"

#include <stdbool.h>

struct progress {
    bool terminal;    /* stderr is one */
    int length;       /* of what stands there; 0: nothing */
    int64_t drawn_ms; /* since when */
};

struct progress progress_open(void);

/* Models are being loaded: a `progress` of lend_pool_open. The context is the struct progress. */
void progress_loading(uint32_t loaded, uint32_t models, void *context);

/* One line: "lend-ocr: SUBJECT: WORDS", or without the subject if that is NULL. */
void progress_say(struct progress *progress, const char *subject, const char *words);

/* Draw the bar, if it is not there or its figures are old. */
void progress_show(struct progress *progress, const struct tally *tally, size_t total);

/* Take it away: something else is about to be written to the terminal. */
void progress_hide(struct progress *progress);

/* How long the caller may sleep before it shows the bar again; -1: as long as it likes. */
int progress_timeout_ms(const struct progress *progress);

#endif
