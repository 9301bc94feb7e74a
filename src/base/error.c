/* SPDX-License-Identifier: MIT
 *
 * Names and sentences of errors, events, causes and outcomes, each generated from the one list in
 * its public header, and the reasons that callers are given. */
#define _GNU_SOURCE
#include "base/text.h"

#include <lend/error.h>
#include <lend/event.h>
#include <lend/future.h>
#include <lend/report.h>
#include <string.h>

const char *lend_version(void) {
    return LEND_VERSION;
}

/* glibc says what it calls an error without translating it, in memory that stays. */
#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 32)
#define LIBC_NAMES_ERRORS
#endif
#endif

/* Of an error that is none of lend's; NULL for a number that is not known. */
static const char *libc_name(int error) {
#ifdef LIBC_NAMES_ERRORS
    return strerrorname_np(error);
#else
    (void)error;
    return NULL;
#endif
}

static const char *libc_sentence(int error) {
#ifdef LIBC_NAMES_ERRORS
    return strerrordesc_np(error);
#else
    (void)error;
    return NULL;
#endif
}

static const char *name_or_null(int error) {
    switch (error) {
    case 0:
        return "0";
#define NAME(code, words)                                                                          \
    case code:                                                                                     \
        return #code;
        LEND_ERRORS(NAME)
#undef NAME
    default:
        return libc_name(error);
    }
}

const char *lend_errname(int error) {
    const char *name = name_or_null(error);
    return name != NULL ? name : "unknown";
}

const char *lend_strerror(int error) {
    switch (error) {
    case 0:
        return "success";
#define SENTENCE(code, words)                                                                      \
    case code:                                                                                     \
        return words;
        LEND_ERRORS(SENTENCE)
    default:
        break;
    }
    const char *sentence = libc_sentence(error);
    return sentence != NULL ? sentence : "an error of the caller's own";
}

const char *lend_event_words(enum lend_event_kind kind) {
    switch (kind) {
        LEND_EVENTS(SENTENCE)
    default:
        return "unknown event";
    }
}

const char *lend_cause_words(enum lend_cause cause) {
    switch (cause) {
        LEND_CAUSES(SENTENCE)
    default:
        return "";
    }
}

const char *lend_outcome_words(enum lend_outcome outcome) {
    switch (outcome) {
        LEND_OUTCOMES(SENTENCE)
    default:
        return "unknown outcome";
    }
}

int lend_reason_set(struct lend_reason *reason, int error, const char *format, ...) {
    if (reason == NULL)
        return error;
    reason->error = error;
    struct text text = text_into(reason->text, sizeof reason->text);
    va_list list;
    va_start(list, format);
    lend__text_add_list(&text, format, list);
    va_end(list);
    return error;
}

/* " (ENOENT)", " (error 4711)" */
static void add_error(struct text *text, int error) {
    const char *name = name_or_null(error);
    if (name != NULL)
        lend__text_add(text, " (%s)", name);
    else
        lend__text_add(text, " (error %d)", error);
}

size_t lend_event_print(const struct lend_event *event, char *buffer, size_t size) {
    struct text text = text_into(buffer, size);
    if (event == NULL) {
        lend__text_add(&text, "no event");
        return text.length;
    }
    lend__text_add(&text, "\"%s\"", event->owner);
    if (event->job != 0)
        lend__text_add(&text, " job %llu", (unsigned long long)event->job);
    if (event->slot >= 0)
        lend__text_add(&text, " #%d", event->slot);
    lend__text_add(&text, ": %s", lend_event_words(event->kind));
    if (event->error != 0)
        add_error(&text, event->error);
    if (event->text[0] != '\0')
        lend__text_add(&text, ": %s", event->text);
    lend__text_add_site(&text, event->site);
    return text.length;
}
