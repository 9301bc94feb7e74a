/* SPDX-License-Identifier: MIT
 *
 * PNG with libpng, rows straight into the picture. Warnings, which are mostly of colour profiles
 * that nobody asked about, are not heard. */
#include "ocr/decode.h"

#include <allheaders.h>
#include <png.h>
#include <stdlib.h>

struct decoding {
    const struct bytes *file;
    size_t next; /* byte of it */
    png_struct *png;
    png_info *info;
    png_byte **rows; /* where each row of the picture begins */
    PIX *image;
    bool out_of_memory;
    int error; /* why it failed, and in the library's own words */
    char words[128];
};

/* The picture that is made. */
struct shape {
    png_uint_32 width, height;
    int colour; /* libpng's type, of the file */
    int bits;   /* of a pixel */
    bool alpha;
};

static _Noreturn void fail(png_struct *png, const char *words) {
    struct decoding *decoding = png_get_error_ptr(png);
    decoding->error = decoding->out_of_memory ? ENOMEM : EBADMSG;
    snprintf(decoding->words, sizeof decoding->words, "%s", words);
    png_longjmp(png, 1);
}

static _Noreturn void run_out_of_memory(struct decoding *decoding) {
    decoding->out_of_memory = true;
    png_error(decoding->png, "no memory for its pixels");
}

/* libpng's own errors do not tell a lack of memory from damage. */
static void *take_memory(png_struct *png, png_alloc_size_t size) {
    struct decoding *decoding = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (memory == NULL)
        decoding->out_of_memory = true;
    return memory;
}

static void give_memory(png_struct *png, void *memory) {
    (void)png;
    free(memory);
}

static void hear_nothing(png_struct *png, const char *words) {
    (void)png;
    (void)words;
}

static void take_bytes(png_struct *png, png_byte *to, size_t length) {
    struct decoding *decoding = png_get_io_ptr(png);
    if (!bytes_has(decoding->file, decoding->next, length))
        png_error(png, "cut short");
    memcpy(to, decoding->file->at + decoding->next, length);
    decoding->next += length;
}

/* Have libpng hand out rows as the picture stores them: up to 8 bits a sample, and several samples
 * as red, green, blue and alpha, or nothing in its place. */
static struct shape prepare(struct decoding *decoding) {
    png_struct *png = decoding->png;
    struct shape shape = {.bits = 32};
    bool transparent = png_get_valid(png, decoding->info, PNG_INFO_tRNS) != 0;
    int depth = 0;
    png_get_IHDR(png, decoding->info, &shape.width, &shape.height, &depth, &shape.colour, NULL,
                 NULL, NULL);
    shape.alpha = (shape.colour & PNG_COLOR_MASK_ALPHA) != 0;
    png_set_strip_16(png);
    switch (shape.colour) {
    case PNG_COLOR_TYPE_GRAY:
        shape.alpha = transparent;
        shape.bits = depth < 8 ? depth : 8;
        break;
    case PNG_COLOR_TYPE_PALETTE:
        shape.alpha = transparent;
        if (!transparent) {
            shape.bits = depth;
            break;
        }
        png_set_palette_to_rgb(png);
        png_set_tRNS_to_alpha(png);
        break;
    case PNG_COLOR_TYPE_RGB:
        png_set_filler(png, /* filler= */ 0, PNG_FILLER_AFTER);
        break;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        png_set_gray_to_rgb(png);
        break;
    default:
        break;
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, decoding->info);
    return shape;
}

static void make_picture(struct decoding *decoding, const struct shape *shape) {
    /* Not cleared: memory is taken as rows come, not as the header promises them. */
    decoding->image = pixCreateNoInit((int)shape->width, (int)shape->height, shape->bits);
    decoding->rows = calloc(shape->height, sizeof *decoding->rows);
    if (decoding->image == NULL || decoding->rows == NULL)
        run_out_of_memory(decoding);
    size_t row_size = (size_t)pixGetWpl(decoding->image) * 4;
    if (png_get_rowbytes(decoding->png, decoding->info) > row_size)
        png_error(decoding->png, "its rows are too long");
    png_byte *raster = (png_byte *)pixGetData(decoding->image);
    for (png_uint_32 y = 0; y < shape->height; y++)
        decoding->rows[y] = raster + y * row_size;
}

