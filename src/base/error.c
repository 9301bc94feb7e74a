/* SPDX-License-Identifier: MIT
 *
 * Names and sentences of errors, events, causes and outcomes, each generated from the one list in
 * its public header, and the reasons that callers are given. */
#include "base/text.h"

#include <lend/error.h>
#include <lend/event.h>
#include <lend/future.h>
#include <lend/report.h>

const char *lend_version(void) {
    return LEND_VERSION;
}

const char *lend_errname(int error) {
    switch (error) {
    case 0:
        return "0";
#define NAME(code, words)                                                                          \
    case code:                                                                                     \
        return #code;
        LEND_ERRORS(NAME)
#undef NAME
    default:
        return "errno";
    }
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
        return "an error of the caller's own";
    }
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
        lend__text_add(&text, " (%s)", lend_errname(event->error));
    if (event->text[0] != '\0')
        lend__text_add(&text, ": %s", event->text);
    lend__text_add_site(&text, event->site);
    return text.length;
}
