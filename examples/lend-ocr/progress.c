/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <stdio.h>
#include <string.h>

enum {
    REDRAW_MS = 100,
    SOON_MS = 1000, /* before that, rate and time left would be guesses */
    BAR_LEAST = 10,
    BAR_MOST = 40,
    FRAME = 3, /* the brackets and the column that stays free */
};

void progress_loading(uint32_t loaded, uint32_t models, void *context) {
    struct progress *progress = context;
    char line[64];
    snprintf(line, sizeof line, "loading models  %u/%u", loaded, models);
    console_draw(progress->console, line);
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
    strcpy(buffer + 1 + width, "]");
}

void progress_show(struct progress *progress, const struct tally *tally, size_t total) {
    bool fresh = tally_now_ms() - progress->drawn_ms < REDRAW_MS;
    if (!progress->console->terminal || (progress->console->length > 0 && fresh))
        return;
    char figures[96], bar[BAR_MOST + FRAME] = "", line[sizeof figures + sizeof bar];
    print_figures(figures, sizeof figures, tally, total);
    int room = console_columns() - (int)strlen(figures) - FRAME;
    if (room >= BAR_LEAST)
        print_bar(bar, room < BAR_MOST ? room : BAR_MOST, tally->read + tally->failed, total);
    snprintf(line, sizeof line, "%s%s", bar, figures);
    console_draw(progress->console, line);
    progress->drawn_ms = tally_now_ms();
}

int progress_timeout_ms(const struct progress *progress) {
    return progress->console->terminal ? REDRAW_MS : -1;
}
