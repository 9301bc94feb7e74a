/* SPDX-License-Identifier: MIT
 *
 * What a person sees on stderr: messages, and below them, if it is a terminal, one line that
 * does not stay. Whoever writes to the terminal some other way erases that line first. */
#ifndef LEND_OCR_CONSOLE_H
#define LEND_OCR_CONSOLE_H

#include <stdbool.h>

struct console {
    bool terminal;
    int length; /* of the line that does not stay; 0: there is none */
};

struct console console_open(void);

/* A message of one line: "lend-ocr: SUBJECT: WORDS", or without the subject if that is NULL. */
void console_say(struct console *console, const char *subject, const char *words);

/* How wide the terminal is, in columns. */
int console_columns(void);

/* Replace that line; what the terminal is too narrow for is cut. Nothing without one. */
void console_draw(struct console *console, const char *line);
void console_erase(struct console *console);

#endif
