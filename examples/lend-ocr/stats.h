/* SPDX-License-Identifier: MIT
 *
 * The figures that --stats asks for. */
#ifndef LEND_OCR_STATS_H
#define LEND_OCR_STATS_H

#include "tally.h"

#include <lend/lend.h>

/* Print them to stderr. */
void stats_print(const struct tally *tally, lend_pool *pool, lend_executor *executor);

#endif
