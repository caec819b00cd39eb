/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happens to a ping, for those who print it. */

enum ping_event_kind {
    PING_EVENT_ANSWER,
    PING_EVENT_DUPLICATE,
    PING_EVENT_LATE,      /* an answer to a probe that was lost */
    PING_EVENT_LOST,      /* no answer in time */
    PING_EVENT_CORRUPTED, /* an answer that is not what was sent */
    PING_EVENT_STRAY,     /* bytes that are no answer to anything */
    PING_EVENT_FAILED,    /* a probe is lost, and it is known why */
    PING_EVENT_ERROR,     /* an error that no probe can be named for */
    PING_EVENT_BROKEN,    /* the connection that is kept has ended */
    PING_EVENT_CONNECTED, /* it was made anew */
};

struct ping_event {
    enum ping_event_kind kind;
    uint64_t sequence;    /* 0: of no probe that is known */
    size_t size;          /* bytes that arrived */
    int64_t rtt_nsec;     /* ANSWER, DUPLICATE, LATE */
    int64_t connect_nsec; /* the time it took, -1: nothing was connected for this */
    bool by_kernel;       /* rtt_nsec is from the kernel's time stamps */
    bool reordered;       /* ANSWER */
    size_t offset;        /* CORRUPTED: of the first wrong byte; is size: the rest is missing */
    const char *why;      /* FAILED, ERROR, BROKEN: static */
};
