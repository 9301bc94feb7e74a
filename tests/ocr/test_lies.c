/* SPDX-License-Identifier: MIT
 *
 * Admission of files that lie: about their size, their parts, or what they are. Each is refused,
 * and the words say which lie it was. */
#include "admitting.h"

/* A TIFF of one page with these fields. */
static struct file tiff_of(const struct tiff_field *fields, unsigned count) {
    struct tiff tiff = tiff_begin(/* big_endian= */ false);
    tiff_add_fields(&tiff, fields, count);
    return tiff.file;
}

#define TIFF_OF(...)                                                                               \
    tiff_of((const struct tiff_field[]){__VA_ARGS__},                                              \
            sizeof((const struct tiff_field[]){__VA_ARGS__}) / sizeof(struct tiff_field))

static void a_tiff_that_lies_is_refused(void **state) {
    (void)state;
    check_refused(TIFF_OF({256, 10}, {257, 10}, {273, 8}, {279, 0x7fffffff}), EBADMSG, "strip 0");
    check_refused(TIFF_OF({256, 10}, {257, 10}, {273, 0x7fffffff}, {279, 13}), EBADMSG, "strip 0");
    check_refused(TIFF_OF({256, 10}, {257, 10}, {273, 8}, {278, 1}, {279, 13}), EBADMSG, "strips");
    check_refused(TIFF_OF({256, 10}, {257, 10}, {273, 8}, {278, 0}, {279, 13}), EBADMSG, "rows");
    check_refused(TIFF_OF({256, 9999}, {257, 9999}, {259, 5}, {273, 8}, {279, 40}), EBADMSG,
                  "cannot be");
    check_refused(TIFF_OF({256, 20000}, {257, 20000}, {273, 8}, {279, 40}), EFBIG, "pixels_max");
    check_refused(TIFF_OF({256, 0}, {257, 10}, {273, 8}, {279, 40}), EBADMSG, "no picture");
    check_refused(TIFF_OF({256, 10}, {256, 20}, {257, 10}, {273, 8}), EBADMSG, "twice");
    check_refused(TIFF_OF({259, 1}), EBADMSG, "no picture");
    check_refused(TIFF_OF({256, 10}, {257, 10}, {258, 64}, {273, 8}), ENOTSUP, "bits a sample");
    check_refused(TIFF_OF({256, 10}, {257, 10}, {273, 8}, {277, 9}), ENOTSUP, "samples a pixel");
    check_refused(TIFF_OF({256, 10}, {257, 10}, {322, 16}), ENOTSUP, "tiles");
    check_refused(TIFF_OF({256, 10}, {257, 10}, {273, 8}, {339, 3}), ENOTSUP, "real samples");
    check_refused(FILE_OF("II*\0\0\0\0\0"), EBADMSG, "no pages");
    check_refused(FILE_OF("II*\0\xff\xff\xff\x7f"), EBADMSG, "page 1");
}

/* A page of eight by eight grey pixels with `count` fields more, all of them the same 64 bytes. */
static struct file tiff_of_shared_bytes(unsigned count) {
    static const uint8_t grey[64] = {0};
    const struct tiff_field fields[] = {{256, 8}, {257, 8}, {258, 8},
                                        {262, 1}, {273, 8}, {279, 64}};
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    struct tiff tiff = tiff_begin(/* big_endian= */ false);
    put_bytes(&tiff.file, grey, sizeof grey);
    tiff_begin_page(&tiff, FIELDS + count);
    tiff_put_fields(&tiff, fields, FIELDS);
    for (unsigned i = 0; i < count; i++)
        tiff_put_array(&tiff, 40000 + i, /* type= */ 1, sizeof grey, 8);
    tiff_end_page(&tiff);
    return tiff.file;
}

static void a_tiff_whose_fields_are_larger_than_the_file_is_refused(void **state) {
    (void)state;
    check_admitted(tiff_of_shared_bytes(0), LEND_OCR_TIFF, 8, 8);
    check_admitted(tiff_of_shared_bytes(2), LEND_OCR_TIFF, 8, 8);
    check_refused(tiff_of_shared_bytes(4), EBADMSG, "larger than the file");
    check_refused(tiff_of_shared_bytes(4000), EBADMSG, "larger than the file");
}

static void check_tiff_codec(uint32_t codec, const char *words) {
    struct file file =
        TIFF_OF({256, 8}, {257, 8}, {258, 1}, {259, codec}, {273, 8}, {277, 1}, {279, 8});
    if (words == NULL)
        check_admitted(file, LEND_OCR_TIFF, 8, 8);
    else
        check_refused(file, ENOTSUP, words);
}

