/* SPDX-License-Identifier: MIT
 *
 * Decoding: one page of an admitted file, from memory, into a picture of Leptonica's. */
#ifndef LEND_SRC_OCR_IMAGE_H
#define LEND_SRC_OCR_IMAGE_H

#include "ocr/admit.h"

struct Pix;

/* Keep Leptonica from writing to stderr, for the whole process. Call it once, before any other
 * thread uses it: the settings are plain globals there. */
void lend__image_silence(void);

/* Decode the page with this index, from 0. EBADMSG if its pixels are damaged, or ENOMEM. */
int lend__image_decode(const struct bytes *file, const struct admission *admission, uint32_t index,
                       struct Pix **ret_image, struct lend_reason *reason);

void lend__image_size(const struct Pix *image, uint32_t *ret_width, uint32_t *ret_height);
void lend__image_free(struct Pix *image);

/* What the engine needs to recognise this, besides its copy: a grey one, thresholds, and masks of a
 * bit a pixel. */
size_t lend__image_work_bytes(const struct Pix *image);

/* Could so much memory be had just now? For what is silent about having got none. */
bool lend__memory_is_there(size_t bytes);

#endif
