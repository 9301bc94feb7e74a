/* SPDX-License-Identifier: MIT
 *
 * TIFF 6.0: a chain of directories, one a page, each a list of tagged fields and the offset of the
 * next. Here: the fields of one directory, and whether they make a page of a kind that is read. */
#ifndef LEND_SRC_OCR_TIFF_H
#define LEND_SRC_OCR_TIFF_H

#include "ocr/bytes.h"

#include <lend/ocr.h>

struct tiff {
    const struct bytes *file;
    bool big_endian;
};

/* The values of a field: `count` numbers of one size. */
struct tiff_field {
    uint32_t count; /* 0 if there is no such field */
    uint64_t at;
    unsigned size;
};

/* What of a directory matters here. */
struct tiff_directory {
    struct tiff_field width, height, depth, samples, sample_format, planes, compression;
    struct tiff_field photometric, palette, rows_per_strip, strip_offsets, strip_sizes, tile_width;
};

enum {
    TIFF_ENTRY_SIZE = 12, /* of a field in its directory: tag, type, count, value or its offset */
    TIFF_SEPARATE_PLANES = 2,
};

static inline uint16_t tiff_read16(const struct tiff *tiff, uint64_t at) {
    return (tiff->big_endian ? bytes_be16 : bytes_le16)(tiff->file, at);
}

static inline uint32_t tiff_read32(const struct tiff *tiff, uint64_t at) {
    return (tiff->big_endian ? bytes_be32 : bytes_le32)(tiff->file, at);
}

/* One of a field's values: index is less than its count. */
uint32_t lend__tiff_value(const struct tiff *tiff, const struct tiff_field *field, uint32_t index);

/* The first, or this if there is no such field. */
uint32_t lend__tiff_value_or(const struct tiff *tiff, const struct tiff_field *field,
                             uint32_t otherwise);

/* Find the fields of the directory at `at`, all of which lies in the file. 0 or EBADMSG. */
int lend__tiff_read_directory(const struct tiff *tiff, uint32_t at,
                              struct tiff_directory *ret_directory, struct lend_reason *reason);

/* 0, or ENOTSUP by the name of what is not read. */
int lend__tiff_check_kind(const struct tiff *tiff, const struct tiff_directory *directory,
                          struct lend_reason *reason);

#endif
