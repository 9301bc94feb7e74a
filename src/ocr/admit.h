/* SPDX-License-Identifier: MIT
 *
 * Admission: what a file is, and whether it may be decoded, found out by parsers of our own that
 * read headers and structure only. Decoders meet nothing that was not let in here. */
#ifndef LEND_SRC_OCR_ADMIT_H
#define LEND_SRC_OCR_ADMIT_H

#include "ocr/bytes.h"

#include <lend/ocr.h>

struct page_size {
    uint32_t width, height;
};

struct tiff_page {
    uint32_t directory; /* where it lies in the file */
    struct page_size size;
};

struct admission {
    struct lend_ocr_info info;
    struct tiff_page *tiff_pages; /* NULL of the other formats: their one page is as in `info` */
};

/* lend_ocr_admit with complete limits. Free what it returns with lend__admission_free. */
int lend__admit(const struct bytes *file, const struct lend_ocr_limits *limits,
                struct admission *ret_admission, struct lend_reason *reason);
void lend__admission_free(struct admission *admission);

/* Fill in what is 0. EINVAL if one is larger than allowed. */
int lend__limits_complete(const struct lend_ocr_limits *given, struct lend_ocr_limits *ret_limits,
                          struct lend_reason *reason);

/* 0, EBADMSG for a side of 0, or EFBIG. */
int lend__admit_page(const struct lend_ocr_limits *limits, struct page_size size,
                     struct lend_reason *reason);

/* One for each format, called when the first bytes say so. They find the size of the page and make
 * sure that the file is whole: 0, EBADMSG, or ENOTSUP for a kind that is not read. */
int lend__admit_png(const struct bytes *file, struct page_size *ret_size,
                    struct lend_reason *reason);
int lend__admit_jpeg(const struct bytes *file, struct page_size *ret_size,
                     struct lend_reason *reason);
int lend__admit_pnm(const struct bytes *file, struct page_size *ret_size,
                    struct lend_reason *reason);
int lend__admit_webp(const struct bytes *file, struct page_size *ret_size,
                     struct lend_reason *reason);

/* TIFF has many pages: this one checks each, and fills in all but the format. Also ENOMEM and
 * EFBIG. */
int lend__admit_tiff(const struct bytes *file, const struct lend_ocr_limits *limits,
                     struct admission *admission, struct lend_reason *reason);

/* What a file of none of the five formats looks like: "a GIF". Static. */
const char *lend__foreign_name(const struct bytes *file);

#endif