/* A picture of one bit a pixel has no palette in Leptonica: it becomes what the colours ask for. */
static void add_palette(struct decoding *decoding, const struct shape *shape) {
    png_color *colours = NULL;
    int count = 0, valid = 0;
    png_get_PLTE(decoding->png, decoding->info, &colours, &count);
    PIXCMAP *palette = pixcmapCreate(shape->bits);
    if (palette == NULL)
        run_out_of_memory(decoding);
    for (int i = 0; i < count; i++)
        pixcmapAddColor(palette, colours[i].red, colours[i].green, colours[i].blue);
    pixSetColormap(decoding->image, palette);
    pixcmapIsValid(palette, decoding->image, &valid);
    if (!valid)
        png_error(decoding->png, "its pixels are not all in its palette");
    if (shape->bits == 1) {
        PIX *with_palette = decoding->image;
        decoding->image = pixRemoveColormap(with_palette, REMOVE_CMAP_BASED_ON_SRC);
        pixDestroy(&with_palette);
    }
}

/* PNG has the first pixel in the first byte, Leptonica in the highest of a word; and where a pixel
 * is one bit, black is 0 in PNG. */
static void finish_picture(struct decoding *decoding, const struct shape *shape) {
    pixEndianByteSwap(decoding->image);
    pixSetPadBits(decoding->image, 0);
    if (shape->colour == PNG_COLOR_TYPE_PALETTE && !shape->alpha)
        add_palette(decoding, shape);
    if (shape->colour == PNG_COLOR_TYPE_GRAY && shape->alpha) {
        /* One grey of it is transparent. The command takes all of them to be, and reads nothing. */
        pixDestroy(&decoding->image);
        decoding->image = pixCreate((int)shape->width, (int)shape->height, 32);
    } else if (shape->colour == PNG_COLOR_TYPE_GRAY && shape->bits == 1) {
        pixInvert(decoding->image, decoding->image);
    }
    if (decoding->image == NULL)
        run_out_of_memory(decoding);
    if (shape->alpha)
        pixSetSpp(decoding->image, 4);
    pixSetInputFormat(decoding->image, IFF_PNG); /* the engine asks before it removes alpha */
}

static int per_inch(png_uint_32 per_metre) {
    return (int)((float)per_metre / 39.37 + 0.5);
}

/* What fails inside libpng, or in a function above, does not return, but comes out of the setjmp.
 * This function has nothing to lose by that. */
static int decode(struct decoding *decoding) {
    png_struct *png = decoding->png;
    if (setjmp(png_jmpbuf(png)) != 0)
        return decoding->error;
    png_set_read_fn(png, decoding, take_bytes);
    /* Texts and suggested palettes are not even unpacked: a few bytes of them may become megabytes,
     * and there may be a thousand. The number is one more than how many are kept; 0 is no limit. */
    png_set_chunk_cache_max(png, 1);
    png_read_info(png, decoding->info);
    struct shape shape = prepare(decoding);
    make_picture(decoding, &shape);
    png_read_image(png, decoding->rows);
    png_read_end(png, NULL);
    finish_picture(decoding, &shape);
    pixSetResolution(decoding->image, per_inch(png_get_x_pixels_per_meter(png, decoding->info)),
                     per_inch(png_get_y_pixels_per_meter(png, decoding->info)));
    return 0;
}

int lend__decode_png(const struct bytes *file, struct Pix **ret_image, struct lend_reason *reason) {
    struct decoding decoding = {.file = file, .error = ENOMEM, .words = "no memory for a decoder"};
    decoding.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &decoding, fail, hear_nothing,
                                            &decoding, take_memory, give_memory);
    if (decoding.png != NULL)
        decoding.info = png_create_info_struct(decoding.png);
    int error = decoding.info != NULL ? decode(&decoding) : ENOMEM;
    png_destroy_read_struct(&decoding.png, &decoding.info, NULL);
    free(decoding.rows);
    if (error != 0) {
        pixDestroy(&decoding.image);
        return lend_reason_set(reason, error, "PNG: %s", decoding.words);
    }
    *ret_image = decoding.image;
    return 0;
}
