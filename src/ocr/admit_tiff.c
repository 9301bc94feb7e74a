/* SPDX-License-Identifier: MIT
 *
 * TIFF 6.0: a chain of directories, one a page, each a list of tagged fields and the offset of the
 * next. Nothing in the format keeps the chain from turning back on itself, nor a field from
 * pointing out of the file; libtiff is patient with both. */
#include "ocr/admit.h"

#include <inttypes.h>
#include <stdlib.h>

enum tag {
    IMAGE_WIDTH = 256,
    IMAGE_LENGTH = 257,
    BITS_PER_SAMPLE = 258,
    COMPRESSION = 259,
    STRIP_OFFSETS = 273,
    SAMPLES_PER_PIXEL = 277,
    ROWS_PER_STRIP = 278,
    STRIP_BYTE_COUNTS = 279,
    PLANAR_CONFIGURATION = 284,
    TILE_WIDTH = 322,
    SAMPLE_FORMAT = 339,
};

enum type {
    BYTE = 1,
    SHORT = 3,
    LONG = 4,
};

enum {
    HEADER_SIZE = 8,
    CLASSIC = 42,
    BIG = 43,
    FIELD_SIZE = 12,   /* tag, type, count, and the value or its offset */
    FIELDS_MAX = 4096, /* libtiff takes more for a sign that this is no directory */
    SEPARATE_PLANES = 2,
    UNSIGNED_SAMPLES = 1,
    STEPS_MAX = 4 * 65536, /* along a chain, to find out that it is a ring of 65535 pages */
};

struct tiff {
    const struct bytes *file;
    bool big_endian;
};

static uint16_t read16(const struct tiff *tiff, uint64_t at) {
    return (tiff->big_endian ? bytes_be16 : bytes_le16)(tiff->file, at);
}

static uint32_t read32(const struct tiff *tiff, uint64_t at) {
    return (tiff->big_endian ? bytes_be32 : bytes_le32)(tiff->file, at);
}

/* The values of a field: `count` numbers of one size. */
struct field {
    uint32_t count; /* 0 if there is no such field */
    uint64_t at;
    unsigned size;
};

static uint32_t field_value(const struct tiff *tiff, const struct field *field, uint32_t index) {
    uint64_t at = field->at + (uint64_t)index * field->size;
    switch (field->size) {
    case 1:
        return tiff->file->at[at];
    case 2:
        return read16(tiff, at);
    default:
        return read32(tiff, at);
    }
}

static uint32_t field_or(const struct tiff *tiff, const struct field *field, uint32_t otherwise) {
    return field->count > 0 ? field_value(tiff, field, 0) : otherwise;
}

/* The offset of the directory after the one at `at`, which lies in the file. 0 ends the chain. */
static bool next_directory(const struct tiff *tiff, uint32_t at, uint32_t *ret_next) {
    if (!bytes_has(tiff->file, at, 2))
        return false;
    uint64_t end = at + 2 + (uint64_t)FIELD_SIZE * read16(tiff, at);
    if (!bytes_has(tiff->file, end, 4))
        return false;
    *ret_next = read32(tiff, end);
    return true;
}

/* Walk the chain and count it. Brent's algorithm finds a ring: one directory is remembered, twice
 * as many steps later another; whoever comes back is met by the one that was remembered. */