/* Whatever else libtiff was built with: its decoder for JBIG ends the process. */
static void a_tiff_with_a_codec_that_is_not_known_is_refused(void **state) {
    (void)state;
    static const uint32_t known[] = {1, 2, 3, 4, 5, 7, 8, 32771, 32773, 32946};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        check_tiff_codec(known[i], /* words= */ NULL);
    check_tiff_codec(6, "JPEG of the old kind");
    check_tiff_codec(34661, "JBIG");
    check_tiff_codec(50000, "Zstandard");
    check_tiff_codec(50001, "WebP");
    check_tiff_codec(0, "compression 0");
    check_tiff_codec(999, "compression 999");
    check_tiff_codec(65537, "compression 65537"); /* 1, if it were cut to sixteen bits */
}

static void a_fax_is_black_and_white(void **state) {
    (void)state;
    static const uint32_t faxes[] = {2, 3, 4, 32771};
    for (size_t i = 0; i < sizeof faxes / sizeof faxes[0]; i++) {
        check_refused(TIFF_OF({256, 8}, {257, 8}, {258, 8}, {259, faxes[i]}, {273, 8}, {279, 8}),
                      ENOTSUP, "fax");
        check_refused(
            TIFF_OF({256, 8}, {257, 8}, {258, 8}, {259, faxes[i]}, {273, 8}, {277, 3}, {279, 8}),
            ENOTSUP, "fax");
    }
}

static void check_tiff_kind(uint32_t photometric, uint32_t samples, uint32_t depth,
                            const char *words) {
    struct file file = TIFF_OF({256, 1}, {257, 1}, {258, depth}, {262, photometric}, {273, 8},
                               {277, samples}, {279, 8});
    if (words == NULL)
        check_admitted(file, LEND_OCR_TIFF, 1, 1);
    else
        check_refused(file, ENOTSUP, words);
}

static void a_tiff_of_a_kind_that_the_decoder_lacks_is_refused(void **state) {
    (void)state;
    check_tiff_kind(1, 2, 8, /* words= */ NULL);
    check_tiff_kind(1, 2, 16, "16 bits a sample and 2 samples");
    check_tiff_kind(1, 2, 4, "4 bits a sample and 2 samples");
    check_tiff_kind(2, 3, 8, /* words= */ NULL);
    check_tiff_kind(2, 4, 16, /* words= */ NULL);
    check_tiff_kind(2, 3, 4, "4 bits a sample and 3 samples");
    check_tiff_kind(2, 4, 1, "1 bits a sample and 4 samples");
    check_tiff_kind(5, 4, 8, /* words= */ NULL);
    check_tiff_kind(5, 3, 8, "inks");
    check_tiff_kind(5, 4, 16, "inks");
    check_tiff_kind(6, 3, 8, /* words= */ NULL);
    check_tiff_kind(6, 3, 16, "YCbCr");
    check_tiff_kind(8, 3, 16, /* words= */ NULL);
    check_tiff_kind(8, 4, 8, "CIE L*a*b*");
    check_tiff_kind(9, 3, 8, "ICC L*a*b*");
    check_tiff_kind(10, 3, 8, "ITU L*a*b*");
    check_tiff_kind(32803, 3, 8, "colour filter array");
    check_tiff_kind(77, 3, 8, "colours of kind 77");
    check_tiff_kind(9, 1, 8, /* words= */ NULL); /* taken for grey */
    check_refused(TIFF_OF({256, 8}, {257, 8}, {258, 8}, {262, 2}, {273, 8}, {277, 3}, {284, 2}),
                  ENOTSUP, "planes");
}

static struct file tiff_with_palette(uint32_t photometric, uint32_t samples, uint32_t depth) {
    static const uint8_t bytes[3 * 2 * 256] = {0};
    const struct tiff_field fields[] = {{256, 1},           {257, 1},  {258, depth},
                                        {262, photometric}, {273, 8},  {277, samples},
                                        {278, 1},           {279, 16}, {284, 1}};
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    struct tiff tiff = tiff_begin(/* big_endian= */ false);
    put_bytes(&tiff.file, bytes, sizeof bytes);
    tiff_begin_page(&tiff, FIELDS + 1);
    tiff_put_fields(&tiff, fields, FIELDS);
    tiff_put_array(&tiff, 320, /* type= */ 3, 3u << (depth < 8 ? depth : 8), 8);
    tiff_end_page(&tiff);
    return tiff.file;
}

