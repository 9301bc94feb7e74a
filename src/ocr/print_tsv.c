/* SPDX-License-Identifier: MIT
 *
 * TSV, as the command prints it: a row for each page, block, paragraph, line and word, numbered
 * within its parent. A block without words has no row and no number. */
#include "ocr/print.h"

#include <inttypes.h>

enum level {
    PAGE = 1,
    BLOCK,
    PARAGRAPH,
    LINE,
    WORD,
    LEVELS,
};

/* Numbers of the page, block, ... that the row is about, by level; 0 below it. */
struct place {
    size_t number[LEVELS];
};

void lend__print_tsv_head(struct output *output) {
    lend__put(output, "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\t"
                      "left\ttop\twidth\theight\tconf\ttext\n");
}

/* Step to the next block, paragraph, ... */
static void advance(struct place *place, enum level level) {
    place->number[level]++;
    for (int below = (int)level + 1; below < LEVELS; below++)
        place->number[below] = 0;
}

static void put_place(struct output *output, const struct place *place, enum level level,
                      const struct lend_ocr_box *box) {
    lend__put_format(output, "%d", (int)level);
    for (int i = PAGE; i < LEVELS; i++)
        lend__put_format(output, "\t%zu", place->number[i]);
    lend__put_format(output, "\t%" PRId32 "\t%" PRId32 "\t%" PRId32 "\t%" PRId32 "\t", box->x,
                     box->y, box->width, box->height);
}

static void put_parent(struct output *output, struct place *place, enum level level,
                       const struct lend_ocr_box *box) {
    advance(place, level);
    put_place(output, place, level, box);
    lend__put(output, "-1\t\n");
}

static void put_word(struct output *output, struct place *place, const struct lend_ocr_word *word) {
    advance(place, WORD);
    put_place(output, place, WORD, &word->box);
    lend__put_fixed(output, (double)word->confidence, /* decimals= */ 6);
    lend__put(output, "\t");
    lend__put(output, word->text);
    lend__put(output, "\n");
}

static void put_line(struct output *output, struct place *place, const struct lend_ocr_line *line) {
    put_parent(output, place, LINE, &line->box);
    for (size_t i = 0; i < line->word_count; i++)
        put_word(output, place, &line->words[i]);
}

static void put_block(struct output *output, struct place *place,
                      const struct lend_ocr_block *block) {
    if (block->paragraph_count == 0)
        return;
    put_parent(output, place, BLOCK, &block->box);
    for (size_t i = 0; i < block->paragraph_count; i++) {
        const struct lend_ocr_paragraph *paragraph = &block->paragraphs[i];
        put_parent(output, place, PARAGRAPH, &paragraph->box);
        for (size_t j = 0; j < paragraph->line_count; j++)
            put_line(output, place, &paragraph->lines[j]);
    }
}

void lend__print_tsv(struct output *output, const char *file, const struct lend_ocr_page *page) {
    struct place place = {.number = {[PAGE] = output->printer->pages}};
    struct lend_ocr_box whole = {.width = (int32_t)page->width, .height = (int32_t)page->height};
    (void)file;
    put_parent(output, &place, PAGE, &whole);
    for (size_t i = 0; i < page->block_count; i++)
        put_block(output, &place, &page->blocks[i]);
}
