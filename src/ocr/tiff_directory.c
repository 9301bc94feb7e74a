/* SPDX-License-Identifier: MIT
 *
 * The fields of one directory of a TIFF. Nothing in the format keeps a field from pointing out of
 * the file, nor many of them from pointing at the same bytes; libtiff is patient with both. */
#include "ocr/tiff.h"

enum tag {
    IMAGE_WIDTH = 256,
    IMAGE_LENGTH = 257,
    BITS_PER_SAMPLE = 258,
    COMPRESSION = 259,
    PHOTOMETRIC = 262,
    STRIP_OFFSETS = 273,
    SAMPLES_PER_PIXEL = 277,
    ROWS_PER_STRIP = 278,
    STRIP_BYTE_COUNTS = 279,
    PLANAR_CONFIGURATION = 284,
    COLOUR_MAP = 320,
    TILE_WIDTH = 322,
    SAMPLE_FORMAT = 339,
};

enum type {
    BYTE = 1,
    SHORT = 3,
    LONG = 4,
};

enum { FIELDS_MAX = 4096 }; /* libtiff takes more for a sign that this is no directory */

uint32_t lend__tiff_value(const struct tiff *tiff, const struct tiff_field *field, uint32_t index) {
    uint64_t at = field->at + (uint64_t)index * field->size;
    switch (field->size) {
    case 1:
        return tiff->file->at[at];
    case 2:
        return tiff_read16(tiff, at);
    default:
        return tiff_read32(tiff, at);
    }
}

uint32_t lend__tiff_value_or(const struct tiff *tiff, const struct tiff_field *field,
                             uint32_t otherwise) {
    return field->count > 0 ? lend__tiff_value(tiff, field, 0) : otherwise;
}

static struct tiff_field *wanted(struct tiff_directory *directory, unsigned tag) {
    switch (tag) {
    case IMAGE_WIDTH:
        return &directory->width;
    case IMAGE_LENGTH:
        return &directory->height;
    case BITS_PER_SAMPLE:
        return &directory->depth;
    case COMPRESSION:
        return &directory->compression;
    case PHOTOMETRIC:
        return &directory->photometric;
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
    case COLOUR_MAP:
        return &directory->palette;
    case TILE_WIDTH:
        return &directory->tile_width;
    default:
        return NULL;
    }
}

/* A field's values lie in it if they fit into four bytes, else where it says. */
static int read_field(const struct tiff *tiff, uint64_t at, struct tiff_field *ret_field,
                      struct lend_reason *reason) {
    unsigned tag = tiff_read16(tiff, at), type = tiff_read16(tiff, at + 2);
    struct tiff_field field = {.count = tiff_read32(tiff, at + 4), .at = at + 8};
    if (type != BYTE && type != SHORT && type != LONG)
        return lend_reason_set(reason, EBADMSG, "TIFF: field %u is of type %u", tag, type);
    field.size = type == BYTE ? 1 : type == SHORT ? 2 : 4;
    uint64_t length = (uint64_t)field.count * field.size;
    if (length > 4)
        field.at = tiff_read32(tiff, at + 8);
    if (!bytes_has(tiff->file, field.at, length))
        return lend_reason_set(reason, EBADMSG, "TIFF: cut short: field %u is not in the file",
                               tag);
    *ret_field = field;
    return 0;
}

/* How many bytes the values of the field at `at` take, wherever they lie. Of a type that is not
 * known libtiff reads none. */
static uint64_t field_length(const struct tiff *tiff, uint64_t at) {
    static const uint8_t sizes[] = {
        [1] = 1,  [2] = 1,  [3] = 2,  [4] = 4,  [5] = 8,  [6] = 1,  [7] = 1,  [8] = 2, [9] = 4,
        [10] = 8, [11] = 4, [12] = 8, [13] = 4, [16] = 8, [17] = 8, [18] = 8, /* as a BigTIFF has */
    };
    unsigned type = tiff_read16(tiff, at + 2);
    return type < sizeof sizes ? (uint64_t)sizes[type] * tiff_read32(tiff, at + 4) : 0;
}

/* libtiff copies into memory what each field points at, wanted or not. An honest directory points
 * at each byte of its file once, or shares a number or two. */
static int check_lengths(const struct tiff *tiff, uint32_t at, unsigned count,
                         struct lend_reason *reason) {
    uint64_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += field_length(tiff, at + 2 + (uint64_t)TIFF_ENTRY_SIZE * i);
    if (total <= tiff->file->size)
        return 0;
    return lend_reason_set(reason, EBADMSG, "TIFF: the fields of a page are larger than the file");
}

int lend__tiff_read_directory(const struct tiff *tiff, uint32_t at,
                              struct tiff_directory *ret_directory, struct lend_reason *reason) {
    unsigned count = tiff_read16(tiff, at);
    if (count > FIELDS_MAX)
        return lend_reason_set(reason, EBADMSG, "TIFF: a page has %u fields", count);
    for (unsigned i = 0; i < count; i++) {
        uint64_t entry = at + 2 + (uint64_t)TIFF_ENTRY_SIZE * i;
        struct tiff_field *field = wanted(ret_directory, tiff_read16(tiff, entry));
        if (field == NULL)
            continue;
        if (field->count != 0)
            return lend_reason_set(reason, EBADMSG, "TIFF: field %u is there twice",
                                   tiff_read16(tiff, entry));
        int error = read_field(tiff, entry, field, reason);
        if (error != 0)
            return error;
    }
    return check_lengths(tiff, at, count, reason);
}