/* The engine ends the process on a picture that has colours and a palette too. */
static void a_tiff_with_a_palette_has_one_sample(void **state) {
    (void)state;
    check_admitted(tiff_with_palette(3, 1, 8), LEND_OCR_TIFF, 1, 1);
    check_admitted(tiff_with_palette(3, 1, 2), LEND_OCR_TIFF, 1, 1);
    check_refused(tiff_with_palette(3, 1, 16), ENOTSUP, "palette");
    check_refused(tiff_with_palette(3, 2, 8), ENOTSUP, "palette");
    check_refused(tiff_with_palette(2, 3, 8), ENOTSUP, "palette");
    check_refused(tiff_with_palette(1, 4, 8), ENOTSUP, "palette");
}

static void a_png_that_lies_is_refused(void **state) {
    (void)state;
    struct canvas canvas = small_canvas();
    check_refused(file_png_claiming(&canvas, 1, 20000, 20000), EFBIG, "pixels_max");
    check_refused(file_png_claiming(&canvas, 1, 1, 32768), EFBIG, "side_max");
    check_refused(file_png_claiming(&canvas, 1, 0, 10), EBADMSG, "no picture");
    check_refused(file_png_claiming(&canvas, 1, 10, 0), EBADMSG, "no picture");
    check_refused(file_png_claiming(&canvas, 1, UINT32_MAX, 10), EBADMSG, "negative");
    struct file file = file_png(&canvas, 1);
    file.bytes[24] = 3; /* bits a sample */
    check_refused(file, EBADMSG, "3 bits");
    file = file_png(&canvas, 1);
    file.bytes[33] = 0x7f; /* length of the chunk after the header */
    check_refused(file, EBADMSG, "cut short");
    canvas_free(&canvas);
}

/* Cut the segment that begins with this marker out of a JPEG. */
static struct file without_segment(struct file file, uint8_t code) {
    size_t at = 2;
    while (file.bytes[at + 1] != code)
        at += 2 + (size_t)(file.bytes[at + 2] << 8 | file.bytes[at + 3]);
    size_t length = 2 + (size_t)(file.bytes[at + 2] << 8 | file.bytes[at + 3]);
    memmove(file.bytes + at, file.bytes + at + length, file.size - at - length);
    file.size -= length;
    return file;
}

static void a_jpeg_that_lies_is_refused(void **state) {
    (void)state;
    struct canvas canvas = small_canvas();
    check_refused(file_jpeg_claiming(&canvas, 65535, 65535), EFBIG, "side_max");
    check_refused(file_jpeg_claiming(&canvas, 20000, 20000), EFBIG, "pixels_max");
    check_refused(file_jpeg_claiming(&canvas, 0, 100), EBADMSG, "no picture");
    check_refused(file_jpeg_claiming(&canvas, 100, 0), EBADMSG, "no picture");
    check_refused(without_segment(file_jpeg(&canvas), 0xc0), EBADMSG, "before their frame");
    check_refused(without_segment(file_jpeg(&canvas), 0xda), EBADMSG, "no marker");
    check_refused(FILE_OF("\xff\xd8\xff\xd9"), EBADMSG, "no pixels");
    check_refused(FILE_OF("\xff\xd8\xff\xe0\0\1"), EBADMSG, "less than its own size");
    check_refused(FILE_OF("\xff\xd8\xff\xc0\0\x0b\x0c\0\1\0\1\1\1\x11\0"), ENOTSUP, "12 bits");
    check_refused(FILE_OF("\xff\xd8\xff\xc3\0\x0b\x08\0\1\0\1\1\1\x11\0"), ENOTSUP, "lossless");
    canvas_free(&canvas);
}

/* The scan of a JPEG, again and again, before its end. */
static void a_jpeg_of_endless_scans_is_refused(void **state) {
    (void)state;
    struct canvas canvas = small_canvas();
    struct file file = file_jpeg(&canvas);
    size_t scan = 0;
    while (file.bytes[scan] != 0xff || file.bytes[scan + 1] != 0xda)
        scan++;
    struct file once = file_of(file.bytes + scan, file.size - 2 - scan);
    file.size -= 2;
    for (int i = 0; i < 1000; i++)
        put_bytes(&file, once.bytes, once.size);
    put_be16(&file, 0xffd9);
    check_refused(file, EBADMSG, "scans");
    file_free(&once);
    canvas_free(&canvas);
}

