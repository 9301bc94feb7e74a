/* SPDX-License-Identifier: MIT
 *
 * JPEG (ITU-T T.81): segments that begin with a marker, 0xff and its code, and after the start of
 * a scan the entropy-coded data, in which 0xff is followed by 0 or is a marker too. Walked to the
 * end marker: a decoder fills what is missing with grey. */
#include "ocr/admit.h"

/* A decoder runs over the whole picture once per scan, and a scan may take ten bytes: a small file
 * can keep it busy for hours. Cameras and encoders make about a dozen. */
enum { SCANS_MAX = 100 };

enum marker {
    TEMPORARY = 0x01,
    FRAME_FIRST = 0xc0, /* these 16, but for the next three, begin a frame */
    HUFFMAN_TABLES = 0xc4,
    EXTENSION = 0xc8,
    ARITHMETIC_TABLES = 0xcc,
    FRAME_LAST = 0xcf,
    RESTART_FIRST = 0xd0,
    RESTART_LAST = 0xd7,
    IMAGE_START = 0xd8,
    IMAGE_END = 0xd9,
    SCAN_START = 0xda,
};

static bool begins_frame(unsigned code) {
    return code >= FRAME_FIRST && code <= FRAME_LAST && code != HUFFMAN_TABLES &&
           code != EXTENSION && code != ARITHMETIC_TABLES;
}

static bool stands_alone(unsigned code) {
    return code == TEMPORARY || (code >= RESTART_FIRST && code <= RESTART_LAST);
}

/* Baseline, extended and progressive, Huffman or arithmetic; not lossless, not hierarchical. */
static bool frame_is_read(unsigned code) {
    unsigned kind = code - FRAME_FIRST;
    return kind <= 2 || kind == 9 || kind == 10;
}

/* The frame's header: length, precision, height, width, number of components. */
static int read_frame(const struct bytes *file, uint64_t at, unsigned code,
                      struct page_size *ret_size, struct lend_reason *reason) {
    if (ret_size->width != 0)
        return lend_reason_set(reason, EBADMSG, "JPEG: it has two frames");
    if (bytes_be16(file, at) < 8)
        return lend_reason_set(reason, EBADMSG, "JPEG: the frame's header is too short");
    unsigned precision = file->at[at + 2], components = file->at[at + 7];
    if (!frame_is_read(code))
        return lend_reason_set(reason, ENOTSUP, "JPEG: a lossless or hierarchical one is not read");
    if (precision != 8)
        return lend_reason_set(reason, ENOTSUP, "JPEG: one with %u bits a sample is not read",
                               precision);
    if (components != 1 && components != 3 && components != 4)
        return lend_reason_set(reason, ENOTSUP, "JPEG: one with %u components is not read",
                               components);
    *ret_size =
        (struct page_size){.width = bytes_be16(file, at + 5), .height = bytes_be16(file, at + 3)};
    if (ret_size->width == 0 || ret_size->height == 0)
        return lend_reason_set(reason, EBADMSG, "JPEG: %u x %u pixels are no picture",
                               (unsigned)ret_size->width, (unsigned)ret_size->height);
    return 0;
}

/* The first marker at or after `at` that ends a scan; the file's size if there is none. */
static uint64_t scan_end(const struct bytes *file, uint64_t at) {
    while (at < file->size) {
        const uint8_t *found = memchr(file->at + at, 0xff, file->size - at);
        if (found == NULL)
            break;
        at = (uint64_t)(found - file->at);
        if (!bytes_has(file, at, 2))
            break;
        unsigned code = file->at[at + 1];
        if (code != 0 && code != 0xff && !stands_alone(code))
            return at;
        at += code == 0xff ? 1 : 2;
    }
    return file->size;
}

static int cut_short(const struct bytes *file, struct lend_reason *reason) {
    return lend_reason_set(reason, EBADMSG, "JPEG: cut short: it has no end after %zu bytes",
                           file->size);
}

int lend__admit_jpeg(const struct bytes *file, struct page_size *ret_size,
                     struct lend_reason *reason) {
    unsigned scans = 0;
    uint64_t at = 2; /* behind the marker that starts the image */
    while (bytes_has(file, at, 2)) {
        if (file->at[at] != 0xff)
            return lend_reason_set(reason, EBADMSG, "JPEG: no marker at byte %llu",
                                   (unsigned long long)at);
        unsigned code = file->at[at + 1];
        at += code == 0xff ? 1 : 2; /* more 0xff may fill the space before a code */
        if (code == 0xff || stands_alone(code))
            continue;
        if (code == IMAGE_END)
            return scans > 0 ? 0 : lend_reason_set(reason, EBADMSG, "JPEG: it has no pixels");
        if (code == 0 || code == IMAGE_START)
            return lend_reason_set(reason, EBADMSG, "JPEG: a stray marker before byte %llu",
                                   (unsigned long long)at);
        if (!bytes_has(file, at, 2) || !bytes_has(file, at, bytes_be16(file, at)))
            break;
        uint64_t next = at + bytes_be16(file, at);
        if (next < at + 2)
            return lend_reason_set(reason, EBADMSG, "JPEG: a segment of less than its own size");
        if (begins_frame(code)) {
            int error = read_frame(file, at, code, ret_size, reason);
            if (error != 0)
                return error;
        }
        if (code == SCAN_START) {
            if (ret_size->width == 0)
                return lend_reason_set(reason, EBADMSG, "JPEG: pixels before their frame");
            if (++scans > SCANS_MAX)
                return lend_reason_set(reason, EBADMSG, "JPEG: more than %d scans", SCANS_MAX);
            next = scan_end(file, next);
        }
        at = next;
    }
    return cut_short(file, reason);
}
