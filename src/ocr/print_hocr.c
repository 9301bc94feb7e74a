/* SPDX-License-Identifier: MIT
 *
 * hOCR (1.2), as the command prints it. Every kind of element is numbered through the page; areas,
 * pictures and rules share one count. */
#include "ocr/engine.h"
#include "ocr/print.h"
#include "ocr/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The page being printed, and how many of each are. */
struct hocr {
    struct output *output;
    uint32_t page;
    size_t blocks, paragraphs, lines, words;
};

void lend__print_hocr_head(struct output *output) {
    lend__put(output,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n"
              "    \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n"
              "<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n"
              " <head>\n"
              "  <title></title>\n"
              "  <meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\"/>\n");
    lend__put_format(output, "  <meta name='ocr-system' content='tesseract %s' />\n",
                     lend__engine_version());
    lend__put(output, "  <meta name='ocr-capabilities' content='ocr_page ocr_carea ocr_par"
                      " ocr_line ocrx_word ocrp_wconf'/>\n"
                      " </head>\n"
                      " <body>\n");
}

void lend__print_hocr_foot(struct output *output) {
    lend__put(output, " </body>\n</html>\n");
}

/* XML has no way to write most control characters, nor the last two of the basic plane. */
static const char *escape(const char *character, size_t length, char buffer[ESCAPE_SIZE]) {
    (void)buffer;
    if (length == 3 &&
        (memcmp(character, "\xef\xbf\xbe", 3) == 0 || memcmp(character, "\xef\xbf\xbf", 3) == 0))
        return UTF8_REPLACEMENT;
    if (length > 1)
        return NULL;
    switch (*character) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\t':
    case '\n':
    case '\r':
        return NULL;
    default:
        return (unsigned char)*character < ' ' ? UTF8_REPLACEMENT : NULL;
    }
}

static void put_box(struct output *output, const struct lend_ocr_box *box) {
    lend__put_format(output, "bbox %" PRId32 " %" PRId32 " %" PRId32 " %" PRId32, box->x, box->y,
                     box->x + box->width, box->y + box->height);
}

static void put_id(struct hocr *hocr, const char *kind, size_t number) {
    lend__put_format(hocr->output, " id='%s_%" PRIu32 "_%zu'", kind, hocr->page, number);
}

static void put_property(struct output *output, const char *name, double number) {
    lend__put_format(output, "%s ", name);
    lend__put_general(output, number, /* digits= */ 8);
}

static double to_thousandths(double number) {
    return round(number * 1000) / 1000;
}

/* It may be a path, of any length. */
static void put_language(struct output *output, const char *language) {
    lend__put(output, " lang='");
    lend__put_escaped(output, language, escape);
    lend__put(output, "'");
}

static void put_word(struct hocr *hocr, const struct lend_ocr_paragraph *paragraph,
                     const struct lend_ocr_word *word) {
    struct output *output = hocr->output;
    lend__put(output, "\n      <span class='ocrx_word'");
    put_id(hocr, "word", ++hocr->words);
    lend__put(output, " title='");
    put_box(output, &word->box);
    lend__put(output, "; x_wconf ");
    lend__put_fixed(output, trunc((double)word->confidence), /* decimals= */ 0);
    lend__put(output, "'");
    if (word->language[0] != '\0' && strcmp(word->language, paragraph->language) != 0)
        put_language(output, word->language);
    if (word->direction == LEND_OCR_LEFT_TO_RIGHT && paragraph->right_to_left)
        lend__put(output, " dir='ltr'");
    if (word->direction == LEND_OCR_RIGHT_TO_LEFT && !paragraph->right_to_left)
        lend__put(output, " dir='rtl'");
    lend__put(output, ">");
    lend__put_escaped(output, word->text, escape);
    lend__put(output, "</span>");
}

static const char *line_class(enum lend_ocr_block_kind kind) {
    switch (kind) {
    case LEND_OCR_HEADING:
        return "ocr_header";
    case LEND_OCR_PULLOUT:
        return "ocr_textfloat";
    case LEND_OCR_CAPTION:
        return "ocr_caption";
    default:
        return "ocr_line";
    }
}

