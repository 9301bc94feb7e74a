/* SPDX-License-Identifier: MIT
 *
 * The kinds of TIFF that the decoder reads, and those only. Of the others it would say that they
 * are damaged, or worse: a codec that libtiff was built with need not be made for files of
 * strangers, and the one for JBIG ends the process. */
#include "ocr/tiff.h"

#include <inttypes.h>

enum { /* what holds where there is no field */
       NO_COMPRESSION = 1,
       UNSIGNED_SAMPLES = 1,
       SAMPLES_TOGETHER = 1,
};

struct name {
    uint32_t number;
    const char *words;
};

/* NULL if it is not among them. */
static const char *name_of(uint32_t number, const struct name *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (names[i].number == number)
            return names[i].words;
    return NULL;
}

static bool codec_is_read(uint32_t codec) {
    switch (codec) {
    case 1:     /* none */
    case 2:     /* fax: rows without ends, */
    case 3:     /* group 3, */
    case 4:     /* group 4 */
    case 5:     /* LZW */
    case 7:     /* JPEG */
    case 8:     /* Deflate */
    case 32771: /* fax: rows that end with a word */
    case 32773: /* PackBits */
    case 32946: /* Deflate under its old number */
        return true;
    default:
        return false;
    }
}

static int refuse_codec(uint32_t codec, struct lend_reason *reason) {
    static const struct name names[] = {
        {6, "JPEG of the old kind"},
        {9, "JBIG"},
        {10, "JBIG"},
        {32766, "NeXT"},
        {32809, "ThunderScan"},
        {32909, "PixarLog"},
        {34661, "JBIG"},
        {34676, "SGI LogLuv"},
        {34677, "SGI LogLuv"},
        {34712, "JPEG 2000"},
        {34887, "LERC"},
        {34925, "LZMA"},
        {50000, "Zstandard"},
        {50001, "WebP"},
        {50002, "JPEG XL"},
    };
    const char *name = name_of(codec, names, sizeof names / sizeof names[0]);
    if (name == NULL)
        return lend_reason_set(reason, ENOTSUP,
                               "TIFF: one with compression %" PRIu32 " is not read", codec);
    return lend_reason_set(reason, ENOTSUP, "TIFF: one that is compressed with %s is not read",
                           name);
}

static int check_codec(uint32_t codec, uint32_t depth, uint32_t samples,
                       struct lend_reason *reason) {
    bool fax = (codec >= 2 && codec <= 4) || codec == 32771;
    if (!codec_is_read(codec))
        return refuse_codec(codec, reason);
    if (fax && (depth != 1 || samples != 1))
        return lend_reason_set(reason, ENOTSUP,
                               "TIFF: a fax with %" PRIu32 " bits a sample and %" PRIu32
                               " samples a pixel is not read",
                               depth, samples);
    return 0;
}

/* Of one or two samples whatever they stand for is taken for grey. */
static bool depth_is_read(uint32_t depth, uint32_t samples) {
    switch (samples) {
    case 1:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case 2:
        return depth == 8;
    default:
        return depth == 8 || depth == 16;
    }
}

/* What three or four samples stand for. */
static bool colours_are_read(uint32_t photometric, uint32_t samples, uint32_t depth) {
    switch (photometric) {
    case 0: /* grey, white is 0 */
    case 1: /* grey, black is 0 */
    case 2: /* red, green, blue */
    case 3: /* of a palette that is missing: libtiff takes them for one of the others */
        return true;
    case 5: /* inks */
        return samples == 4 && depth == 8;
    case 6: /* YCbCr */
        return samples == 3 && depth == 8;
    case 8: /* CIE L*a*b* */
        return samples == 3;
    default:
        return false;
    }
}

static int refuse_colours(uint32_t photometric, uint32_t samples, uint32_t depth,
                          struct lend_reason *reason) {
    static const struct name names[] = {
        {4, "a mask"},
        {5, "inks"},
        {6, "YCbCr"},
        {8, "CIE L*a*b*"},
        {9, "ICC L*a*b*"},
        {10, "ITU L*a*b*"},
        {32803, "a colour filter array"},
        {32844, "CIE logarithmic L"},
        {32845, "CIE logarithmic L(u', v')"},
        {34892, "linear raw samples"},
        {51177, "depths"},
    };
    const char *name = name_of(photometric, names, sizeof names / sizeof names[0]);
    if (name == NULL)
        return lend_reason_set(
            reason, ENOTSUP, "TIFF: one with colours of kind %" PRIu32 " is not read", photometric);
    return lend_reason_set(reason, ENOTSUP,
                           "TIFF: one of %s with %" PRIu32 " bits a sample and %" PRIu32
                           " samples a pixel is not read",
                           name, depth, samples);
}

/* Whatever the samples stand for, Leptonica gives a picture the palette that the file has: for that
 * it has to be of one sample and a palette's size. The engine ends the process on one of colours
 * that has a palette all the same. */
static int check_palette(uint32_t depth, uint32_t samples, struct lend_reason *reason) {
    if (samples == 1 && depth <= 8)
        return 0;
    return lend_reason_set(reason, ENOTSUP,
                           "TIFF: one with a palette, %" PRIu32 " bits a sample and %" PRIu32
                           " samples a pixel is not read",
                           depth, samples);
}

int lend__tiff_check_kind(const struct tiff *tiff, const struct tiff_directory *directory,
                          struct lend_reason *reason) {
    uint32_t depth = lend__tiff_value_or(tiff, &directory->depth, 1);
    uint32_t samples = lend__tiff_value_or(tiff, &directory->samples, 1);
    uint32_t photometric = lend__tiff_value_or(tiff, &directory->photometric, 0);
    if (directory->tile_width.count != 0)
        return lend_reason_set(reason, ENOTSUP, "TIFF: one in tiles is not read");
    if (lend__tiff_value_or(tiff, &directory->sample_format, UNSIGNED_SAMPLES) != UNSIGNED_SAMPLES)
        return lend_reason_set(reason, ENOTSUP,
                               "TIFF: one with signed or real samples is not read");
    if (samples < 1 || samples > 4)
        return lend_reason_set(reason, ENOTSUP,
                               "TIFF: one with %" PRIu32 " samples a pixel is not read", samples);
    int error = check_codec(lend__tiff_value_or(tiff, &directory->compression, NO_COMPRESSION),
                            depth, samples, reason);
    if (error != 0)
        return error;
    if (!depth_is_read(depth, samples))
        return lend_reason_set(reason, ENOTSUP,
                               "TIFF: one with %" PRIu32 " bits a sample and %" PRIu32
                               " samples a pixel is not read",
                               depth, samples);
    if (directory->palette.count != 0)
        return check_palette(depth, samples, reason);
    if (samples <= 2)
        return 0;
    if (lend__tiff_value_or(tiff, &directory->planes, SAMPLES_TOGETHER) == TIFF_SEPARATE_PLANES)
        return lend_reason_set(reason, ENOTSUP, "TIFF: one with colours in planes is not read");
    if (!colours_are_read(photometric, samples, depth))
        return refuse_colours(photometric, samples, depth, reason);
    return 0;
}
