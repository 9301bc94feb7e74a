/* SPDX-License-Identifier: MIT
 *
 * The progress bar on the console:
 *
 *     [##############----------]  12/20   3.4 pages/s   0:02 left */
#ifndef LEND_OCR_PROGRESS_H
#define LEND_OCR_PROGRESS_H

#include "console.h"
#include "tally.h"

struct progress {
    struct console *console;
    int64_t drawn_ms; /* when it was drawn last */
};

/* Models are being loaded: the `progress` of lend_pool_open. The context is a struct progress. */
void progress_loading(uint32_t loaded, uint32_t models, void *context);

/* Draw the bar, if it was erased or is old. */
void progress_show(struct progress *progress, const struct tally *tally, size_t total);

/* How long the caller may sleep before it shows the bar again; -1: as long as it likes. */
int progress_timeout_ms(const struct progress *progress);

#endif
