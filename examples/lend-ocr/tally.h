/* SPDX-License-Identifier: MIT
 *
 * What has been done so far, counted, and since when. */
#ifndef LEND_OCR_TALLY_H
#define LEND_OCR_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally {
    int64_t began_ms;
    size_t read, failed; /* files */
    size_t pages;        /* of those read */
};

struct tally tally_begin(void);

/* Milliseconds on a clock that nobody sets. */
int64_t tally_now_ms(void);

double tally_seconds(const struct tally *tally);

/* 0 in the first instant. */
double tally_pages_per_second(const struct tally *tally);

#endif
