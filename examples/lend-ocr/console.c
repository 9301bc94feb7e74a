/* SPDX-License-Identifier: MIT */
#include "console.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_UNKNOWN = 80 };

struct console console_open(void) {
    /* A message is one write, and those of several programs do not mix. */
    setvbuf(stderr, NULL, _IOLBF, 0);
    return (struct console){.terminal = isatty(STDERR_FILENO) == 1};
}

/* The control characters of C1, U+0080 to U+009F: to a terminal as good as those below the space.
 */
static bool is_c1(const unsigned char *text) {
    return text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f;
}

/* Names come from anywhere: what could move the cursor or end the line does not get through. */
static void print_tamed(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool two_bytes = is_c1(at);
        fputc(two_bytes || *at < ' ' || *at == 127 ? '?' : *at, stderr);
        at += two_bytes;
    }
}

void console_say(struct console *console, const char *subject, const char *words) {
    console_erase(console);
    fputs("lend-ocr: ", stderr);
    if (subject != NULL) {
        print_tamed(subject);
        fputs(": ", stderr);
    }
    print_tamed(words);
    fputc('\n', stderr);
}

int console_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_UNKNOWN;
    return size.ws_col;
}

/* Never as far as the last column: a line that wraps could not be erased. Spaces do the erasing,
 * since every terminal knows those. */
void console_draw(struct console *console, const char *line) {
    if (!console->terminal)
        return;
    int length = (int)strnlen(line, (size_t)console_columns() - 1);
    int left = console->length > length ? console->length - length : 0;
    fprintf(stderr, "\r%.*s%*s", length, line, left, "");
    fflush(stderr);
    console->length = length;
}

void console_erase(struct console *console) {
    if (console->length == 0)
        return;
    fprintf(stderr, "\r%*s\r", console->length, "");
    fflush(stderr);
    console->length = 0;
}
