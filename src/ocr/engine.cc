/* SPDX-License-Identifier: MIT
 *
 * The one C++ file. Each call of the engine that can fail is made inside `walled`, which turns an
 * exception into an error. Nothing is decided here. */
#include "ocr/engine.h"

#include <memory>
#include <new>
#include <string>
#include <tesseract/baseapi.h>
#include <tesseract/ocrclass.h>
#include <vector>

struct engine {
    tesseract::TessBaseAPI api;
};

namespace {

template <typename Call> int walled(Call call) noexcept {
    try {
        return call();
    } catch (const std::bad_alloc &) {
        return ENOMEM;
    } catch (...) {
        return EIO;
    }
}

using Text = std::unique_ptr<const char[]>;
using Place = tesseract::ResultIterator;

lend_ocr_box box_at(const Place &place, tesseract::PageIteratorLevel level) {
    int left = 0, top = 0, right = 0, bottom = 0;
    place.BoundingBox(level, &left, &top, &right, &bottom);
    return {left, top, right - left, bottom - top};
}

lend_ocr_block_kind kind_at(const Place &place) {
    switch (place.BlockType()) {
    case tesseract::PT_HEADING_TEXT:
        return LEND_OCR_HEADING;
    case tesseract::PT_PULLOUT_TEXT:
        return LEND_OCR_PULLOUT;
    case tesseract::PT_CAPTION_TEXT:
        return LEND_OCR_CAPTION;
    case tesseract::PT_FLOWING_IMAGE:
    case tesseract::PT_HEADING_IMAGE:
    case tesseract::PT_PULLOUT_IMAGE:
    case tesseract::PT_NOISE: // the engine's own printers abort on it
        return LEND_OCR_IMAGE;
    case tesseract::PT_HORZ_LINE:
    case tesseract::PT_VERT_LINE:
        return LEND_OCR_RULE;
    default:
        return LEND_OCR_TEXT;
    }
}

lend_ocr_block block_at(const Place &place) {
    lend_ocr_block block = {};
    block.kind = kind_at(place);
    block.box = box_at(place, tesseract::RIL_BLOCK);
    return block;
}

lend_ocr_paragraph paragraph_at(const Place &place) {
    lend_ocr_paragraph paragraph = {};
    paragraph.box = box_at(place, tesseract::RIL_PARA);
    paragraph.right_to_left = !place.ParagraphIsLtr();
    return paragraph;
}

// Quarter turns clockwise are counted down from a full circle.
int angle_at(const Place &place) {
    tesseract::Orientation orientation;
    tesseract::WritingDirection direction;
    tesseract::TextlineOrder order;
    float skew;
    place.Orientation(&orientation, &direction, &order, &skew);
    return (360 - 90 * static_cast<int>(orientation)) % 360;
}

void add_baseline(const Place &place, lend_ocr_line *line) {
    int x1, y1, x2, y2;
    if (!place.Baseline(tesseract::RIL_TEXTLINE, &x1, &y1, &x2, &y2) || x1 == x2)
        return;
    int bottom = line->box.y + line->box.height;
    line->has_baseline = true;
    line->baseline_slope = (y2 - y1) / static_cast<double>(x2 - x1);
    line->baseline_offset = (y1 - bottom) - line->baseline_slope * (x1 - line->box.x);
}

lend_ocr_line line_at(const Place &place) {
    lend_ocr_line line = {};
    line.box = box_at(place, tesseract::RIL_TEXTLINE);
    line.angle = angle_at(place);
    if (line.angle == 0)
        add_baseline(place, &line);
    place.RowAttributes(&line.size, &line.descenders, &line.ascenders);
    return line;
}

lend_ocr_direction direction_at(const Place &place) {
    switch (place.WordDirection()) {
    case tesseract::DIR_LEFT_TO_RIGHT:
        return LEND_OCR_LEFT_TO_RIGHT;
    case tesseract::DIR_RIGHT_TO_LEFT:
        return LEND_OCR_RIGHT_TO_LEFT;
    case tesseract::DIR_MIX:
        return LEND_OCR_MIXED;
    default:
        return LEND_OCR_NEUTRAL;
    }
}

lend_ocr_word word_at(const Place &place) {
    lend_ocr_word word = {};
    const char *language = place.WordRecognitionLanguage();
    word.box = box_at(place, tesseract::RIL_WORD);
    word.confidence = place.Confidence(tesseract::RIL_WORD);
    word.language = language != nullptr ? language : "";
    word.direction = direction_at(place);
    return word;
}

// Symbol by symbol, as the engine's TSV and hOCR do: RIL_WORD adds marks for the direction.
// Leaves `place` at the next word.
std::string take_word(Place *place) {
    std::string text;
    do {
        if (!place->Empty(tesseract::RIL_SYMBOL))
            text += Text(place->GetUTF8Text(tesseract::RIL_SYMBOL)).get();
        place->Next(tesseract::RIL_SYMBOL);
    } while (!place->Empty(tesseract::RIL_BLOCK) && !place->IsAtBeginningOf(tesseract::RIL_WORD));
    return text;
}

int read_line(const Place &place, const engine_reader *reader, void *context) {
    Text text(place.GetUTF8Text(tesseract::RIL_TEXTLINE));
    lend_ocr_line line = line_at(place);
    line.text = text.get();
    return reader->line(context, &line);
}

int read_word(Place *place, const engine_reader *reader, void *context) {
    lend_ocr_word word = word_at(*place);
    std::string text = take_word(place);
    word.text = text.c_str();
    return reader->word(context, &word);
}

// What begins at this place, and the word there. A block without words is a place by itself.
int read_place(Place *place, const engine_reader *reader, void *context) {
    int error = 0;
    if (place->IsAtBeginningOf(tesseract::RIL_BLOCK)) {
        lend_ocr_block block = block_at(*place);
        error = reader->block(context, &block);
    }
    if (place->Empty(tesseract::RIL_WORD)) {
        place->Next(tesseract::RIL_WORD);
        return error;
    }
    if (error == 0 && place->IsAtBeginningOf(tesseract::RIL_PARA)) {
        lend_ocr_paragraph paragraph = paragraph_at(*place);
        error = reader->paragraph(context, &paragraph);
    }
    if (error == 0 && place->IsAtBeginningOf(tesseract::RIL_TEXTLINE))
        error = read_line(*place, reader, context);
    return error != 0 ? error : read_word(place, reader, context);
}

} // namespace

