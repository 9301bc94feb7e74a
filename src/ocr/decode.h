/* SPDX-License-Identifier: MIT
 *
 * Decoders on libpng and libjpeg themselves. Leptonica has its own on the same libraries, but
 * leaves them their error handlers, which write to stderr: of a damaged file, and libpng of many
 * that are not. These make the same pictures of the same files. */
#ifndef LEND_SRC_OCR_DECODE_H
#define LEND_SRC_OCR_DECODE_H

#include "ocr/admit.h"

struct Pix;

/* Of an admitted file. EBADMSG, in the decoder's own words, or ENOMEM. */
int lend__decode_png(const struct bytes *file, struct Pix **ret_image, struct lend_reason *reason);
int lend__decode_jpeg(const struct bytes *file, struct Pix **ret_image, struct lend_reason *reason);

#endif
