/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "client/deadline.h"
#include "client/load_state.h"

/* Of a sample, one message in so many is compared whole, and so much of all others. */
enum { WHOLE_ONE_IN = 64, HEADER = 8 };

/* An answer counts for the second in which it came, and its time for when it was asked for. */
void load_answered(struct load_thread *thread, struct load_connection *c, uint64_t message)
{
    struct load_counts *counts = thread->counts;
    int64_t now = thread->now, from = thread->control->measure_from;
    int64_t begun = *load_begun(thread, c, message), asked = begun;

    if (thread->plan->rate > 0)
        asked = load_due(thread, c, message);
    if (asked >= from) {
        histogram_add(&counts->since_sent, (uint64_t)(now - begun));
        if (thread->plan->rate > 0)
            histogram_add(&counts->since_due, (uint64_t)(now - asked));
    }
    if (now >= from && now < thread->until) {
        counts->answered++;
        counts->seconds[(now - from) / NSEC_PER_SEC]++;
    }
    c->pause_nsec = 0;
    atomic_store_explicit(&thread->published,
                          atomic_load_explicit(&thread->published, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

size_t load_verify_length(const struct load_thread *thread, uint64_t message, uint64_t offset,
                          size_t length)
{
    switch (thread->plan->verify) {
    case LOAD_VERIFY_NONE:
        return 0;
    case LOAD_VERIFY_SAMPLE:
        if (message % WHOLE_ONE_IN == 0)
            return length;
        if (offset >= HEADER)
            return 0;
        return length < HEADER - offset ? length : HEADER - (size_t)offset;
    case LOAD_VERIFY_FULL:
        break;
    }
    return length;
}

bool load_fail(struct load_thread *thread, enum load_error error)
{
    load_counts_error(thread->counts, error, 0);
    return false;
}

bool load_fail_errno(struct load_thread *thread, int reason, enum load_error otherwise)
{
    enum load_error error = otherwise;

    switch (reason) {
    case -ECONNREFUSED:
        error = LOAD_REFUSED;
        break;
    case -ETIMEDOUT:
        error = otherwise == LOAD_NOT_CONNECTED ? LOAD_CONNECT_TIMED_OUT : LOAD_TIMED_OUT;
        break;
    case -EADDRNOTAVAIL: /* no port is free */
    case -EMFILE:
    case -EMSGSIZE:
    case -ENFILE:
    case -ENOBUFS:
    case -ENOMEM:
        error = LOAD_LOCAL;
        break;
    }
    load_counts_error(thread->counts, error, reason);
    return false;
}
