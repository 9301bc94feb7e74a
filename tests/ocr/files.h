/* SPDX-License-Identifier: MIT
 *
 * Image files made in memory, one writer for each format that is read. Each writes the plainest
 * file that shows the canvas: no compression where the format allows that, and the simplest code
 * where not.
 *
 *     struct file file = file_png(&canvas, 3);      // each dot is three by three pixels
 *     ... file.bytes, file.size ...
 *     file_free(&file);
 */
#ifndef LEND_TESTS_OCR_FILES_H
#define LEND_TESTS_OCR_FILES_H

#include "canvas.h"

#include <stdio.h>

struct file {
    uint8_t *bytes;
    size_t size, room;
};

static inline void file_free(struct file *file) {
    free(file->bytes);
    *file = (struct file){0};
}

static inline void put_bytes(struct file *file, const void *bytes, size_t size) {
    if (size > file->room - file->size) {
        file->room = file->room * 2 + size;
        file->bytes = realloc(file->bytes, file->room);
        if (file->bytes == NULL)
            abort();
    }
    if (size > 0)
        memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static inline void put_byte(struct file *file, unsigned byte) {
    put_bytes(file, &(uint8_t){(uint8_t)byte}, 1);
}

static inline void put_string(struct file *file, const char *string) {
    put_bytes(file, string, strlen(string));
}

/* `count` bytes of a number, most or least significant first. */
static inline void put_number(struct file *file, uint32_t number, int count, bool big_endian) {
    for (int i = 0; i < count; i++)
        put_byte(file, number >> 8 * (big_endian ? count - 1 - i : i) & 0xff);
}

static inline void put_be16(struct file *file, unsigned number) {
    put_number(file, number, 2, true);
}

static inline void put_be32(struct file *file, uint32_t number) {
    put_number(file, number, 4, true);
}

static inline void put_le32(struct file *file, uint32_t number) {
    put_number(file, number, 4, false);
}

/* Each row of the canvas as `scale` rows of grey bytes, `before` bytes of zero before each. */
static inline void put_grey(struct file *file, const struct canvas *canvas, uint32_t scale,
                            int before) {
    for (uint32_t y = 0; y < canvas->height * scale; y++) {
        for (int i = 0; i < before; i++)
            put_byte(file, 0);
        for (uint32_t x = 0; x < canvas->width * scale; x++)
            put_byte(file, canvas_is_black(canvas, x / scale, y / scale) ? 0 : 255);
    }
}

static inline struct file file_pnm(const struct canvas *canvas, uint32_t scale) {
    struct file file = {0};
    char header[64];
    snprintf(header, sizeof header, "P5 %u %u 255\n", canvas->width * scale,
             canvas->height * scale);
    put_string(&file, header);
    put_grey(&file, canvas, scale, 0);
    return file;
}

static inline uint32_t crc_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static inline void put_chunk(struct file *file, const char *type, const void *data, size_t size) {
    size_t begin = file->size + 4;
    put_be32(file, (uint32_t)size);
    put_string(file, type);
    put_bytes(file, data, size);
    put_be32(file, crc_of(file->bytes + begin, size + 4));
}

/* A zlib stream of stored blocks. */
static inline void put_stored(struct file *stream, const uint8_t *data, size_t size) {
    uint32_t low = 1, high = 0;
    put_be16(stream, 0x7801);
    for (size_t at = 0, length; at < size; at += length) {
        length = size - at < 65535 ? size - at : 65535;
        put_byte(stream, at + length == size);
        put_number(stream, (uint32_t)length, 2, false);
        put_number(stream, ~(uint32_t)length, 2, false);
        put_bytes(stream, data + at, length);
    }
    for (size_t i = 0; i < size; i++) {
        low = (low + data[i]) % 65521;
        high = (high + low) % 65521;
    }
    put_be32(stream, high << 16 | low);
}

/* A PNG with this header, these chunks after it, if any, and these rows. */
static inline struct file png_of(uint32_t width, uint32_t height, uint8_t depth, uint8_t colour,
                                 const struct file *chunks, const struct file *rows) {
    struct file file = {0}, header = {0}, stream = {0};
    put_be32(&header, width);
    put_be32(&header, height);
    put_bytes(&header, (uint8_t[]){depth, colour, 0, 0, 0}, 5);
    put_stored(&stream, rows->bytes, rows->size);
    put_string(&file, "\x89PNG\r\n\x1a\n");
    put_chunk(&file, "IHDR", header.bytes, header.size);
    put_bytes(&file, chunks->bytes, chunks->size);
    put_chunk(&file, "IDAT", stream.bytes, stream.size);
    put_chunk(&file, "IEND", NULL, 0);
    file_free(&header);
    file_free(&stream);
    return file;
}

/* The header may claim any size. */
static inline struct file file_png_claiming(const struct canvas *canvas, uint32_t scale,
                                            uint32_t width, uint32_t height) {
    struct file none = {0}, rows = {0};
    put_grey(&rows, canvas, scale, 1);
    struct file file = png_of(width, height, 8, 0, &none, &rows);
    file_free(&rows);
    return file;
}

static inline struct file file_png(const struct canvas *canvas, uint32_t scale) {
    return file_png_claiming(canvas, scale, canvas->width * scale, canvas->height * scale);
}

/* Bits into bytes, most or least significant first. */
struct bits {
    struct file *file;
    uint32_t pending;
    int count;
    bool lowest_first;
    bool stuffed; /* a 0 follows each 0xff, as in JPEG */
};

static inline void put_bit(struct bits *bits, unsigned bit) {
    bits->pending |= (bit & 1) << (bits->lowest_first ? bits->count : 7 - bits->count);
    if (++bits->count < 8)
        return;
    put_byte(bits->file, bits->pending);
    if (bits->stuffed && bits->pending == 0xff)
        put_byte(bits->file, 0);
    bits->pending = 0;
    bits->count = 0;
}

static inline void put_bits(struct bits *bits, uint32_t value, int count) {
    for (int i = 0; i < count; i++)
        put_bit(bits, value >> (bits->lowest_first ? i : count - 1 - i));
}

static inline void end_bits(struct bits *bits, unsigned filler) {
    while (bits->count != 0)
        put_bit(bits, filler);
}

enum png_kind {
    PNG_GREY = 0,
    PNG_COLOURS = 2,
    PNG_PALETTE = 3, /* of 0, which is white, and 1, which is black */
    PNG_GREY_ALPHA = 4,
    PNG_COLOURS_ALPHA = 6,
};

/* In any kind and depth that the format has. Transparent: all is black, and what should be white
 * cannot be seen, by its alpha or by the palette's. */
static inline struct file file_png_as(const struct canvas *canvas, uint32_t scale,
                                      enum png_kind kind, int depth, bool transparent) {
    static const int colours[] = {[PNG_GREY] = 1,
                                  [PNG_COLOURS] = 3,
                                  [PNG_PALETTE] = 1,
                                  [PNG_GREY_ALPHA] = 1,
                                  [PNG_COLOURS_ALPHA] = 3};
    static const uint8_t palette[] = {255, 255, 255, 0, 0, 0}, black_only[6] = {0};
    static const uint8_t alphas[] = {0, 255};
    uint32_t width = canvas->width * scale, height = canvas->height * scale;
    uint32_t most = (1u << depth) - 1;
    struct file chunks = {0}, rows = {0};
    if (kind == PNG_PALETTE)
        put_chunk(&chunks, "PLTE", transparent ? black_only : palette, sizeof palette);
    if (kind == PNG_PALETTE && transparent)
        put_chunk(&chunks, "tRNS", alphas, sizeof alphas);
    for (uint32_t y = 0; y < height; y++) {
        struct bits bits = {.file = &rows};
        put_byte(&rows, 0); /* no filter */
        for (uint32_t x = 0; x < width; x++) {
            bool black = canvas_is_black(canvas, x / scale, y / scale);
            uint32_t sample = kind == PNG_PALETTE ? black : black || transparent ? 0 : most;
            for (int i = 0; i < colours[kind]; i++)
                put_bits(&bits, sample, depth);
            if (kind == PNG_GREY_ALPHA || kind == PNG_COLOURS_ALPHA)
                put_bits(&bits, transparent && !black ? 0 : most, depth);
        }
        end_bits(&bits, 0);
    }
    struct file file = png_of(width, height, (uint8_t)depth, (uint8_t)kind, &chunks, &rows);
    file_free(&chunks);
    file_free(&rows);
    return file;
}

/* The step from one block's mean to the next, as JPEG codes it: how many bits it has, then these
 * bits, of which a negative step has the complement. */
static inline void put_step(struct bits *bits, int step) {
    int magnitude = abs(step), count = magnitude >= 1024 ? 11 : 10;
    if (step == 0) {
        put_bit(bits, 0);
        return;
    }
    put_bits(bits, count == 11 ? 2 : 6, count == 11 ? 2 : 3);
    put_bits(bits, (uint32_t)(step > 0 ? step : step + (1 << count) - 1), count);
}

/* A grey JPEG in which each dot is a block of eight by eight, so that the means of the blocks say
 * it all. Their steps are 0 (code 0), of 11 bits (10) or of 10 (110); a block ends with code 0. */
static inline struct file file_jpeg_claiming(const struct canvas *canvas, uint32_t width,
                                             uint32_t height) {
    static const uint8_t step_codes[] = {0x00, 1, 1, 1, 0, 0, 0, 0, 0,  0,
                                         0,    0, 0, 0, 0, 0, 0, 0, 11, 10};
    static const uint8_t end_codes[] = {0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct file file = {0};
    put_be16(&file, 0xffd8);
    put_be16(&file, 0xffdb); /* quantization: by 1 */
    put_be16(&file, 67);
    put_byte(&file, 0);
    for (int i = 0; i < 64; i++)
        put_byte(&file, 1);
    put_be16(&file, 0xffc0); /* baseline, 8 bits, one component */
    put_be16(&file, 11);
    put_byte(&file, 8);
    put_be16(&file, height);
    put_be16(&file, width);
    put_bytes(&file, (uint8_t[]){1, 1, 0x11, 0}, 4);
    put_be16(&file, 0xffc4); /* codes */
    put_be16(&file, 2 + sizeof step_codes);
    put_bytes(&file, step_codes, sizeof step_codes);
    put_be16(&file, 0xffc4);
    put_be16(&file, 2 + sizeof end_codes);
    put_bytes(&file, end_codes, sizeof end_codes);
    put_be16(&file, 0xffda); /* the scan */
    put_be16(&file, 8);
    put_bytes(&file, (uint8_t[]){1, 1, 0x00, 0, 63, 0}, 6);
    struct bits bits = {.file = &file, .stuffed = true};
    for (size_t i = 0; i < (size_t)canvas->width * canvas->height; i++) {
        const int black = -1024, white = 1016;
        int mean = canvas->dots[i] != 0 ? black : white;
        int before = i == 0 ? 0 : canvas->dots[i - 1] != 0 ? black : white;
        put_step(&bits, mean - before);
        put_bit(&bits, 0);
    }
    end_bits(&bits, 1);
    put_be16(&file, 0xffd9);
    return file;
}

static inline struct file file_jpeg(const struct canvas *canvas) {
    return file_jpeg_claiming(canvas, canvas->width * 8, canvas->height * 8);
}

/* A code of one symbol, which takes no bits. */
static inline void put_symbol(struct bits *bits, unsigned symbol) {
    put_bits(bits, 1, 2); /* simple; one symbol */
    put_bits(bits, symbol > 1, 1);
    put_bits(bits, symbol, symbol > 1 ? 8 : 1);
}

/* A lossless WebP: red and blue are stored as what they have over green, which is nothing; green is
 * 0 or 255, one bit each. */
static inline struct file file_webp(const struct canvas *canvas, uint32_t scale) {
    struct file file = {0}, data = {0};
    struct bits bits = {.file = &data, .lowest_first = true};
    uint32_t width = canvas->width * scale, height = canvas->height * scale;
    put_byte(&data, 0x2f);
    put_bits(&bits, width - 1, 14);
    put_bits(&bits, height - 1, 14);
    put_bits(&bits, 0, 4);          /* no alpha, version 0 */
    put_bits(&bits, 1 | 2 << 1, 3); /* transform: green is subtracted */
    put_bits(&bits, 0, 3);          /* no other; no cache, no code per area */
    put_bits(&bits, 1 | 1 << 1, 3); /* green: simple, two symbols, the first in one bit: */
    put_bits(&bits, 0 | 255 << 1, 9);
    put_symbol(&bits, 0);   /* red */
    put_symbol(&bits, 0);   /* blue */
    put_symbol(&bits, 255); /* alpha */
    put_symbol(&bits, 0);   /* distance */
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            put_bit(&bits, !canvas_is_black(canvas, x / scale, y / scale));
    end_bits(&bits, 0);
    put_string(&file, "RIFF");
    put_le32(&file, (uint32_t)(12 + data.size + (data.size & 1)));
    put_string(&file, "WEBPVP8L");
    put_le32(&file, (uint32_t)data.size);
    put_bytes(&file, data.bytes, data.size);
    if ((data.size & 1) != 0)
        put_byte(&file, 0);
    file_free(&data);
    return file;
}

/* A TIFF page by page: the pixels, then the directory; so that its end is the end of the file.
 *
 *     struct tiff tiff = tiff_begin(big_endian);
 *     tiff_add(&tiff, &canvas, scale);
 *     tiff_close_ring(&tiff, 0);          // for a file that never ends
 *     ... tiff.file ...
 */
struct tiff {
    struct file file;
    bool big_endian;
    size_t link;            /* where the offset of the next directory goes */
    uint32_t directory[16]; /* of the first pages */
    uint32_t pages;
};

static inline void tiff_patch(struct tiff *tiff, size_t at, uint32_t number) {
    struct file bytes = {0};
    put_number(&bytes, number, 4, tiff->big_endian);
    memcpy(tiff->file.bytes + at, bytes.bytes, 4);
    file_free(&bytes);
}

static inline struct tiff tiff_begin(bool big_endian) {
    struct tiff tiff = {.big_endian = big_endian, .link = 4};
    put_string(&tiff.file, big_endian ? "MM" : "II");
    put_number(&tiff.file, 42, 2, big_endian);
    put_number(&tiff.file, 0, 4, big_endian);
    return tiff;
}

/* `count` numbers of a type, which is 1 for bytes and 4 for four bytes each: `value` is the only
 * one, or where they lie. */
static inline void tiff_put_array(struct tiff *tiff, unsigned tag, unsigned type, uint32_t count,
                                  uint32_t value) {
    put_number(&tiff->file, tag, 2, tiff->big_endian);
    put_number(&tiff->file, type, 2, tiff->big_endian);
    put_number(&tiff->file, count, 4, tiff->big_endian);
    put_number(&tiff->file, value, 4, tiff->big_endian);
}

struct tiff_field {
    unsigned tag;
    uint32_t value;
};

static inline void tiff_put_fields(struct tiff *tiff, const struct tiff_field *fields,
                                   unsigned count) {
    for (unsigned i = 0; i < count; i++)
        tiff_put_array(tiff, fields[i].tag, /* type= */ 4, /* count= */ 1, fields[i].value);
}

/* A page: so many fields are to be put next. */
static inline void tiff_begin_page(struct tiff *tiff, unsigned fields) {
    tiff_patch(tiff, tiff->link, (uint32_t)tiff->file.size);
    if (tiff->pages < 16)
        tiff->directory[tiff->pages] = (uint32_t)tiff->file.size;
    tiff->pages++;
    put_number(&tiff->file, fields, 2, tiff->big_endian);
}

static inline void tiff_end_page(struct tiff *tiff) {
    tiff->link = tiff->file.size;
    put_number(&tiff->file, 0, 4, tiff->big_endian);
}

/* A page with these fields and no pixels. */
static inline void tiff_add_fields(struct tiff *tiff, const struct tiff_field *fields,
                                   unsigned count) {
    tiff_begin_page(tiff, count);
    tiff_put_fields(tiff, fields, count);
    tiff_end_page(tiff);
}

static inline void tiff_add(struct tiff *tiff, const struct canvas *canvas, uint32_t scale) {
    uint32_t pixels = (uint32_t)tiff->file.size;
    put_grey(&tiff->file, canvas, scale, 0);
    const struct tiff_field fields[] = {
        {256, canvas->width * scale}, /* in this order of tags */
        {257, canvas->height * scale},
        {258, 8}, /* bits */
        {259, 1}, /* not compressed */
        {262, 1}, /* 0 is black */
        {273, pixels},
        {277, 1}, /* sample */
        {278, canvas->height * scale},
        {279, (uint32_t)tiff->file.size - pixels},
    };
    tiff_add_fields(tiff, fields, sizeof fields / sizeof fields[0]);
}

/* The last page leads to an earlier one, from 0. */
static inline void tiff_close_ring(struct tiff *tiff, uint32_t page) {
    tiff_patch(tiff, tiff->link, tiff->directory[page]);
}

static inline struct file file_tiff(const struct canvas *canvas, uint32_t scale) {
    struct tiff tiff = tiff_begin(/* big_endian= */ false);
    tiff_add(&tiff, canvas, scale);
    return tiff.file;
}

#endif
