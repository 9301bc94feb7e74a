/* SPDX-License-Identifier: MIT
 *
 * The check of a freshly loaded model: it has to read a sample without failing. What it makes of
 * the sample depends on its languages and is not looked at. The first recognition also grows the
 * engine's work space, which would otherwise be on somebody's first page. */
#include "ocr/model.h"

#include <stdio.h>
#include <string.h>

enum {
    LETTERS = 4,
    LETTER_WIDTH = 5,
    LETTER_HEIGHT = 7,
    ADVANCE = 6, /* from letter to letter */
    MARGIN = 4,
    SCALE = 8, /* so that each dot is a byte of a row of bits */
    WIDTH = 2 * MARGIN + LETTERS * ADVANCE,
    HEIGHT = 2 * MARGIN + LETTER_HEIGHT,
};

/* L, E, N, D; a number a row, its highest bit on the left. */
static const unsigned letters[LETTERS][LETTER_HEIGHT] = {
    {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f},
    {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f},
    {0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11},
    {0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e},
};

static void draw_row(unsigned char *row, int y) {
    memset(row, 0, WIDTH);
    if (y < MARGIN || y >= MARGIN + LETTER_HEIGHT)
        return;
    for (int i = 0; i < LETTERS; i++)
        for (int x = 0; x < LETTER_WIDTH; x++)
            if ((letters[i][y - MARGIN] >> (LETTER_WIDTH - 1 - x) & 1) != 0)
                row[MARGIN + i * ADVANCE + x] = 0xff;
}

int lend__model_check(struct model *model, struct lend_reason *reason) {
    char file[32 + WIDTH * HEIGHT * SCALE];
    struct lend_ocr_result *result = NULL;
    size_t size = (size_t)snprintf(file, sizeof file, "P4 %d %d\n", WIDTH * SCALE, HEIGHT * SCALE);
    for (int y = 0; y < HEIGHT * SCALE; y++, size += WIDTH)
        draw_row((unsigned char *)file + size, y / SCALE);
    int error = lend_ocr_recognise(model,
                                   &LEND_OCR_REQUEST(.data = file, .data_size = size,
                                                     .limits = &(struct lend_ocr_limits){0},
                                                     .deadline = LEND_FOREVER),
                                   &result, reason);
    lend_ocr_result_free(result);
    return error;
}