static int count_directories(const struct tiff *tiff, uint32_t *ret_count,
                             struct lend_reason *reason) {
    uint32_t at = read32(tiff, 4), remembered = 0, count = 0;
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

/* What of a directory matters here. */
struct directory {
    struct field width, height, depth, samples, sample_format, planes, compression;
    struct field rows_per_strip, strip_offsets, strip_sizes, tile_width;
};

static struct field *wanted(struct directory *directory, unsigned tag) {
    switch (tag) {
    case IMAGE_WIDTH:
        return &directory->width;
    case IMAGE_LENGTH:
        return &directory->height;
    case BITS_PER_SAMPLE:
        return &directory->depth;
    case COMPRESSION:
        return &directory->compression;
    case SAMPLES_PER_PIXEL:
        return &directory->samples;
    case SAMPLE_FORMAT:
        return &directory->sample_format;
    case PLANAR_CONFIGURATION:
        return &directory->planes;
    case ROWS_PER_STRIP:
        return &directory->rows_per_strip;
    case STRIP_OFFSETS:
        return &directory->strip_offsets;
    case STRIP_BYTE_COUNTS:
        return &directory->strip_sizes;
    case TILE_WIDTH:
        return &directory->tile_width;
    default:
        return NULL;
    }
}

/* A field's values lie in it if they fit into four bytes, else where it says. */
static int read_field(const struct tiff *tiff, uint64_t at, struct field *ret_field,
                      struct lend_reason *reason) {
    unsigned tag = read16(tiff, at), type = read16(tiff, at + 2);
    struct field field = {.count = read32(tiff, at + 4), .at = at + 8};
    if (type != BYTE && type != SHORT && type != LONG)
        return lend_reason_set(reason, EBADMSG, "TIFF: field %u is of type %u", tag, type);
    field.size = type == BYTE ? 1 : type == SHORT ? 2 : 4;
    uint64_t length = (uint64_t)field.count * field.size;
    if (length > 4)
        field.at = read32(tiff, at + 8);
    if (!bytes_has(tiff->file, field.at, length))
        return lend_reason_set(reason, EBADMSG, "TIFF: cut short: field %u is not in the file",
                               tag);
    *ret_field = field;
    return 0;
}

static int read_directory(const struct tiff *tiff, uint32_t at, struct directory *ret_directory,
                          struct lend_reason *reason) {
    unsigned count = read16(tiff, at);
    if (count > FIELDS_MAX)
        return lend_reason_set(reason, EBADMSG, "TIFF: a page has %u fields", count);
    for (unsigned i = 0; i < count; i++) {
        uint64_t entry = at + 2 + (uint64_t)FIELD_SIZE * i;
        struct field *field = wanted(ret_directory, read16(tiff, entry));
        if (field == NULL)
            continue;
        if (field->count != 0)
            return lend_reason_set(reason, EBADMSG, "TIFF: field %u is there twice",
                                   read16(tiff, entry));
        int error = read_field(tiff, entry, field, reason);
        if (error != 0)
            return error;
    }
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
static int check_promise(const struct tiff *tiff, const struct directory *directory,
                         struct page_size size, uint64_t strip_bytes, struct lend_reason *reason) {
    uint64_t bits =
        (uint64_t)field_or(tiff, &directory->depth, 1) * field_or(tiff, &directory->samples, 1);
    uint64_t pixels = (uint64_t)size.width * size.height;
    uint64_t expansion = expansion_max(field_or(tiff, &directory->compression, 1));
    if (expansion == 0 || pixels * bits / 8 <= strip_bytes * expansion)
        return 0;
    return lend_reason_set(reason, EBADMSG,
                           "TIFF: cut short: %" PRIu64 " bytes cannot be %" PRIu64 " pixels",
                           strip_bytes, pixels);
}

/* Are all strips of pixels in the file? Sizes may be left out: libtiff then works them out. */
static int check_strips(const struct tiff *tiff, const struct directory *directory,
                        struct page_size size, struct lend_reason *reason) {
    const struct field *offsets = &directory->strip_offsets, *sizes = &directory->strip_sizes;
    uint32_t rows = field_or(tiff, &directory->rows_per_strip, size.height);
    bool separate = field_or(tiff, &directory->planes, 1) == SEPARATE_PLANES;
    uint32_t planes = separate ? field_or(tiff, &directory->samples, 1) : 1;
    uint64_t total = sizes->count != 0 ? 0 : tiff->file->size;
    if (rows == 0)
        return lend_reason_set(reason, EBADMSG, "TIFF: its strips have no rows");
    uint64_t strips = (uint64_t)planes * (size.height / rows + (size.height % rows != 0));
    if (offsets->count < strips || (sizes->count != 0 && sizes->count < strips))
        return lend_reason_set(reason, EBADMSG, "TIFF: %" PRIu32 " of %" PRIu64 " strips are there",
                               offsets->count, strips);
    for (uint32_t i = 0; i < strips; i++) {
        uint32_t length = sizes->count != 0 ? field_value(tiff, sizes, i) : 0;
        if (!bytes_has(tiff->file, field_value(tiff, offsets, i), length))
            return lend_reason_set(reason, EBADMSG,
                                   "TIFF: cut short: strip %" PRIu32 " is not in the file", i);
        total += length;
    }
    return check_promise(tiff, directory, size, total, reason);
}

/* The kinds that the decoder reads, and those only: it would refuse the others too, or worse. */
static int check_kind(const struct tiff *tiff, const struct directory *directory,
                      struct lend_reason *reason) {
    uint32_t depth = field_or(tiff, &directory->depth, 1);
    uint32_t samples = field_or(tiff, &directory->samples, 1);
    uint32_t format = field_or(tiff, &directory->sample_format, UNSIGNED_SAMPLES);
    if (directory->tile_width.count != 0)
        return lend_reason_set(reason, ENOTSUP, "TIFF: one in tiles is not read");
    if (format != UNSIGNED_SAMPLES)
        return lend_reason_set(reason, ENOTSUP,
                               "TIFF: one with signed or real samples is not read");
    if (depth != 1 && depth != 2 && depth != 4 && depth != 8 && depth != 16)
        return lend_reason_set(reason, ENOTSUP,
                               "TIFF: one with %" PRIu32 " bits a sample is not read", depth);
    if (samples < 1 || samples > 4)
        return lend_reason_set(reason, ENOTSUP,
                               "TIFF: one with %" PRIu32 " samples a pixel is not read", samples);
    return 0;
}

static int admit_page(const struct tiff *tiff, const struct lend_ocr_limits *limits, uint32_t at,
                      struct page_size *ret_size, struct lend_reason *reason) {
    struct directory directory = {0};
    int error = read_directory(tiff, at, &directory, reason);
    if (error == 0) {
        *ret_size = (struct page_size){.width = field_or(tiff, &directory.width, 0),
                                       .height = field_or(tiff, &directory.height, 0)};
        error = lend__admit_page(limits, *ret_size, reason);
    }
    if (error == 0)
        error = check_kind(tiff, &directory, reason);
    if (error == 0)
        error = check_strips(tiff, &directory, *ret_size, reason);
    return error;
}

static int admit_pages(const struct tiff *tiff, const struct lend_ocr_limits *limits,
                       struct admission *admission, struct lend_reason *reason) {
    struct lend_ocr_info *info = &admission->info;
    uint32_t at = read32(tiff, 4);
    for (uint32_t page = 0; page < info->pages; page++) {
        struct page_size size = {0};
        admission->directories[page] = at;
        int error = admit_page(tiff, limits, at, &size, reason);
        if (error != 0)
            return error;
        if ((uint64_t)size.width * size.height > (uint64_t)info->width * info->height) {
            info->width = size.width;
            info->height = size.height;
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
    if (read16(&tiff, 2) == BIG)
        return lend_reason_set(reason, ENOTSUP, "TIFF: a BigTIFF is not read");
    if (read16(&tiff, 2) != CLASSIC)
        return lend_reason_set(reason, ENOTSUP,
                               "it begins like a TIFF, but is none; PNG, JPEG, TIFF, PNM and WebP "
                               "are read");
    int error = count_directories(&tiff, &admission->info.pages, reason);
    if (error != 0)
        return error;
    if (admission->info.pages > limits->pages_max)
        return lend_reason_set(reason, EFBIG, "TIFF: over pages_max, %" PRIu32 " pages",
                               limits->pages_max);
    admission->directories = malloc(admission->info.pages * sizeof *admission->directories);
    if (admission->directories == NULL)
        return lend_reason_set(reason, ENOMEM, "no memory for the list of pages");
    return admit_pages(&tiff, limits, admission, reason);
}
