/* SPDX-License-Identifier: MIT
 *
 * Who decodes what: PNG and JPEG in files of their own, TIFF, PNM and WebP with Leptonica. */
#include "ocr/image.h"

#include "ocr/decode.h"

#include <allheaders.h>
#include <inttypes.h>
#include <stdlib.h>

static void hear_nothing(const char *message) {
    (void)message;
}

void lend__image_silence(void) {
    setMsgSeverity(L_SEVERITY_NONE);
    leptSetStderrHandler(hear_nothing);
}

/* A page of a TIFF is found by the offset of its directory, where admission has been. libtiff reads
 * more than this one: with each opening the file's first, and after each page the next. So all have
 * to be admitted before any is read. */
static PIX *decode_with_leptonica(const struct bytes *file, const struct admission *admission,
                                  uint32_t index) {
    if (admission->info.format != LEND_OCR_TIFF)
        return pixReadMem(file->at, file->size);
    size_t offset = admission->tiff_pages[index].directory;
    return pixReadMemFromMultipageTiff(file->at, file->size, &offset);
}

bool lend__memory_is_there(size_t bytes) {
    void *volatile probe = malloc(bytes); /* volatile: or it is optimised away */
    free(probe);
    return probe != NULL;
}

static int decode(const struct bytes *file, const struct admission *admission, uint32_t index,
                  PIX **ret_image, struct lend_reason *reason) {
    const struct lend_ocr_info *info = &admission->info;
    if (info->format == LEND_OCR_PNG)
        return lend__decode_png(file, ret_image, reason);
    if (info->format == LEND_OCR_JPEG)
        return lend__decode_jpeg(file, ret_image, reason);
    *ret_image = decode_with_leptonica(file, admission, index);
    if (*ret_image != NULL)
        return 0;
    if (!lend__memory_is_there((size_t)info->width * info->height * 4))
        return lend_reason_set(reason, ENOMEM, "no memory for page %" PRIu32, index + 1);
    return lend_reason_set(reason, EBADMSG, "%s: the pixels of page %" PRIu32 " cannot be decoded",
                           lend_ocr_format_name(info->format), index + 1);
}

/* A TIFF may ask to be turned. */
static bool is_of_size(const PIX *image, struct page_size size, bool may_be_turned) {
    struct page_size made;
    lend__image_size(image, &made.width, &made.height);
    return (made.width == size.width && made.height == size.height) ||
           (may_be_turned && made.width == size.height && made.height == size.width);
}

/* Whoever makes a picture of a header that says one thing to admission and another to the decoder
 * has got past the limits, and is not to get further. */
int lend__image_decode(const struct bytes *file, const struct admission *admission, uint32_t index,
                       struct Pix **ret_image, struct lend_reason *reason) {
    const struct lend_ocr_info *info = &admission->info;
    struct page_size size = {.width = info->width, .height = info->height};
    PIX *image = NULL;
    if (admission->tiff_pages != NULL)
        size = admission->tiff_pages[index].size;
    int error = decode(file, admission, index, &image, reason);
    if (error != 0)
        return error;
    if (!is_of_size(image, size, /* may_be_turned= */ info->format == LEND_OCR_TIFF)) {
        lend__image_free(image);
        return lend_reason_set(reason, EBADMSG,
                               "%s: it is of another size than its header says, %" PRIu32
                               " x %" PRIu32,
                               lend_ocr_format_name(info->format), size.width, size.height);
    }
    *ret_image = image;
    return 0;
}

void lend__image_size(const struct Pix *image, uint32_t *ret_width, uint32_t *ret_height) {
    *ret_width = (uint32_t)pixGetWidth(image);
    *ret_height = (uint32_t)pixGetHeight(image);
}

void lend__image_free(struct Pix *image) {
    pixDestroy(&image);
}

size_t lend__image_work_bytes(const struct Pix *image) {
    size_t pixels = (size_t)pixGetWidth(image) * (size_t)pixGetHeight(image);
    return pixels * (pixGetDepth(image) == 1 ? 1 : 3);
}
