/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "traffic/histogram.h"
#include "traffic/options.h"

/* What is measured, from when to when, and what this program itself took meanwhile. */

int64_t now_nsec(void); /* CLOCK_MONOTONIC */

struct window {
    const struct options *options;
    struct histogram histogram; /* of the messages, or the cycles */
    uint64_t bytes;             /* bulk: that came back */
    bool may_lose;              /* then these two are reported */
    uint64_t lost;              /* datagrams that did not come back in time */
    int64_t waited_nsec;        /* for nothing but such; no part of the rate */
    int64_t begun_nsec;         /* window_begin */
    int64_t begun_cpu_nsec;
    double seconds, cpu_share; /* window_end */
};

/*
 * With --sync: the one who reads our output hears that it may look at the server, which has nothing
 * to do now, and says when to go on.
 */
void wait_until_told(const struct options *options);

/* The connections stand, nothing is under way. */
void window_begin(struct window *window);

/* All answers are there. */
void window_end(struct window *window);

/* Prints the line of JSON. With --sync the connections have to stay until this returns. */
void window_report(const struct window *window);
