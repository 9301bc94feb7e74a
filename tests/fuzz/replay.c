/* SPDX-License-Identifier: MIT
 *
 *     replay FILE-OR-FOLDER...
 *
 * One call for each file, of a target that is built without libFuzzer. */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned files;

/* In a block of exactly its size, so that a sanitizer sees the first byte too far. */
static void replay_file(const char *path, size_t size) {
    uint8_t *data = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rb");
    if (data == NULL || file == NULL || fread(data, 1, size, file) != size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    files++;
}

static void replay(const char *path) {
    struct stat stat_of;
    if (stat(path, &stat_of) != 0) {
        perror(path);
        exit(2);
    }
    if (!S_ISDIR(stat_of.st_mode)) {
        replay_file(path, (size_t)stat_of.st_size);
        return;
    }
    DIR *folder = opendir(path);
    if (folder == NULL) {
        perror(path);
        exit(2);
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            replay(name);
    }
    closedir(folder);
}

int main(int count, char **arguments) {
    for (int i = 1; i < count; i++)
        replay(arguments[i]);
    printf("%u files\n", files);
    return files == 0;
}
