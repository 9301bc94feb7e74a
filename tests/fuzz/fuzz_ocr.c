/* SPDX-License-Identifier: MIT
 *
 * The whole way from bytes to text, with the limits of production but for the time: a page is given
 * half a second. Whatever comes of it has a name, and is printed in every form. */
#include "fuzz/fuzz.h"

#include <lend/lend.h>
#include <lend/ocr.h>
#include <stdlib.h>

static void expect(int holds) {
    if (!holds)
        abort();
}

static lend_pool *open_pool(void) {
    lend_pool *pool = NULL;
    int error = lend_pool_open(&pool, &LEND_POOL_OPTIONS(.ops = &lend_ocr_model_ops, .models = 1));
    expect(error == 0);
    return pool;
}

static int count_bytes(const void *data, size_t size, void *context) {
    (void)data;
    *(size_t *)context += size;
    return 0;
}

static void print(const struct lend_ocr_result *result) {
    for (enum lend_ocr_print_as as = LEND_OCR_AS_TEXT; as <= LEND_OCR_AS_JSON; as++) {
        size_t size = 0;
        struct lend_ocr_printer printer = {.as = as, .write = count_bytes, .write_context = &size};
        expect(lend_ocr_print_begin(&printer) == 0);
        expect(lend_ocr_print(&printer, "page", result) == 0);
        expect(lend_ocr_print_end(&printer) == 0);
        expect(as == LEND_OCR_AS_TEXT || size > 0);
    }
}

static void read_page(void *model, const uint8_t *data, size_t size, struct lend_lease *page) {
    struct lend_ocr_result *result = NULL;
    struct lend_reason reason = {0};
    struct lend_ocr_request request =
        LEND_OCR_REQUEST(.data = data, .data_size = size, .deadline = lend_within_ms(500));
    int error = lend_ocr_recognise(model, &request, &result, &reason);
    expect((error == 0) == (result != NULL));
    expect(error == 0 || reason.text[0] != '\0');
    if (error == 0)
        print(result);
    lend_ocr_result_free(result);
    if (error == EIO)
        lend_release_broken(page, reason.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lend_pool *pool; /* of the process: loading takes longer than reading */
    if (size == 0)
        return 0;
    if (pool == NULL)
        pool = open_pool();
    lend_scoped_lease page = lend_acquire(pool, LEND_FOREVER);
    expect(lend_lease_ok(&page));
    read_page(page.model, data, size, &page);
    return 0;
}