static void a_webp_that_lies_is_refused(void **state) {
    (void)state;
    struct canvas canvas = small_canvas();
    struct file file = file_webp(&canvas, 1);
    memset(file.bytes + 4, 0xff, 4); /* size of the whole */
    check_refused(file, EBADMSG, "cut short");
    file = file_webp(&canvas, 1);
    memset(file.bytes + 16, 0xff, 4); /* size of the picture */
    check_refused(file, EBADMSG, "larger than the file");
    file = file_webp(&canvas, 1);
    file.bytes[20] = 0; /* signature of the picture */
    check_refused(file, EBADMSG, "signature");
    file = file_webp(&canvas, 1);
    memcpy(file.bytes + 12, "JUNK", 4);
    check_refused(file, EBADMSG, "no picture");
    check_refused(FILE_OF("RIFF\x0e\0\0\0WEBPVP8X\x02\0\0\0\0\0"), EBADMSG, "cut short");
    check_refused(FILE_OF("RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\0\0\0\0\0\0"), ENOTSUP,
                  "animated");
    check_refused(FILE_OF("RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f"),
                  EFBIG, "pixels_max");
    canvas_free(&canvas);
}

/* Without an extended header, a decoder takes the first part for the picture, whatever it is
 * called, and not the one that is named like a picture further on. */
static void a_webp_whose_first_part_is_no_picture_is_refused(void **state) {
    (void)state;
    struct canvas canvas = small_canvas();
    struct file plain = file_webp(&canvas, 1), file = file_of(plain.bytes, 12);
    /* A part of no bytes; or the beginning of a picture of 16384 x 1024. */
    put_bytes(&file, "/\xff\xff\xff\0\0\0\0", 8);
    put_bytes(&file, plain.bytes + 12, plain.size - 12);
    file.bytes[4] = (uint8_t)(file.size - 8);
    check_refused(file, EBADMSG, "first part is no picture");
    file_free(&plain);
    canvas_free(&canvas);
}

static void a_pnm_that_lies_is_refused(void **state) {
    (void)state;
    check_refused(file_of_string("P5 99999999 99999999 255\nxxxx"), EBADMSG, "no number");
    check_refused(file_of_string("P5 4294967297 1 255\nxxxx"), EBADMSG, "no number");
    check_refused(file_of_string("P5 -10 10 255\nxxxx"), EBADMSG, "no number");
    check_refused(file_of_string("P5 10 x 255\nxxxx"), EBADMSG, "no number");
    check_refused(file_of_string("P5\n# where is the rest"), EBADMSG, "no number");
    check_refused(file_of_string("P510 10 255\nxxxx"), ENOTSUP, "text");
    check_refused(file_of_string("P5 0 10 255\nxxxx"), EBADMSG, "no picture");
    check_refused(file_of_string("P5 2 3 255\nxxxxx"), EBADMSG, "cut short");
    check_refused(file_of_string("P5 2 2 65535\nxxxxxxx"), EBADMSG, "cut short");
    check_refused(file_of_string("P6 2 1 255\nxxxxx"), EBADMSG, "cut short");
    check_refused(file_of_string("P4 9 2\nxxx"), EBADMSG, "cut short");
    check_refused(file_of_string("P2 2 2 255\n1 2 3"), EBADMSG, "cut short");
    check_refused(file_of_string("P2 2 2 255\n1 2 3 256"), EBADMSG, "cut short");
    check_refused(file_of_string("P1 4 2\n01100110\n"), EBADMSG, "cut short");
    check_refused(file_of_string("P5 2 2 254\nxxxx"), ENOTSUP, "254");
    check_refused(file_of_string("P5 9999999 9999999 255\nxxxx"), EBADMSG, "cut short");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tiff_that_lies_is_refused),
        cmocka_unit_test(a_tiff_whose_fields_are_larger_than_the_file_is_refused),
        cmocka_unit_test(a_tiff_with_a_codec_that_is_not_known_is_refused),
        cmocka_unit_test(a_fax_is_black_and_white),
        cmocka_unit_test(a_tiff_of_a_kind_that_the_decoder_lacks_is_refused),
        cmocka_unit_test(a_tiff_with_a_palette_has_one_sample),
        cmocka_unit_test(a_png_that_lies_is_refused),
        cmocka_unit_test(a_jpeg_that_lies_is_refused),
        cmocka_unit_test(a_jpeg_of_endless_scans_is_refused),
        cmocka_unit_test(a_webp_that_lies_is_refused),
        cmocka_unit_test(a_webp_whose_first_part_is_no_picture_is_refused),
        cmocka_unit_test(a_pnm_that_lies_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
