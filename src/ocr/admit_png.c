/* SPDX-License-Identifier: MIT
 *
 * PNG (ISO/IEC 15948): a signature, then chunks of length, type, data and checksum, from IHDR to
 * IEND. */
#include "ocr/admit.h"

enum {
    SIGNATURE_SIZE = 8,
    CHUNK_OVERHEAD = 12, /* length, type and checksum */
    HEADER_SIZE = 13,
};

enum colour_type {
    GREY = 0,
    RGB = 2,
    PALETTE = 3,
    GREY_ALPHA = 4,
    RGB_ALPHA = 6,
};

static bool depth_fits(enum colour_type colour, unsigned depth) {
    switch (colour) {
    case GREY:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case PALETTE:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case RGB:
    case GREY_ALPHA:
    case RGB_ALPHA:
        return depth == 8 || depth == 16;
    }
    return false;
}

/* IHDR's data: width, height, depth, colour type, compression, filter, interlacing. */
static int read_header(const struct bytes *file, uint64_t at, struct page_size *ret_size,
                       struct lend_reason *reason) {
    const uint8_t *rest = file->at + at + 8;
    *ret_size =
        (struct page_size){.width = bytes_be32(file, at), .height = bytes_be32(file, at + 4)};
    if (ret_size->width > INT32_MAX || ret_size->height > INT32_MAX)
        return lend_reason_set(reason, EBADMSG, "PNG: a side in the header is negative");
    if (!depth_fits(rest[1], rest[0]))
        return lend_reason_set(reason, EBADMSG, "PNG: no colour type %u has %u bits", rest[1],
                               rest[0]);
    if (rest[2] != 0 || rest[3] != 0 || rest[4] > 1)
        return lend_reason_set(reason, EBADMSG, "PNG: the header names an unknown method");
    return 0;
}

/* From the first chunk to IEND. */
static int walk_chunks(const struct bytes *file, struct lend_reason *reason) {
    bool has_pixels = false;
    for (uint64_t at = SIGNATURE_SIZE; bytes_has(file, at, CHUNK_OVERHEAD);) {
        uint32_t length = bytes_be32(file, at);
        if (bytes_match(file, at + 4, "IDAT"))
            has_pixels = true;
        if (!bytes_has(file, at, (uint64_t)length + CHUNK_OVERHEAD))
            break;
        if (bytes_match(file, at + 4, "IEND"))
            return has_pixels ? 0 : lend_reason_set(reason, EBADMSG, "PNG: it has no pixels");
        at += (uint64_t)length + CHUNK_OVERHEAD;
    }
    return lend_reason_set(reason, EBADMSG, "PNG: cut short: it has no end after %zu bytes",
                           file->size);
}

int lend__admit_png(const struct bytes *file, struct page_size *ret_size,
                    struct lend_reason *reason) {
    if (!bytes_has(file, SIGNATURE_SIZE, HEADER_SIZE + CHUNK_OVERHEAD))
        return lend_reason_set(reason, EBADMSG, "PNG: cut short after %zu bytes", file->size);
    if (bytes_be32(file, SIGNATURE_SIZE) != HEADER_SIZE ||
        !bytes_match(file, SIGNATURE_SIZE + 4, "IHDR"))
        return lend_reason_set(reason, EBADMSG, "PNG: it does not begin with a header");
    int error = read_header(file, SIGNATURE_SIZE + 8, ret_size, reason);
    return error != 0 ? error : walk_chunks(file, reason);
}
