/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "client/dial.h"

/* What a load is to be: the same for all its threads, and for all steps of a search but the rate.
 */

enum load_verify {
    LOAD_VERIFY_NONE,   /* the number of bytes alone */
    LOAD_VERIFY_SAMPLE, /* the first bytes of each message, and all of every 64th one */
    LOAD_VERIFY_FULL,   /* every byte */
};

struct load_plan {
    struct addr peer;
    int type; /* SOCK_STREAM, SOCK_DGRAM */
    struct dial_options dial;
    unsigned connections, threads;
    unsigned depth; /* messages that may be under way on a connection */
    uint64_t size;  /* bytes of a message */
    double rate;    /* messages a second, all connections together; 0: as fast as answers come */
    bool reconnect; /* a connection for each message */
    bool reset;     /* connections are closed by a reset: they leave no TIME_WAIT */
    enum load_verify verify;
    uint64_t seed;         /* of what is sent */
    int64_t ramp_up_nsec;  /* over which connections are opened */
    int64_t warm_up_nsec;  /* after it, not measured */
    int64_t duration_nsec; /* after that, measured */
    int64_t timeout_nsec;  /* for an answer, and for a connection */
};
