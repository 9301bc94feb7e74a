/* SPDX-License-Identifier: MIT
 *
 *     fuzz-seeds FOLDER
 *
 * Writes the files that the corpora of images began with: a small one of each format and kind, and
 * a few that are not whole. */
#include "ocr/files.h"

#include <stdlib.h>

static const char *folder;

static void write_first(const char *name, struct file *file, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    if (stream == NULL || fwrite(file->bytes, 1, size, stream) != size || fclose(stream) != 0) {
        perror(path);
        exit(1);
    }
}

static void write_file(const char *name, struct file file) {
    write_first(name, &file, file.size);
    file_free(&file);
}

static void write_cut(const char *name, struct file file) {
    write_first(name, &file, file.size * 2 / 3);
    file_free(&file);
}

static void write_tiffs(const struct canvas *canvas) {
    struct tiff two = tiff_begin(/* big_endian= */ true), ring = tiff_begin(false);
    tiff_add(&two, canvas, 1);
    tiff_add(&two, canvas, 1);
    write_file("two-pages.tif", two.file);
    tiff_add(&ring, canvas, 1);
    tiff_add(&ring, canvas, 1);
    tiff_close_ring(&ring, 0);
    write_file("ring.tif", ring.file);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: fuzz-seeds FOLDER\n");
        return 2;
    }
    folder = arguments[1];
    struct canvas canvas = canvas_of("ON");
    write_file("plain.pgm", file_pnm(&canvas, 1));
    write_file("larger.pgm", file_pnm(&canvas, 3));
    write_file("plain.png", file_png(&canvas, 1));
    write_file("colours.png", file_png_as(&canvas, 1, PNG_COLOURS, 8, false));
    write_file("palette.png", file_png_as(&canvas, 1, PNG_PALETTE, 1, true));
    write_file("alpha.png", file_png_as(&canvas, 1, PNG_GREY_ALPHA, 16, true));
    write_file("bomb.png", file_png_claiming(&canvas, 1, 32767, 32767));
    write_file("plain.jpg", file_jpeg(&canvas));
    write_file("bomb.jpg", file_jpeg_claiming(&canvas, 65535, 65535));
    write_file("plain.webp", file_webp(&canvas, 1));
    write_file("plain.tif", file_tiff(&canvas, 1));
    write_tiffs(&canvas);
    write_cut("cut.png", file_png(&canvas, 1));
    write_cut("cut.jpg", file_jpeg(&canvas));
    write_cut("cut.webp", file_webp(&canvas, 1));
    write_cut("cut.tif", file_tiff(&canvas, 1));
    write_cut("cut.pgm", file_pnm(&canvas, 1));
    canvas_free(&canvas);
    return 0;
}
