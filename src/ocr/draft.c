/* SPDX-License-Identifier: MIT
 *
 * Gathering what the engine reads, and laying it into one piece of memory. */
#include "ocr/draft.h"

#include <stdlib.h>
#include <string.h>

static int row_add(struct row *row, const void *item, size_t size) {
    if (size > row->room - row->used) {
        size_t room = row->room + row->room / 2 + size + 1024;
        void *items = realloc(row->items, room);
        if (items == NULL)
            return ENOMEM;
        row->items = items;
        row->room = room;
    }
    memcpy((char *)row->items + row->used, item, size);
    row->used += size;
    return 0;
}

/* The last item of a row that has one. */
#define LAST(row, type) ((type *)((char *)(row)->items + (row)->used) - 1)

static int add_string(struct draft *draft, const char *string) {
    return row_add(&draft->strings, string, strlen(string) + 1);
}

int lend__draft_add_page(struct draft *draft, const struct lend_ocr_page *page) {
    draft->text.used = 0;
    draft->confidences = 0;
    draft->confident = 0;
    return row_add(&draft->pages, page, sizeof *page);
}

static int add_block(void *context, const struct lend_ocr_block *block) {
    struct draft *draft = context;
    int error = row_add(&draft->blocks, block, sizeof *block);
    if (error == 0)
        LAST(&draft->pages, struct lend_ocr_page)->block_count++;
    return error;
}

static int add_paragraph(void *context, const struct lend_ocr_paragraph *paragraph) {
    struct draft *draft = context;
    int error = row_add(&draft->paragraphs, paragraph, sizeof *paragraph);
    if (error == 0)
        LAST(&draft->blocks, struct lend_ocr_block)->paragraph_count++;
    return error;
}

static bool in_the_text(const struct draft *draft) {
    enum lend_ocr_block_kind kind = LAST(&draft->blocks, struct lend_ocr_block)->kind;
    return kind != LEND_OCR_IMAGE && kind != LEND_OCR_RULE;
}

/* The engine ends a line with one newline, and with two where a paragraph ends before the page
 * does. So its lines, one after the other, are the page's text. */
static int add_line_text(struct draft *draft, const char *text) {
    size_t length = strlen(text);
    int error = in_the_text(draft) ? row_add(&draft->text, text, length) : 0;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    if (error == 0)
        error = row_add(&draft->strings, text, length);
    return error != 0 ? error : row_add(&draft->strings, "", 1);
}

static int add_line(void *context, const struct lend_ocr_line *line) {
    struct draft *draft = context;
    int error = row_add(&draft->lines, line, sizeof *line);
    if (error == 0) {
        LAST(&draft->paragraphs, struct lend_ocr_paragraph)->line_count++;
        error = add_line_text(draft, line->text);
    }
    return error;
}

static int add_word(void *context, const struct lend_ocr_word *word) {
    struct draft *draft = context;
    int error = row_add(&draft->words, word, sizeof *word);
    if (error == 0) {
        LAST(&draft->lines, struct lend_ocr_line)->word_count++;
        error = add_string(draft, word->text);
    }
    if (error == 0)
        error = add_string(draft, word->language);
    if (error == 0 && in_the_text(draft)) {
        draft->confidences += (double)word->confidence;
        draft->confident++;
    }
    return error;
}

const struct engine_reader lend__draft_reader = {
    .block = add_block,
    .paragraph = add_paragraph,
    .line = add_line,
    .word = add_word,
};

int lend__draft_end_page(struct draft *draft, uint32_t dpi, double ms) {
    struct lend_ocr_page *page = LAST(&draft->pages, struct lend_ocr_page);
    page->dpi = dpi;
    page->ms = ms;
    if (draft->confident > 0)
        page->confidence = (float)(draft->confidences / (double)draft->confident);
    int error = row_add(&draft->text, "", 1);
    return error != 0 ? error : add_string(draft, draft->text.items);
}

/* What comes next of each row while they are dealt out. */
struct dealer {
    struct lend_ocr_page *page;
    struct lend_ocr_block *block;
    struct lend_ocr_paragraph *paragraph;
    struct lend_ocr_line *line;
    struct lend_ocr_word *word;
    const char *string;
};

static const char *deal_string(struct dealer *next) {
    const char *string = next->string;
    next->string += strlen(string) + 1;
    return string;
}

static void deal_line(struct dealer *next) {
    struct lend_ocr_line *line = next->line++;
    line->text = deal_string(next);
    line->words = next->word;
    for (size_t i = 0; i < line->word_count; i++) {
        struct lend_ocr_word *word = next->word++;
        word->text = deal_string(next);
        word->language = deal_string(next);
    }
}

static void deal_paragraph(struct dealer *next) {
    struct lend_ocr_paragraph *paragraph = next->paragraph++;
    paragraph->lines = next->line;
    paragraph->language = "";
    for (size_t i = 0; i < paragraph->line_count; i++)
        deal_line(next);
    if (paragraph->line_count > 0 && paragraph->lines[0].word_count > 0)
        paragraph->language = paragraph->lines[0].words[0].language;
}

static void deal_block(struct dealer *next) {
    struct lend_ocr_block *block = next->block++;
    block->paragraphs = next->paragraph;
    for (size_t i = 0; i < block->paragraph_count; i++)
        deal_paragraph(next);
}

static void deal_page(struct dealer *next) {
    struct lend_ocr_page *page = next->page++;
    page->blocks = next->block;
    page->lines = next->line;
    page->words = next->word;
    for (size_t i = 0; i < page->block_count; i++)
        deal_block(next);
    page->line_count = (size_t)(next->line - page->lines);
    page->word_count = (size_t)(next->word - page->words);
    page->text = deal_string(next);
}

/* Append a row to memory that has room for it. Every row but the last, the strings, is of structs
 * that hold pointers: each ends where the next may begin. */
static void *lay(char **memory, const struct row *row) {
    void *items = *memory;
    if (row->used > 0)
        memcpy(items, row->items, row->used);
    *memory += row->used;
    return items;
}

int lend__draft_finish(const struct draft *draft, enum lend_ocr_format format,
                       struct lend_ocr_result **ret_result) {
    struct lend_ocr_result *result =
        malloc(sizeof *result + draft->pages.used + draft->blocks.used + draft->paragraphs.used +
               draft->lines.used + draft->words.used + draft->strings.used);
    if (result == NULL)
        return ENOMEM;
    char *memory = (char *)(result + 1);
    struct dealer next = {
        .page = lay(&memory, &draft->pages),
        .block = lay(&memory, &draft->blocks),
        .paragraph = lay(&memory, &draft->paragraphs),
        .line = lay(&memory, &draft->lines),
        .word = lay(&memory, &draft->words),
        .string = lay(&memory, &draft->strings),
    };
    *result = (struct lend_ocr_result){
        .format = format,
        .pages = next.page,
        .page_count = draft->pages.used / sizeof *next.page,
    };
    for (size_t i = 0; i < result->page_count; i++)
        deal_page(&next);
    *ret_result = result;
    return 0;
}

void lend__draft_drop(struct draft *draft) {
    struct row *rows[] = {&draft->pages, &draft->blocks,  &draft->paragraphs, &draft->lines,
                          &draft->words, &draft->strings, &draft->text};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        free(rows[i]->items);
    *draft = (struct draft){0};
}

void lend_ocr_result_free(void *result) {
    free(result);
}
