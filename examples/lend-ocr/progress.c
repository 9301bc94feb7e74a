/* SPDX-License-Identifier: MIT
 *
 * Drawing the bar. It is rewritten in place, with one write, ten times a second at most:
 *
 *     [############--------]  12/20   3.4 pages/s   0:02 left */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    REDRAW_MS = 100,
    SOON_MS = 1000, /* before that, rate and time left would be guesses */
    COLUMNS_UNKNOWN = 80,
    BAR_LEAST = 10,
    BAR_MOST = 40,
};

struct progress progress_open(void) {
    return (struct progress){.terminal = isatty(STDERR_FILENO) == 1};
}

static int terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_UNKNOWN;
    return size.ws_col;
}

/* A line that wraps could not be taken away: what does not fit is cut. Spaces do the erasing, since
 * every terminal knows those. */
static void draw(struct progress *progress, const char *line, int columns) {
    int length = (int)strnlen(line, (size_t)(columns > 0 ? columns - 1 : 0));
    int erased = progress->length > length ? progress->length - length : 0;
    fprintf(stderr, "\r%.*s%*s", length, line, erased, "");
    progress->length = length;
    progress->drawn_ms = tally_now_ms();
}

void progress_loading(uint32_t loaded, uint32_t models, void *context) {
    struct progress *progress = context;
    char line[64];
    if (!progress->terminal)
        return;
    snprintf(line, sizeof line, "loading models  %u/%u", loaded, models);
    draw(progress, line, terminal_columns());
}

static void print_left(char *buffer, size_t size, double seconds) {
    unsigned long left = (unsigned long)(seconds + 0.5);
    if (left >= 3600)
        snprintf(buffer, size, "%lu:%02lu:%02lu left", left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(buffer, size, "%lu:%02lu left", left / 60, left % 60);
}

/* "  12/20   3.4 pages/s   0:02 left" */
static void print_figures(char *buffer, size_t size, const struct tally *tally, size_t total) {
    size_t done = tally->read + tally->failed;
    double seconds = tally_seconds(tally);
    int length = snprintf(buffer, size, "  %zu/%zu", done, total);
    if (done == 0 || seconds * 1000 < SOON_MS)
        return;
    length += snprintf(buffer + length, size - (size_t)length, "   %.1f pages/s   ",
                       tally_pages_per_second(tally));
    print_left(buffer + length, size - (size_t)length,
               seconds / (double)done * (double)(total - done));
}

/* "[####------]" */
static void print_bar(char *buffer, int width, size_t done, size_t total) {
    size_t filled = total > 0 ? (size_t)width * done / total : 0;
    buffer[0] = '[';
    memset(buffer + 1, '-', (size_t)width);
    memset(buffer + 1, '#', filled);
    buffer[width + 1] = ']';
    buffer[width + 2] = '\0';
}

void progress_show(struct progress *progress, const struct tally *tally, size_t total) {
    if (!progress->terminal ||
        (progress->length > 0 && tally_now_ms() - progress->drawn_ms < REDRAW_MS))
        return;
    char figures[80], bar[BAR_MOST + 3] = "", line[sizeof figures + sizeof bar];
    print_figures(figures, sizeof figures, tally, total);
    int columns = terminal_columns();
    int room = columns - (int)strlen(figures) - 3;
    if (room >= BAR_LEAST)
        print_bar(bar, room < BAR_MOST ? room : BAR_MOST, tally->read + tally->failed, total);
    snprintf(line, sizeof line, "%s%s", bar, figures);
    draw(progress, line, columns);
}

void progress_hide(struct progress *progress) {
    if (progress->length > 0)
        fprintf(stderr, "\r%*s\r", progress->length, "");
    progress->length = 0;
}

int progress_timeout_ms(const struct progress *progress) {
    return progress->terminal ? REDRAW_MS : -1;
}

/* Names come from anywhere: what could move the cursor or end the line does not reach the terminal.
 */
static void print_tamed(const char *text) {
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < ' ' || *text == 127 ? '?' : *text, stderr);
}

void progress_say(struct progress *progress, const char *subject, const char *words) {
    progress_hide(progress);
    flockfile(stderr);
    fputs("lend-ocr: ", stderr);
    if (subject != NULL) {
        print_tamed(subject);
        fputs(": ", stderr);
    }
    print_tamed(words);
    fputc('\n', stderr);
    funlockfile(stderr);
}
