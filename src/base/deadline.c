/* SPDX-License-Identifier: MIT
 *
 * The arithmetic of deadlines, which saturates instead of overflowing. */
#include "base/clock.h"

lend_deadline lend_within_ms(int64_t ms) {
    if (ms <= 0)
        return LEND_NOW;
    int64_t now_ns = lend__clock_now_ns();
    if (ms > (INT64_MAX - now_ns) / NS_PER_MS)
        return LEND_FOREVER;
    return (lend_deadline){now_ns + ms * NS_PER_MS};
}

lend_deadline lend__deadline_default(int64_t default_ms) {
    return default_ms < 0 ? LEND_FOREVER : lend_within_ms(default_ms);
}

int64_t lend_deadline_left_ms(lend_deadline deadline) {
    if (deadline_is_forever(deadline) || deadline.at_ns == 0)
        return INT64_MAX;
    if (deadline_is_now(deadline))
        return 0;
    int64_t left_ns = elapsed_ns(lend__clock_now_ns(), deadline.at_ns);
    return left_ns / NS_PER_MS + (left_ns % NS_PER_MS != 0);
}

lend_deadline lend_deadline_earlier(lend_deadline one, lend_deadline other) {
    if (one.at_ns == 0)
        return other;
    if (other.at_ns == 0)
        return one;
    return one.at_ns < other.at_ns ? one : other;
}
