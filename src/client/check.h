/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "client/pattern.h"
#include "client/target.h"

/*
 * The check: connect, send the pattern while reading it back, compare every byte. Only when all
 * of it came back is our side closed; then the server may close its own, but not say more. So the
 * verdict does not depend on how well a server treats a half-close with an answer under way.
 */

enum check_outcome {
    CHECK_OK,
    CHECK_NO_HOST,       /* the name has no address; error is for resolve_strerror() */
    CHECK_REFUSED,       /* nobody listens there */
    CHECK_NOT_CONNECTED, /* no connection for another reason: error */
    CHECK_TIMED_OUT,     /* phase says in what */
    CHECK_CLOSED_EARLY,  /* the server closed before all came back */
    CHECK_RESET,         /* the connection broke before all came back: error */
    CHECK_WRONG_BYTES,   /* wrong_offset, expected, found */
    CHECK_SURPLUS_BYTES, /* more came back than was sent: found, at offset received */
    CHECK_LOCAL_ERROR,   /* says nothing about the server: error */
};

/* What was being done last. */
enum check_phase {
    CHECK_RESOLVING,
    CHECK_CONNECTING,
    CHECK_ECHOING,
    CHECK_ENDING,
};

/* How the connection ended, once everything was back. */
enum check_ending {
    CHECK_ENDING_CLOSED, /* the server closed its side */
    CHECK_ENDING_RESET,  /* the server reset the connection */
    CHECK_ENDING_OPEN,   /* the server left it open: a second, or the rest of the time */
};

struct check_request {
    struct target target;
    struct pattern pattern;
    int family;           /* AF_UNSPEC, AF_INET, AF_INET6 */
    int64_t timeout_nsec; /* for everything together */
};

struct check_result {
    enum check_outcome outcome;
    enum check_phase phase;
    enum check_ending ending;
    int error;               /* negative errno, or of CHECK_NO_HOST what resolve() returned */
    struct addr peer;        /* len is 0 while not connected */
    uint64_t sent, received; /* bytes */
    uint64_t wrong_offset;   /* of the first wrong byte */
    uint8_t expected, found; /* there */
    int64_t connect_nsec;
    int64_t rtt_nsec; /* from the first byte sent to the last one received */
};

/* Runs one check. It always returns within the timeout (but for a moment), and prints nothing. */
struct check_result check_run(const struct check_request *request);
