/* SPDX-License-Identifier: MIT
 *
 * A TIFF's pages, from directory to directory. Nothing in the format keeps the chain from turning
 * back on itself; libtiff is patient with that. */
#include "ocr/admit.h"
#include "ocr/tiff.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    HEADER_SIZE = 8,
    CLASSIC = 42,
    BIG = 43,
    STEPS_MAX = 4 * 65536, /* along a chain, to find out that it is a ring of 65535 pages */
};

/* The offset of the directory after the one at `at`, which lies in the file. 0 ends the chain. */
static bool next_directory(const struct tiff *tiff, uint32_t at, uint32_t *ret_next) {
    if (!bytes_has(tiff->file, at, 2))
        return false;
    uint64_t end = at + 2 + (uint64_t)TIFF_ENTRY_SIZE * tiff_read16(tiff, at);
    if (!bytes_has(tiff->file, end, 4))
        return false;
    *ret_next = tiff_read32(tiff, end);
    return true;
}

/* Walk the chain and count it. Brent's algorithm finds a ring: one directory is remembered, twice
 * as many steps later another; whoever comes back is met by the one that was remembered. */
static int count_directories(const struct tiff *tiff, uint32_t *ret_count,
                             struct lend_reason *reason) {
    uint32_t at = tiff_read32(tiff, 4), remembered = 0, count = 0;
    for (uint32_t renew_at = 1; at != 0; count++) {
        if (at == remembered)
            return lend_reason_set(reason, EBADMSG, "TIFF: its pages form a ring");
        if (count == renew_at) {
            remembered = at;
            renew_at *= 2;
        }
        if (count == STEPS_MAX)
            break;
        if (!next_directory(tiff, at, &at))
            return lend_reason_set(
                reason, EBADMSG, "TIFF: cut short: page %" PRIu32 " is not in the file", count + 1);
    }
    if (count == 0)
        return lend_reason_set(reason, EBADMSG, "TIFF: it has no pages");
    *ret_count = count;
    return 0;
}

/* How many bytes of pixels can one byte become? 0 if there is no telling. */
static uint64_t expansion_max(uint32_t compression) {
    switch (compression) {
    case 1: /* none, but colours may be stored at less than the full resolution */
        return 4;
    case 5:     /* LZW: twelve bits for a string of its table, which has 4096 */
    case 7:     /* JPEG: a bit for eight by eight samples, of a sixteenth of the resolution */
    case 8:     /* Deflate: two bits for 258 times the same */
    case 32773: /* PackBits: two bytes for 128 times the same */
    case 32946: /* Deflate under its old number */
        return 4096;
    default:
        return 0;
    }
}

/* Decoders make room for all that the header promises. Can the strips hold that much? */
static int check_promise(const struct tiff *tiff, const struct tiff_directory *directory,
                         struct page_size size, uint64_t strip_bytes, struct lend_reason *reason) {
    uint64_t bits = (uint64_t)lend__tiff_value_or(tiff, &directory->depth, 1) *
                    lend__tiff_value_or(tiff, &directory->samples, 1);
    uint64_t pixels = (uint64_t)size.width * size.height;
    uint64_t expansion = expansion_max(lend__tiff_value_or(tiff, &directory->compression, 1));
    if (expansion == 0 || pixels * bits / 8 <= strip_bytes * expansion)
        return 0;
    return lend_reason_set(reason, EBADMSG,
                           "TIFF: cut short: %" PRIu64 " bytes cannot be %" PRIu64 " pixels",
                           strip_bytes, pixels);
}