static void put_line(struct hocr *hocr, enum lend_ocr_block_kind kind,
                     const struct lend_ocr_paragraph *paragraph, const struct lend_ocr_line *line) {
    struct output *output = hocr->output;
    lend__put_format(output, "\n     <span class='%s'", line_class(kind));
    put_id(hocr, "line", ++hocr->lines);
    lend__put(output, " title=\"");
    put_box(output, &line->box);
    if (line->angle != 0)
        lend__put_format(output, "; textangle %d", line->angle);
    if (line->has_baseline) {
        put_property(output, "; baseline", to_thousandths(line->baseline_slope));
        put_property(output, "", to_thousandths(line->baseline_offset));
    }
    put_property(output, "; x_size", (double)line->size);
    put_property(output, "; x_descenders", (double)-line->descenders);
    put_property(output, "; x_ascenders", (double)line->ascenders);
    lend__put(output, "\">");
    for (size_t i = 0; i < line->word_count; i++)
        put_word(hocr, paragraph, &line->words[i]);
    lend__put(output, "\n     </span>");
}

static void put_paragraph(struct hocr *hocr, enum lend_ocr_block_kind kind,
                          const struct lend_ocr_paragraph *paragraph) {
    struct output *output = hocr->output;
    lend__put(output, "\n    <p class='ocr_par'");
    if (paragraph->right_to_left)
        lend__put(output, " dir='rtl'");
    put_id(hocr, "par", ++hocr->paragraphs);
    if (paragraph->language[0] != '\0')
        put_language(output, paragraph->language);
    lend__put(output, " title=\"");
    put_box(output, &paragraph->box);
    lend__put(output, "\">");
    for (size_t i = 0; i < paragraph->line_count; i++)
        put_line(hocr, kind, paragraph, &paragraph->lines[i]);
    lend__put(output, "\n    </p>\n");
}

static void put_text_block(struct hocr *hocr, const struct lend_ocr_block *block) {
    struct output *output = hocr->output;
    lend__put(output, "   <div class='ocr_carea'");
    put_id(hocr, "block", ++hocr->blocks);
    lend__put(output, " title=\"");
    put_box(output, &block->box);
    lend__put(output, "\">");
    for (size_t i = 0; i < block->paragraph_count; i++)
        put_paragraph(hocr, block->kind, &block->paragraphs[i]);
    lend__put(output, "   </div>\n");
}

/* A picture or rule, without the words in it; but if it has any, the command gives the box of their
 * first line for its own. */
static void put_other_block(struct hocr *hocr, const char *class,
                            const struct lend_ocr_block *block) {
    lend__put_format(hocr->output, "   <div class='%s'", class);
    put_id(hocr, "block", ++hocr->blocks);
    lend__put(hocr->output, " title=\"");
    put_box(hocr->output,
            block->paragraph_count > 0 ? &block->paragraphs[0].lines[0].box : &block->box);
    lend__put(hocr->output, "\"></div>\n");
}

static void put_block(struct hocr *hocr, const struct lend_ocr_block *block) {
    if (block->kind == LEND_OCR_IMAGE)
        put_other_block(hocr, "ocr_photo", block);
    else if (block->kind == LEND_OCR_RULE)
        put_other_block(hocr, "ocr_separator", block);
    else if (block->paragraph_count > 0)
        put_text_block(hocr, block);
}

void lend__print_hocr(struct output *output, const char *file, const struct lend_ocr_page *page) {
    struct hocr hocr = {.output = output, .page = output->printer->pages + 1};
    lend__put_format(output, "  <div class='ocr_page' id='page_%" PRIu32 "' title='image \"",
                     hocr.page);
    lend__put_escaped(output, file, escape);
    lend__put_format(output,
                     "\"; bbox 0 0 %" PRIu32 " %" PRIu32 "; ppageno %" PRIu32 "; scan_res %" PRIu32
                     " %" PRIu32 "'>\n",
                     page->width, page->height, output->printer->pages, page->dpi, page->dpi);
    for (size_t i = 0; i < page->block_count; i++)
        put_block(&hocr, &page->blocks[i]);
    lend__put(output, "  </div>\n");
}
