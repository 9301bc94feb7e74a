/* SPDX-License-Identifier: MIT
 *
 * A result in the making. The engine is read once, front to back, and nobody knows how much will
 * come: everything is gathered in growing rows, children after their parents, strings in the order
 * of what they belong to. draft_finish lays the rows into one piece of memory and deals them out
 * again in that same order, so that no index is kept anywhere.
 *
 *     struct draft draft = {0};
 *     error = lend__draft_add_page(&draft, &page);
 *     error = lend__engine_read(engine, &lend__draft_reader, &draft);
 *     error = lend__draft_end_page(&draft, ...);
 *     error = lend__draft_finish(&draft, LEND_OCR_PNG, &result);
 *     lend__draft_drop(&draft);
 *
 * Functions return 0 or ENOMEM. */
#ifndef LEND_SRC_OCR_DRAFT_H
#define LEND_SRC_OCR_DRAFT_H

#include "ocr/engine.h"

/* Items of one type, side by side. Zeroed, it is empty. */
struct row {
    void *items;
    size_t used, room; /* in bytes */
};

struct draft {
    struct row pages, blocks, paragraphs, lines, words; /* of struct lend_ocr_... */
    struct row strings;                                 /* each with its NUL */
    struct row text;                                    /* of the page so far */
    double confidences; /* summed, of the page's words in its text */
    size_t confident;   /* how many these are */
};

/* Begin a page; what is read from then on is on it. */
int lend__draft_add_page(struct draft *draft, const struct lend_ocr_page *page);

/* For lend__engine_read; the context is the draft. */
extern const struct engine_reader lend__draft_reader;

/* The page is complete. */
int lend__draft_end_page(struct draft *draft, uint32_t dpi, double ms);

int lend__draft_finish(const struct draft *draft, enum lend_ocr_format format,
                       struct lend_ocr_result **ret_result);
void lend__draft_drop(struct draft *draft);

#endif
