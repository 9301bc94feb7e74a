/* SPDX-License-Identifier: MIT
 *
 * WebP: a RIFF file of chunks, one of which is the picture: VP8 (RFC 6386) or VP8L. A VP8X chunk
 * before it names the canvas and says whether it moves. */
#include "ocr/admit.h"

#include <inttypes.h>

enum {
    RIFF_SIZE = 12,    /* "RIFF", size of what follows, "WEBP" */
    CHUNK_HEADER = 8,  /* type, size of what follows */
    ANIMATED = 1 << 1, /* in the first byte of VP8X */
};

static int damaged(struct lend_reason *reason, const char *what) {
    return lend_reason_set(reason, EBADMSG, "WebP: %s", what);
}

/* Frame tag, start code, then two numbers of 14 bits and a scale each. */
static int read_lossy(const struct bytes *file, uint64_t at, uint32_t length,
                      struct page_size *ret_size, struct lend_reason *reason) {
    if (length < 10)
        return damaged(reason, "cut short in the header of its picture");
    if ((file->at[at] & 1) != 0 || !bytes_match(file, at + 3, "\x9d\x01\x2a"))
        return damaged(reason, "its picture does not begin with a key frame");
    *ret_size = (struct page_size){.width = bytes_le16(file, at + 6) & 0x3fff,
                                   .height = bytes_le16(file, at + 8) & 0x3fff};
    return 0;
}

/* Signature, then two numbers of 14 bits, each less by one, a bit for alpha, three for a version.
 */
static int read_lossless(const struct bytes *file, uint64_t at, uint32_t length,
                         struct page_size *ret_size, struct lend_reason *reason) {
    if (length < 5)
        return damaged(reason, "cut short in the header of its picture");
    uint32_t bits = bytes_le32(file, at + 1);
    if (file->at[at] != 0x2f || bits >> 29 != 0)
        return damaged(reason, "its picture has no signature, or is of an unknown version");
    *ret_size =
        (struct page_size){.width = (bits & 0x3fff) + 1, .height = (bits >> 14 & 0x3fff) + 1};
    return 0;
}

static int read_canvas(const struct bytes *file, uint64_t at, uint32_t length,
                       struct page_size *ret_size, struct lend_reason *reason) {
    if (length < 10)
        return damaged(reason, "cut short in its extended header");
    if ((file->at[at] & ANIMATED) != 0)
        return lend_reason_set(reason, ENOTSUP, "WebP: an animated one is not read");
    *ret_size = (struct page_size){.width = bytes_le24(file, at + 4) + 1,
                                   .height = bytes_le24(file, at + 7) + 1};
    return 0;
}

int lend__admit_webp(const struct bytes *file, struct page_size *ret_size,
                     struct lend_reason *reason) {
    struct page_size canvas = {0};
    uint64_t end = (uint64_t)bytes_le32(file, 4) + 8;
    if (!bytes_has(file, 0, end))
        return lend_reason_set(reason, EBADMSG, "WebP: cut short: %zu of %" PRIu64 " bytes",
                               file->size, end);
    for (uint64_t at = RIFF_SIZE; at + CHUNK_HEADER <= end;) {
        uint32_t length = bytes_le32(file, at + 4);
        uint64_t data = at + CHUNK_HEADER;
        int error = 0;
        if (length > end - data)
            return damaged(reason, "a part of it is larger than the file");
        bool lossy = bytes_match(file, at, "VP8 ");
        if (lossy || bytes_match(file, at, "VP8L")) {
            error = (lossy ? read_lossy : read_lossless)(file, data, length, ret_size, reason);
            bool differs = ret_size->width != canvas.width || ret_size->height != canvas.height;
            if (error == 0 && canvas.width != 0 && differs)
                return damaged(reason, "its picture is not as large as its header says");
            return error;
        }
        if (at == RIFF_SIZE && bytes_match(file, at, "VP8X"))
            error = read_canvas(file, data, length, &canvas, reason);
        else if (at == RIFF_SIZE) /* libwebp would take it for the picture, whatever its name is */
            return damaged(reason, "its first part is no picture");
        if (error != 0)
            return error;
        at = data + length + (length & 1);
    }
    return damaged(reason, "it has no picture");
}
