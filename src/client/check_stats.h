/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/probe.h"

/* What some probes of one target come to. Times are in nanoseconds. */
struct check_stats {
    size_t sent, received;              /* probes that were begun, that came back intact */
    double loss;                        /* percent of those that were begun */
    const struct probe_result *failure; /* the one that tells most, NULL when all came back */
    /* Of those that came back, NAN when there are none: */
    double mean, min, p95, max; /* round-trip time */
    double connect;             /* mean time to connect */
    double jitter; /* mean difference of a round-trip time and the next, NAN below two */
};

/* 0, or -ENOMEM. FAILURE points into the results. */
int check_stats_of(const struct probe_result *results, size_t count, struct check_stats *ret_stats);
