/* SPDX-License-Identifier: MIT */
#include "policy/stats.h"

void stats_sum(struct stats *to, const struct stats *from)
{
    stats_add(&to->connections, stats_read(&from->connections));
    stats_add(&to->accepted, stats_read(&from->accepted));
    stats_add(&to->refused, stats_read(&from->refused));
    stats_add(&to->received, stats_read(&from->received));
    stats_add(&to->sent, stats_read(&from->sent));
    stats_add(&to->unreported, stats_read(&from->unreported));
    stats_add(&to->denied, stats_read(&from->denied));
    stats_add(&to->over_rate, stats_read(&from->over_rate));
    stats_add(&to->over_source, stats_read(&from->over_source));
    stats_add(&to->over_total, stats_read(&from->over_total));
    stats_add(&to->bad_headers, stats_read(&from->bad_headers));
    stats_add(&to->datagrams, stats_read(&from->datagrams));
    stats_add(&to->answered, stats_read(&from->answered));
    for (unsigned i = 0; i < DROP_KINDS; i++)
        stats_add(&to->dropped[i], stats_read(&from->dropped[i]));
}

uint64_t stats_dropped(const struct stats *stats)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < DROP_KINDS; i++)
        sum += stats_read(&stats->dropped[i]);
    return sum;
}

void stats_end(struct stats *stats)
{
    stats_set(&stats->accepting, 0);
    stats_set(&stats->connections, 0);
}
