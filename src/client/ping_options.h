/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/options.h"

/* The command line of echo-client ping. */
struct ping_options {
    struct common_options common; /* timeout_nsec is 0 without a deadline */
    uint64_t count;               /* 0: no end */
    uint64_t size;                /* bytes of a probe */
    int64_t interval_nsec, wait_nsec;
    bool connect;    /* a connection for each probe */
    bool time;       /* the time of day before each line */
    bool graph;      /* a chart, where there is a terminal */
    bool sweep;      /* not a ping: see ping_sweep.h; size is the largest then */
    bool json_lines; /* a JSON object for each probe */
};

/* ret_options is to be given to ping_options_deinit() in any case. */
enum options_action ping_options_parse(int argc, char **argv, struct ping_options *ret_options);

void ping_options_deinit(struct ping_options *options);
