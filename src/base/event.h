/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* Everything that echod has to say, each kind with a MESSAGE_ID for the journal. */
enum event {
    EVENT_STARTED,
    EVENT_LISTENING,
    EVENT_LISTENER_CLOSED,
    EVENT_NOTICE,
    EVENT_START_FAILED,
    EVENT_CONFIG_ERROR,
    EVENT_RELOADING,
    EVENT_RELOADED,
    EVENT_RELOAD_FAILED,
    EVENT_UPGRADING,
    EVENT_UPGRADED,
    EVENT_UPGRADE_FAILED,
    EVENT_CONNECTION_REFUSED,
    EVENT_CONNECTION_ENDED,
    EVENT_DATAGRAMS_DROPPED,
    EVENT_ACCEPT_PAUSED,
    EVENT_WORKER_STARTED,
    EVENT_WORKER_DIED,
    EVENT_WORKER_HUNG,
    EVENT_ADOPTED,
    EVENT_COUNTERS,
    EVENT_STOPPING,
    EVENT_STOPPED,
    EVENT_LEFT,
    EVENT_COUNT
};

/* The structured fields that may accompany an event; in the journal they begin with ECHOD_. */
enum event_field {
    FIELD_EVENT,
    FIELD_PEER_ADDR,
    FIELD_PEER_PORT,
    FIELD_LISTENER,
    FIELD_LISTENER_NAME,
    FIELD_WORKER,
    FIELD_WORKER_PID,
    FIELD_BYTES,
    FIELD_DURATION_USEC,
    FIELD_REASON,
    FIELD_CONNECTIONS,
    FIELD_CONNECTIONS_TOTAL,
    FIELD_LOST,
    FIELD_REFUSED,
    FIELD_DENIED,
    FIELD_OVER_RATE,
    FIELD_OVER_SOURCE,
    FIELD_OVER_TOTAL,
    FIELD_BAD_HEADERS,
    FIELD_WORKERS,
    FIELD_DATAGRAMS,
    FIELD_ANSWERED,
    FIELD_DROPPED,
    FIELD_DROPPED_MULTICAST,
    FIELD_DROPPED_ADDRESS,
    FIELD_DROPPED_LOOP,
    FIELD_DROPPED_DENIED,
    FIELD_DROPPED_RATE,
    FIELD_DROPPED_UNNAMED,
    FIELD_DROPPED_TOO_LONG,
    FIELD_DROPPED_UNSENDABLE,
    FIELD_FOLDED,
    FIELD_COUNT
};

struct event_kind {
    const char *name;       /* the value of ECHOD_EVENT */
    const char *message_id; /* 32 lower-case hexadecimal digits */
    int priority;           /* syslog(3) */
    bool folded;            /* a flood of these is cut short and counted, see fold.h */
};

const struct event_kind *event_kind(enum event event);

/* "ECHOD_PEER_ADDR" and the like. */
const char *event_field_name(enum event_field field);
