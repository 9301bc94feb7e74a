/* SPDX-License-Identifier: MIT
 *
 * Walking through arguments and folders. A folder is listed when its turn comes; what it holds is
 * sorted by the bytes of the names, the same in every locale. */
#define _GNU_SOURCE
#include "inputs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_picture_name(const char *name) {
    static const char *const extensions[] = {".png", ".jpg", ".jpeg", ".tif", ".tiff",
                                             ".pnm", ".pbm", ".pgm",  ".ppm", ".webp"};
    const char *dot = strrchr(name, '.');
    if (dot == NULL || name[0] == '.')
        return false;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (strcasecmp(dot, extensions[i]) == 0)
            return true;
    return false;
}

static bool is_subfolder(DIR *parent, const struct dirent *entry) {
    struct stat about;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(parent), entry->d_name, &about, 0) == 0 && S_ISDIR(about.st_mode);
}

static int compare_names(const void *one, const void *other) {
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static void forget_folder(struct inputs *inputs) {
    for (size_t i = 0; i < inputs->name_count; i++)
        free(inputs->names[i]);
    free(inputs->names);
    inputs->names = NULL;
    inputs->name_count = inputs->next_name = 0;
    inputs->folder = NULL;
}

static int keep_name(struct inputs *inputs, size_t *room, const char *name) {
    if (inputs->name_count == *room) {
        size_t wanted = *room > 0 ? *room * 2 : 64;
        char **names = realloc(inputs->names, wanted * sizeof *names);
        if (names == NULL)
            return ENOMEM;
        inputs->names = names;
        *room = wanted;
    }
    inputs->names[inputs->name_count] = strdup(name);
    if (inputs->names[inputs->name_count] == NULL)
        return ENOMEM;
    inputs->name_count++;
    return 0;
}

/* Takes the pictures of the folder behind fd as the next inputs; closes fd. */
static int list_folder(struct inputs *inputs, const char *folder, int fd) {
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        int error = errno;
        close(fd);
        return error;
    }
    size_t room = 0;
    int error = 0;
    const struct dirent *entry;
    while (error == 0 && (errno = 0, entry = readdir(stream)) != NULL)
        if (is_picture_name(entry->d_name) && !is_subfolder(stream, entry))
            error = keep_name(inputs, &room, entry->d_name);
    if (error == 0)
        error = errno;
    closedir(stream);
    if (error == 0 && inputs->name_count == 0)
        error = ENODATA;
    if (error != 0) {
        forget_folder(inputs);
        return error;
    }
    qsort(inputs->names, inputs->name_count, sizeof *inputs->names, compare_names);
    inputs->folder = folder;
    inputs->found += inputs->name_count;
    return 0;
}

/* Never waits: a pipe that nobody writes to yet is opened all the same. */
static int open_file(const char *path) {
    if (strcmp(path, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void give_failure(struct input *ret_input, char *name, int error) {
    *ret_input = (struct input){.name = name};
    lend_reason_set(&ret_input->reason, error, "%s",
                    error == ENODATA ? "no pictures in this folder" : strerror(error));
}

/* Takes name and fd. One that is missing has left its reason in errno. */
static void give_file(struct input *ret_input, char *name, int fd) {
    struct picture *picture = fd >= 0 ? picture_open(fd) : NULL;
    if (picture == NULL)
        give_failure(ret_input, name, errno);
    else
        *ret_input = (struct input){.name = name, .picture = picture};
}

static void give_from_folder(struct inputs *inputs, struct input *ret_input) {
    char *path;
    const char *slash = inputs->folder[strlen(inputs->folder) - 1] == '/' ? "" : "/";
    if (asprintf(&path, "%s%s%s", inputs->folder, slash, inputs->names[inputs->next_name]) < 0)
        path = NULL;
    give_file(ret_input, path, path != NULL ? open_file(path) : -1);
    if (++inputs->next_name == inputs->name_count)
        forget_folder(inputs);
}

static bool is_folder(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISDIR(about.st_mode);
}

/* The next argument. False: it is a folder, and its pictures are next. */
static bool give_argument(struct inputs *inputs, struct input *ret_input) {
    const char *argument = inputs->arguments[inputs->next_argument++];
    char *name = strdup(argument);
    int fd = name != NULL ? open_file(name) : -1;
    if (fd < 0 || !is_folder(fd)) {
        inputs->found++;
        give_file(ret_input, name, fd);
        return true;
    }
    int error = list_folder(inputs, argument, fd);
    if (error == 0) {
        free(name);
        return false;
    }
    inputs->found++;
    give_failure(ret_input, name, error);
    return true;
}

struct inputs inputs_open(char *const *arguments, size_t count) {
    return (struct inputs){.arguments = arguments, .argument_count = count};
}

bool inputs_next(struct inputs *inputs, struct input *ret_input) {
    if (inputs->folder == NULL) {
        if (inputs->next_argument == inputs->argument_count)
            return false;
        if (give_argument(inputs, ret_input))
            return true;
    }
    give_from_folder(inputs, ret_input);
    return true;
}

size_t inputs_total(const struct inputs *inputs) {
    return inputs->found + (inputs->argument_count - inputs->next_argument);
}

void inputs_close(struct inputs *inputs) {
    forget_folder(inputs);
}
