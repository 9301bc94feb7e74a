/* SPDX-License-Identifier: MIT
 *
 * The gate: which format the first bytes announce, and the limits. */
#include "ocr/admit.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    SIDE_MAX = 32767, /* the engine refuses more, and says so on stderr only */
    PAGES_MAX = 65535,
};

const char *lend_ocr_format_name(enum lend_ocr_format format) {
    switch (format) {
#define NAME(code, words)                                                                          \
    case code:                                                                                     \
        return words;
        LEND_OCR_FORMATS(NAME)
#undef NAME
    default:
        return "unknown";
    }
}

int lend__limits_complete(const struct lend_ocr_limits *given, struct lend_ocr_limits *ret_limits,
                          struct lend_reason *reason) {
    struct lend_ocr_limits limits = {
        .bytes_max = 64 << 20,
        .pixels_max = 100 * 1000 * 1000,
        .side_max = SIDE_MAX,
        .pages_max = 1000,
    };
    if (given != NULL) {
        if (given->side_max > SIDE_MAX)
            return lend_reason_set(reason, EINVAL, "limits.side_max is %" PRIu32 ", at most %d",
                                   given->side_max, SIDE_MAX);
        if (given->pages_max > PAGES_MAX)
            return lend_reason_set(reason, EINVAL, "limits.pages_max is %" PRIu32 ", at most %d",
                                   given->pages_max, PAGES_MAX);
        limits.bytes_max = given->bytes_max != 0 ? given->bytes_max : limits.bytes_max;
        limits.pixels_max = given->pixels_max != 0 ? given->pixels_max : limits.pixels_max;
        limits.side_max = given->side_max != 0 ? given->side_max : limits.side_max;
        limits.pages_max = given->pages_max != 0 ? given->pages_max : limits.pages_max;
    }
    *ret_limits = limits;
    return 0;
}

int lend__admit_page(const struct lend_ocr_limits *limits, struct page_size size,
                     struct lend_reason *reason) {
    uint64_t pixels = (uint64_t)size.width * size.height;
    if (pixels == 0)
        return lend_reason_set(reason, EBADMSG, "%" PRIu32 " x %" PRIu32 " pixels are no picture",
                               size.width, size.height);
    if (size.width > limits->side_max || size.height > limits->side_max)
        return lend_reason_set(
            reason, EFBIG, "%" PRIu32 " x %" PRIu32 " pixels: a side is over side_max, %" PRIu32,
            size.width, size.height, limits->side_max);
    if (pixels > limits->pixels_max)
        return lend_reason_set(reason, EFBIG,
                               "%" PRIu32 " x %" PRIu32 " are %" PRIu64
                               " pixels, over pixels_max, %" PRIu64,
                               size.width, size.height, pixels, limits->pixels_max);
    return 0;
}

/* Of the formats, which one is it? By the same signatures as the decoder goes by, but longer where
 * the format allows it: what is not recognised here never reaches the decoder. */
static bool sniff(const struct bytes *file, enum lend_ocr_format *ret_format) {
    if (bytes_match(file, 0, "\x89PNG\r\n\x1a\n"))
        *ret_format = LEND_OCR_PNG;
    else if (bytes_match(file, 0, "\xff\xd8\xff"))
        *ret_format = LEND_OCR_JPEG;
    else if (bytes_match(file, 0, "II") || bytes_match(file, 0, "MM"))
        *ret_format = LEND_OCR_TIFF;
    else if (bytes_match(file, 0, "RIFF") && bytes_match(file, 8, "WEBP"))
        *ret_format = LEND_OCR_WEBP;
    else if (bytes_has(file, 0, 3) && file->at[0] == 'P' && file->at[1] >= '1' &&
             file->at[1] <= '6' && strchr(" \t\r\n", file->at[2]) != NULL && file->at[2] != '\0')
        *ret_format = LEND_OCR_PNM;
    else
        return false;
    return true;
}

static int admit_one_page(const struct bytes *file, const struct lend_ocr_limits *limits,
                          struct lend_ocr_info *info, struct lend_reason *reason) {
    int (*const admit[])(const struct bytes *, struct page_size *, struct lend_reason *) = {
        [LEND_OCR_PNG] = lend__admit_png,
        [LEND_OCR_JPEG] = lend__admit_jpeg,
        [LEND_OCR_PNM] = lend__admit_pnm,
        [LEND_OCR_WEBP] = lend__admit_webp,
    };
    struct page_size size = {0};
    int error = admit[info->format](file, &size, reason);
    if (error == 0)
        error = lend__admit_page(limits, size, reason);
    info->pages = 1;
    info->width = size.width;
    info->height = size.height;
    return error;
}

int lend__admit(const struct bytes *file, const struct lend_ocr_limits *limits,
                struct admission *ret_admission, struct lend_reason *reason) {
    struct admission admission = {0};
    if (file->size == 0)
        return lend_reason_set(reason, ENODATA, "the file is empty");
    if (file->size > limits->bytes_max)
        return lend_reason_set(reason, EFBIG, "%zu bytes, over bytes_max, %" PRIu64, file->size,
                               limits->bytes_max);
    if (!sniff(file, &admission.info.format))
        return lend_reason_set(reason, ENOTSUP,
                               "it looks like %s; PNG, JPEG, TIFF, PNM and WebP are read",
                               lend__foreign_name(file));
    int error = admission.info.format == LEND_OCR_TIFF
                    ? lend__admit_tiff(file, limits, &admission, reason)
                    : admit_one_page(file, limits, &admission.info, reason);
    if (error != 0) {
        lend__admission_free(&admission);
        return error;
    }
    *ret_admission = admission;
    return 0;
}

void lend__admission_free(struct admission *admission) {
    free(admission->tiff_pages);
    admission->tiff_pages = NULL;
}

int lend_ocr_admit(const void *data, size_t size, const struct lend_ocr_limits *limits,
                   struct lend_ocr_info *ret_info, struct lend_reason *reason) {
    struct lend_ocr_limits complete;
    struct admission admission;
    if (data == NULL && size != 0)
        return lend_reason_set(reason, EINVAL, "data is NULL");
    int error = lend__limits_complete(limits, &complete, reason);
    if (error == 0)
        error =
            lend__admit(&(struct bytes){.at = data, .size = size}, &complete, &admission, reason);
    if (error != 0)
        return error;
    if (ret_info != NULL)
        *ret_info = admission.info;
    lend__admission_free(&admission);
    return 0;
}
