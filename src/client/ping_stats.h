/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/histogram.h"

/* What the pings of one target come to. sent = received + lost + corrupted + still under way. */
struct ping_stats {
    uint64_t sent;
    uint64_t received;             /* intact and in time */
    uint64_t lost;                 /* no answer in time, or the connection broke */
    uint64_t corrupted;            /* the answer had wrong bytes, or was cut short */
    uint64_t strays;               /* what arrived and is no probe's answer */
    uint64_t duplicates;           /* further answers to the same probe */
    uint64_t reordered;            /* of those received: overtaken by a later one */
    uint64_t late;                 /* answers to probes that are counted as lost */
    uint64_t errors;               /* messages of the network or the system, such as "refused" */
    uint64_t connections;          /* that were made */
    uint64_t by_kernel;            /* round-trip times from the kernel's time stamps */
    struct histogram rtt, connect; /* nanoseconds */
    int64_t last_rtt_nsec;
    double jitter_nsec;
};

/* An answer that was received in time; BY_KERNEL: measured with the kernel's time stamps. */
void ping_stats_receive(struct ping_stats *stats, int64_t rtt_nsec, bool by_kernel);

/* Percent. Of nothing, 0. */
double ping_stats_loss_percent(const struct ping_stats *stats);

/* How many have no fate yet. */
uint64_t ping_stats_pending(const struct ping_stats *stats);
