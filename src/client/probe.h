/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "client/dial.h"
#include "client/pattern.h"
#include "net/resolve.h"

/*
 * One probe: connect, send the pattern while reading it back, compare every byte. Only when all
 * of it came back is our side closed; then the server may close its own, but not say more. So the
 * verdict does not depend on how well a server treats a half-close with an answer under way. Where
 * the socket is one of datagrams, the pattern is one datagram, and so is the answer.
 */

enum probe_outcome {
    PROBE_OK,
    PROBE_NO_HOST,       /* the name has no address; error is for resolve_strerror() */
    PROBE_REFUSED,       /* nobody listens there */
    PROBE_NOT_CONNECTED, /* no connection for another reason: error */
    PROBE_TIMED_OUT,     /* phase says in what */
    PROBE_CLOSED_EARLY,  /* the server closed before all came back */
    PROBE_RESET,         /* the connection broke before all came back: error */
    PROBE_WRONG_BYTES,   /* wrong_offset, expected, found */
    PROBE_CUT,           /* the answering datagram was shorter: received */
    PROBE_SURPLUS_BYTES, /* more came back than was sent: found, at offset received */
    PROBE_LOCAL_ERROR,   /* says nothing about the server: error */
};

/* What was being done last. */
enum probe_phase {
    PROBE_RESOLVING,
    PROBE_CONNECTING,
    PROBE_ECHOING,
    PROBE_ENDING,
};

/* How the connection ended, once everything was back. */
enum probe_ending {
    PROBE_ENDING_CLOSED, /* the server closed its side */
    PROBE_ENDING_RESET,  /* the server reset the connection */
    PROBE_ENDING_OPEN,   /* the server left it open: a second, or the rest of the time */
};

/* The longest message that fits a datagram: of UDP over IPv4, echod's limit for all of them. */
enum { PROBE_DATAGRAM_MAX = 65507 };

struct probe_request {
    const struct addr_list *addresses; /* tried as connect_first() does */
    int type;                          /* SOCK_STREAM or SOCK_DGRAM */
    const struct dial_options *dial;
    const struct pattern *pattern; /* at most PROBE_DATAGRAM_MAX bytes for SOCK_DGRAM */
};

struct probe_result {
    enum probe_outcome outcome;
    enum probe_phase phase;
    enum probe_ending ending;
    int error;               /* negative errno, or of PROBE_NO_HOST what resolve() returned */
    struct addr peer;        /* len is 0 while not connected */
    int64_t limit_nsec;      /* the time that it had; the caller's to enter */
    int64_t silent_nsec;     /* of PROBE_TIMED_OUT: since the last byte came */
    uint64_t size;           /* of the message: bytes */
    uint64_t sent, received; /* bytes */
    uint64_t wrong_offset;   /* of the first wrong byte */
    uint8_t expected, found; /* there */
    int64_t connect_nsec;
    int64_t rtt_nsec; /* from the first byte sent to the last one received */
};

/* Runs one probe. It always returns by the deadline (but for a moment), and prints nothing. */
struct probe_result probe_run(const struct probe_request *request, int64_t deadline);

/*
 * Enter the error and return the outcome that it is: of connect_resolve(), of connect_first(), of
 * a call on a connected socket. For whoever talks to a server without a probe, but fails like one.
 */
enum probe_outcome probe_not_resolved(struct probe_result *result, int error);
enum probe_outcome probe_not_connected(struct probe_result *result, int error);
enum probe_outcome probe_broke(struct probe_result *result, int error);

/* Whether errno is only a reason to poll again. */
bool probe_try_again(int error);
