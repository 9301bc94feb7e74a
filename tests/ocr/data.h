/* SPDX-License-Identifier: MIT
 *
 * Scanned pages that are not part of the project: the folder that LEND_TEST_DATA names. Tests that
 * need them skip, and say so, where they are missing. */
#ifndef LEND_TESTS_OCR_DATA_H
#define LEND_TESTS_OCR_DATA_H

#include "files.h"

#include <glob.h>

/* The files that match, by name; none if the folder is missing. Free with globfree. */
static inline glob_t data_find(const char *pattern) {
    const char *folder = getenv("LEND_TEST_DATA");
    char whole[4096];
    glob_t found = {0};
    snprintf(whole, sizeof whole, "%s/%s", folder != NULL ? folder : "/nonexistent", pattern);
    if (glob(whole, 0, NULL, &found) != 0)
        found.gl_pathc = 0;
    return found;
}

/* A whole file; its size is 0 if it cannot be read. */
static inline struct file data_load(const char *path) {
    struct file file = {0};
    char buffer[65536];
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return file;
    for (size_t size; (size = fread(buffer, 1, sizeof buffer, stream)) > 0;)
        put_bytes(&file, buffer, size);
    fclose(stream);
    return file;
}

#endif
