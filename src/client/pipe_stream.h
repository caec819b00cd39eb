/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "client/probe.h"

/* Everything from one descriptor to a server, what comes back to another. */
struct pipe_ends {
    int server; /* connected, non-blocking */
    int input, output;
    bool verify;          /* stop at the first byte that is not what was sent */
    int64_t silence_nsec; /* how long the server may be silent while it owes bytes */
};

struct pipe_result {
    struct probe_result probe; /* its size is what was read */
    const char *trouble;       /* of PROBE_LOCAL_ERROR: what could not be done (static), or NULL */
    bool half_closed;          /* our side, as the input had ended */
    int64_t duration_nsec;     /* from the first byte sent to the last one received */
};

/*
 * Runs until the input has ended and all came back, or something failed. At the end of the input
 * our side is closed; when all is back the server has a second to close its own. Memory does not
 * depend on how much there is. ret_result is added to what is there.
 */
void pipe_stream(const struct pipe_ends *ends, struct pipe_result *ret_result);