/* Are all strips of pixels in the file? Sizes may be left out: libtiff then works them out. */
static int check_strips(const struct tiff *tiff, const struct tiff_directory *directory,
                        struct page_size size, struct lend_reason *reason) {
    const struct tiff_field *offsets = &directory->strip_offsets, *sizes = &directory->strip_sizes;
    uint32_t rows = lend__tiff_value_or(tiff, &directory->rows_per_strip, size.height);
    bool separate = lend__tiff_value_or(tiff, &directory->planes, 1) == TIFF_SEPARATE_PLANES;
    uint32_t planes = separate ? lend__tiff_value_or(tiff, &directory->samples, 1) : 1;
    uint64_t total = sizes->count != 0 ? 0 : tiff->file->size;
    if (rows == 0)
        return lend_reason_set(reason, EBADMSG, "TIFF: its strips have no rows");
    uint64_t strips = (uint64_t)planes * (size.height / rows + (size.height % rows != 0));
    if (offsets->count < strips || (sizes->count != 0 && sizes->count < strips))
        return lend_reason_set(reason, EBADMSG, "TIFF: %" PRIu32 " of %" PRIu64 " strips are there",
                               offsets->count, strips);
    for (uint32_t i = 0; i < strips; i++) {
        uint32_t length = sizes->count != 0 ? lend__tiff_value(tiff, sizes, i) : 0;
        if (!bytes_has(tiff->file, lend__tiff_value(tiff, offsets, i), length))
            return lend_reason_set(reason, EBADMSG,
                                   "TIFF: cut short: strip %" PRIu32 " is not in the file", i);
        total += length;
    }
    return check_promise(tiff, directory, size, total, reason);
}

static int admit_page(const struct tiff *tiff, const struct lend_ocr_limits *limits, uint32_t at,
                      struct page_size *ret_size, struct lend_reason *reason) {
    struct tiff_directory directory = {0};
    int error = lend__tiff_read_directory(tiff, at, &directory, reason);
    if (error == 0) {
        *ret_size = (struct page_size){.width = lend__tiff_value_or(tiff, &directory.width, 0),
                                       .height = lend__tiff_value_or(tiff, &directory.height, 0)};
        error = lend__admit_page(limits, *ret_size, reason);
    }
    if (error == 0)
        error = lend__tiff_check_kind(tiff, &directory, reason);
    if (error == 0)
        error = check_strips(tiff, &directory, *ret_size, reason);
    return error;
}

static int admit_pages(const struct tiff *tiff, const struct lend_ocr_limits *limits,
                       struct admission *admission, struct lend_reason *reason) {
    struct lend_ocr_info *info = &admission->info;
    uint32_t at = tiff_read32(tiff, 4);
    for (uint32_t page = 0; page < info->pages; page++) {
        struct page_size *size = &admission->tiff_pages[page].size;
        admission->tiff_pages[page].directory = at;
        int error = admit_page(tiff, limits, at, size, reason);
        if (error != 0)
            return error;
        if ((uint64_t)size->width * size->height > (uint64_t)info->width * info->height) {
            info->width = size->width;
            info->height = size->height;
        }
        if (!next_directory(tiff, at, &at))
            return EBADMSG; /* not after the chain was counted */
    }
    return 0;
}

int lend__admit_tiff(const struct bytes *file, const struct lend_ocr_limits *limits,
                     struct admission *admission, struct lend_reason *reason) {
    struct tiff tiff = {.file = file, .big_endian = file->at[0] == 'M'};
    if (!bytes_has(file, 0, HEADER_SIZE))
        return lend_reason_set(reason, EBADMSG, "TIFF: cut short after %zu bytes", file->size);
    if (tiff_read16(&tiff, 2) == BIG)
        return lend_reason_set(reason, ENOTSUP, "TIFF: a BigTIFF is not read");
    if (tiff_read16(&tiff, 2) != CLASSIC)
        return lend_reason_set(reason, ENOTSUP,
                               "it begins like a TIFF, but is none; PNG, JPEG, TIFF, PNM and WebP "
                               "are read");
    int error = count_directories(&tiff, &admission->info.pages, reason);
    if (error != 0)
        return error;
    if (admission->info.pages > limits->pages_max)
        return lend_reason_set(reason, EFBIG, "TIFF: over pages_max, %" PRIu32 " pages",
                               limits->pages_max);
    admission->tiff_pages = malloc(admission->info.pages * sizeof *admission->tiff_pages);
    if (admission->tiff_pages == NULL)
        return lend_reason_set(reason, ENOMEM, "no memory for the list of pages");
    return admit_pages(&tiff, limits, admission, reason);
}
