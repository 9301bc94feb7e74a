/* SPDX-License-Identifier: MIT
 *
 * JPEG with libjpeg. What it calls a warning (corrupt data, for which it makes up grey) is an error
 * here, as it is to Leptonica. */
#include "ocr/decode.h"

#include <allheaders.h>
#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs it first */

#include <jpeglib.h>

#include <jerror.h>

struct decoding {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr handlers; /* of jpeg.err, which leads here by client_data */
    jmp_buf failed;
    int error; /* why, and in the library's own words */
    char words[JMSG_LENGTH_MAX];
    PIX *image;
};

static void fail(j_common_ptr jpeg) {
    struct decoding *decoding = jpeg->client_data;
    decoding->error = jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? ENOMEM : EBADMSG;
    jpeg->err->format_message(jpeg, decoding->words);
    longjmp(decoding->failed, 1);
}

/* Levels below 0 are warnings, others remarks. */
static void hear(j_common_ptr jpeg, int level) {
    if (level < 0)
        fail(jpeg);
}

static l_uint32 word_of(unsigned red, unsigned green, unsigned blue) {
    return (l_uint32)(red << L_RED_SHIFT | green << L_GREEN_SHIFT | blue << L_BLUE_SHIFT);
}

/* The inks are subtracted from white without regard to a colour profile. Who wrote an Adobe marker
 * wrote all four inverted. */
static l_uint32 word_of_inks(const JSAMPLE *inks, bool inverted) {
    unsigned paper[3], key = inks[3];
    for (int i = 0; i < 3; i++)
        paper[i] = key * (inverted ? inks[i] : 255u - inks[i]) / 255;
    return word_of(paper[0], paper[1], paper[2]);
}

static void store_row(const struct decoding *decoding, const JSAMPLE *samples, l_uint32 *words) {
    const struct jpeg_decompress_struct *jpeg = &decoding->jpeg;
    for (JDIMENSION x = 0; x < jpeg->output_width; x++, samples += jpeg->output_components) {
        if (jpeg->output_components == 1)
            SET_DATA_BYTE(words, x, *samples);
        else if (jpeg->output_components == 3)
            words[x] = word_of(samples[0], samples[1], samples[2]);
        else
            words[x] = word_of_inks(samples, jpeg->saw_Adobe_marker);
    }
}

/* In dots per inch; 0 if the file gives only the shape of a dot. */
static int resolution(const struct jpeg_decompress_struct *jpeg, unsigned density) {
    switch (jpeg->density_unit) {
    case 1:
        return (int)density;
    case 2: /* per centimetre */
        return (int)((float)density * 2.54 + 0.5);
    default:
        return 0;
    }
}

/* What fails inside libjpeg does not return, but comes out of the setjmp. This function has nothing
 * to lose by that. */
static int decode(struct decoding *decoding, const struct bytes *file) {
    if (setjmp(decoding->failed) != 0)
        return decoding->error;
    struct jpeg_decompress_struct *jpeg = &decoding->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, file->at, (unsigned long)file->size);
    jpeg_read_header(jpeg, /* require_image= */ TRUE);
    jpeg_start_decompress(jpeg);
    /* Not cleared: memory is taken as rows come, not as the header promises them. */
    decoding->image = pixCreateNoInit((int)jpeg->output_width, (int)jpeg->output_height,
                                      jpeg->output_components == 1 ? 8 : 32);
    if (decoding->image == NULL)
        ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
    pixSetResolution(decoding->image, resolution(jpeg, jpeg->X_density),
                     resolution(jpeg, jpeg->Y_density));
    /* Freed with all else that belongs to the decoder. */
    JSAMPARRAY row = jpeg->mem->alloc_sarray(
        (j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * (JDIMENSION)jpeg->output_components,
        /* rows= */ 1);
    l_uint32 *words = pixGetData(decoding->image);
    for (; jpeg->output_scanline < jpeg->output_height; words += pixGetWpl(decoding->image)) {
        jpeg_read_scanlines(jpeg, row, 1);
        store_row(decoding, row[0], words);
    }
    pixSetPadBits(decoding->image, 0);
    pixSetInputFormat(decoding->image, IFF_JFIF_JPEG);
    return 0;
}

int lend__decode_jpeg(const struct bytes *file, struct Pix **ret_image,
                      struct lend_reason *reason) {
    struct decoding decoding = {.image = NULL};
    decoding.jpeg.err = jpeg_std_error(&decoding.handlers);
    decoding.jpeg.client_data = &decoding;
    decoding.handlers.error_exit = fail;
    decoding.handlers.emit_message = hear;
    int error = decode(&decoding, file);
    jpeg_destroy_decompress(&decoding.jpeg);
    if (error != 0) {
        pixDestroy(&decoding.image);
        return lend_reason_set(reason, error, "JPEG: %s", decoding.words);
    }
    *ret_image = decoding.image;
    return 0;
}