const char *lend__engine_version(void) {
    return tesseract::TessBaseAPI::Version();
}

void lend__engine_silence(void) {
    (void)walled([] {
        tesseract::TessBaseAPI api;
        api.SetVariable("debug_file", "/dev/null");
        // The file is opened by the first message, unguarded: this is one ("Please call SetImage").
        api.SetSourceResolution(0);
        return 0;
    });
}

int lend__engine_new(struct engine **ret_engine) {
    return walled([=] {
        *ret_engine = new engine;
        return 0;
    });
}

void lend__engine_free(struct engine *engine) {
    (void)walled([=] {
        delete engine;
        return 0;
    });
}

int lend__engine_load(struct engine *engine, const char *datapath, const char *languages) {
    return walled([=] {
        // Learning would make a page's text depend on the pages before it.
        const std::vector<std::string> names = {"classify_enable_learning",
                                                "tessedit_enable_doc_dict"};
        const std::vector<std::string> values = {"0", "0"};
        int status = engine->api.Init(datapath, languages, tesseract::OEM_LSTM_ONLY, nullptr, 0,
                                      &names, &values, false);
        return status == 0 ? 0 : EIO;
    });
}

const char *lend__engine_datapath(struct engine *engine) {
    return engine->api.tesseract() != nullptr ? engine->api.GetDatapath() : "";
}

bool lend__engine_speaks(struct engine *engine, const char *language, size_t length) {
    return walled([=] {
               std::vector<std::string> loaded;
               engine->api.GetLoadedLanguagesAsVector(&loaded);
               int mode = -1;
               engine->api.GetIntVariable("tessedit_ocr_engine_mode", &mode);
               for (const std::string &each : loaded)
                   if (each == std::string(language, length))
                       return mode == tesseract::OEM_LSTM_ONLY ? 0 : EIO;
               return EIO;
           }) == 0;
}

int lend__engine_show(struct engine *engine, struct Pix *picture, int psm, int dpi) {
    return walled([=] {
        engine->api.SetPageSegMode(static_cast<tesseract::PageSegMode>(psm));
        engine->api.SetImage(picture);
        if (engine->api.GetInputImage() == nullptr)
            return ENOMEM;
        if (dpi != 0)
            engine->api.SetSourceResolution(dpi);
        return 0;
    });
}

int lend__engine_recognise(struct engine *engine, engine_must_stop *must_stop, void *context) {
    return walled([=] {
        tesseract::ETEXT_DESC monitor;
        monitor.cancel = must_stop;
        monitor.cancel_this = context;
        return engine->api.Recognize(&monitor) == 0 ? 0 : EIO;
    });
}

int lend__engine_read(struct engine *engine, const struct engine_reader *reader, void *context) {
    return walled([=] {
        std::unique_ptr<Place> place(engine->api.GetIterator());
        int error = place != nullptr ? 0 : EIO;
        while (error == 0 && !place->Empty(tesseract::RIL_BLOCK))
            error = read_place(place.get(), reader, context);
        return error;
    });
}

int lend__engine_dpi(struct engine *engine) {
    return engine->api.GetSourceYResolution();
}

int lend__engine_clear(struct engine *engine) {
    return walled([=] {
        engine->api.Clear();
        return 0;
    });
}
