/* SPDX-License-Identifier: MIT
 *
 * Events: what has no caller to take it, told to the one sink that the options name.
 *
 * The library prints nothing but a broken assertion of its own. Without a sink, events are counted
 * (`events` in the statistics) and otherwise lost. */
#ifndef LEND_EVENT_H
#define LEND_EVENT_H

#include <lend/base.h>
#include <lend/site.h>

LEND_BEGIN_DECLS

/* Each kind with the words for it. */
#define LEND_EVENTS(X)                                                                             \
    X(LEND_EVENT_RESET_FAILED, "a model could not be reset after a lease; it is replaced")         \
    X(LEND_EVENT_MODEL_BROKEN, "a borrower gave a model back as broken; it is replaced")           \
    X(LEND_EVENT_LOAD_FAILED, "a replacement could not be loaded; it is tried again")              \
    X(LEND_EVENT_MODEL_REPLACED, "a model was replaced")                                           \
    X(LEND_EVENT_BAD_RELEASE, "a release was refused: stale or foreign lease")                     \
    X(LEND_EVENT_JOB_UNREAD, "a job failed and its future was dropped without being read")         \
    X(LEND_EVENT_JOB_OVERRAN, "a job returned more than 100 ms after its deadline")                \
    X(LEND_EVENT_DEADLOCK, "a wait was refused: it could never have ended")                        \
    X(LEND_EVENT_LEASE_LEFT, "a lease was left behind by its owner; the model was taken back")     \
    X(LEND_EVENT_HELD_LONG, "a lease is held for long")                                            \
    X(LEND_EVENT_STALLED, "borrowers wait and no model comes back: possibly stalled")              \
    X(LEND_EVENT_CHECK_FAILED, "a model was found unfit by its check; it is replaced")             \
    X(LEND_EVENT_LOAD_STUCK, "an operation of a model does not return; the pool goes on without")  \
    X(LEND_EVENT_OVERSUBSCRIBED, "a pool of this size asks for more than the machine has")

enum lend_event_kind {
#define LEND_EVENT_MEMBER_(name, words) name,
    LEND_EVENTS(LEND_EVENT_MEMBER_)
#undef LEND_EVENT_MEMBER_
};

/* Valid during the call of the sink only. */
struct lend_event {
    enum lend_event_kind kind;
    int error;                    /* the errno value of it, or 0 */
    const char *owner;            /* name of the pool or executor it happened in */
    int slot;                     /* of the model concerned, or -1 */
    uint64_t job;                 /* number of the job concerned, or 0 */
    const struct lend_site *site; /* of the lease or submission concerned, or NULL */
    const char *text;             /* the particulars, in words; "" if there are none */
};

/* Called on whatever thread met the event, outside every lock of lend, possibly on several threads
 * at once. May call lend; must not wait for the pool or executor that it speaks for, nor close it:
 * what it is called from may be what would have to end first. */
typedef void lend_sink(const struct lend_event *event, void *context);

/* The words for a kind, as in the list above. Static. "unknown event" for a foreign number. */
LEND_API const char *lend_event_words(enum lend_event_kind kind);

/* One line without newline into buffer[size]: who, what, error, particulars, site. Returns the
 * length written; always ends with a NUL if size > 0; what did not fit ends with "...". */
LEND_API size_t lend_event_print(const struct lend_event *event, char *buffer, size_t size);

LEND_END_DECLS

#endif
