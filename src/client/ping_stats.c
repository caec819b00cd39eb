/* SPDX-License-Identifier: MIT */
#include "client/ping_stats.h"

#include <math.h>

/*
 * RFC 3550, section 6.4.1: J += (|D| - J) / 16, where D is the difference of two transit times. One
 * way cannot be measured without a common clock; the way there and back takes its place.
 */
static void update_jitter(struct ping_stats *stats, int64_t rtt_nsec)
{
    double difference = fabs((double)(rtt_nsec - stats->last_rtt_nsec));

    if (stats->received > 0)
        stats->jitter_nsec += (difference - stats->jitter_nsec) / 16;
    stats->last_rtt_nsec = rtt_nsec;
}

void ping_stats_receive(struct ping_stats *stats, int64_t rtt_nsec, bool by_kernel)
{
    update_jitter(stats, rtt_nsec);
    histogram_add(&stats->rtt, (uint64_t)rtt_nsec);
    stats->received++;
    stats->by_kernel += by_kernel;
}

uint64_t ping_stats_pending(const struct ping_stats *stats)
{
    return stats->sent - stats->received - stats->lost - stats->corrupted;
}

double ping_stats_loss_percent(const struct ping_stats *stats)
{
    uint64_t settled = stats->sent - ping_stats_pending(stats);

    return settled ? 100.0 * (double)stats->lost / (double)settled : 0;
}
