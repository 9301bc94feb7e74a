/* SPDX-License-Identifier: MIT
 *
 * Pages drawn in memory: capital letters of five by seven dots, which the engine reads.
 *
 *     struct canvas canvas = canvas_of("THE MODEL\nTO ONE READER");
 *     ... canvas_is_black(&canvas, x, y) ...
 *     canvas_free(&canvas);
 */
#ifndef LEND_TESTS_OCR_CANVAS_H
#define LEND_TESTS_OCR_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    GLYPH_WIDTH = 5,
    GLYPH_HEIGHT = 7,
    GLYPH_ADVANCE = 6,
    LINE_ADVANCE = 12,
    CANVAS_MARGIN = 6,
};

struct canvas {
    uint32_t width, height; /* in dots */
    uint8_t *dots;          /* one byte each, row by row: 1 is black */
};

struct glyph {
    char letter;
    uint8_t rows[GLYPH_HEIGHT]; /* the highest of five bits is on the left */
};

static const struct glyph canvas_glyphs[] = {
    {'A', {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}},
    {'D', {0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e}},
    {'E', {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f}},
    {'H', {0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}},
    {'I', {0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e}},
    {'L', {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f}},
    {'M', {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11}},
    {'N', {0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11}},
    {'O', {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
    {'R', {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11}},
    {'S', {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e}},
    {'T', {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04}},
    {'U', {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
    {'1', {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e}},
    {'2', {0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f}},
    {'4', {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}},
    {'7', {0x1f, 0x01, 0x02, 0x04, 0x04, 0x04, 0x04}},
};

static inline bool canvas_is_black(const struct canvas *canvas, uint32_t x, uint32_t y) {
    return canvas->dots[(size_t)y * canvas->width + x] != 0;
}

/* A letter that is not in the table is a space. */
static inline void canvas_draw(struct canvas *canvas, uint32_t left, uint32_t top, char letter) {
    for (size_t i = 0; i < sizeof canvas_glyphs / sizeof canvas_glyphs[0]; i++)
        for (uint32_t y = 0; canvas_glyphs[i].letter == letter && y < GLYPH_HEIGHT; y++)
            for (uint32_t x = 0; x < GLYPH_WIDTH; x++)
                canvas->dots[(size_t)(top + y) * canvas->width + left + x] =
                    canvas_glyphs[i].rows[y] >> (GLYPH_WIDTH - 1 - x) & 1;
}

/* White, of this size. */
static inline struct canvas canvas_blank(uint32_t width, uint32_t height) {
    struct canvas canvas = {.width = width, .height = height};
    canvas.dots = calloc(height, width);
    if (canvas.dots == NULL)
        abort();
    return canvas;
}

/* As large as the text, which may have several lines, and a margin. */
static inline struct canvas canvas_of(const char *text) {
    uint32_t columns = 0, lines = 1, column = 0;
    for (const char *at = text; *at != '\0'; at++) {
        lines += *at == '\n';
        column = *at == '\n' ? 0 : column + 1;
        columns = column > columns ? column : columns;
    }
    struct canvas canvas = canvas_blank(2 * CANVAS_MARGIN + columns * GLYPH_ADVANCE,
                                        2 * CANVAS_MARGIN + lines * LINE_ADVANCE);
    uint32_t left = CANVAS_MARGIN, top = CANVAS_MARGIN;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            left = CANVAS_MARGIN;
            top += LINE_ADVANCE;
            continue;
        }
        canvas_draw(&canvas, left, top, *at);
        left += GLYPH_ADVANCE;
    }
    return canvas;
}

static inline void canvas_free(struct canvas *canvas) {
    free(canvas->dots);
    canvas->dots = NULL;
}

#endif
