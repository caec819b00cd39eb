/* SPDX-License-Identifier: MIT */
#include "client/check_stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* As RFC 3550 means it, but without its smoothing, which would need more probes. */
static double jitter_of(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 1; i < count; i++)
        sum += fabs(values[i] - values[i - 1]);
    return count > 1 ? sum / (double)(count - 1) : NAN;
}

/* Nearest rank: the smallest value that at least this many percent do not exceed. */
static double percentile_of(const double *sorted, size_t count, size_t percent)
{
    return sorted[(count * percent + 99) / 100 - 1];
}

/* How much a failure tells: bytes that were changed are worse than bytes that were lost. */
static int weight(const struct probe_result *result)
{
    switch (result->outcome) {
    case PROBE_WRONG_BYTES:
    case PROBE_SURPLUS_BYTES:
        return 3;
    case PROBE_LOCAL_ERROR:
        return 1;
    default:
        return 2;
    }
}

static void note_failure(struct check_stats *stats, const struct probe_result *result)
{
    if (!stats->failure || weight(result) > weight(stats->failure))
        stats->failure = result;
}

static void note_times(struct check_stats *stats, double *rtt)
{
    size_t count = stats->received;

    stats->mean = mean_of(rtt, count);
    stats->jitter = jitter_of(rtt, count); /* in the order in which they came */
    qsort(rtt, count, sizeof(*rtt), compare);
    stats->min = rtt[0];
    stats->p95 = percentile_of(rtt, count, 95);
    stats->max = rtt[count - 1];
}

int check_stats_of(const struct probe_result *results, size_t count, struct check_stats *ret_stats)
{
    struct check_stats stats = {.sent = count,
                                .mean = NAN,
                                .min = NAN,
                                .p95 = NAN,
                                .max = NAN,
                                .connect = NAN,
                                .jitter = NAN};
    _cleanup_(freep) double *rtt = calloc(count + 1, sizeof(*rtt));
    double connect = 0;

    if (!rtt)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (results[i].outcome != PROBE_OK) {
            note_failure(&stats, &results[i]);
            continue;
        }
        connect += (double)results[i].connect_nsec;
        rtt[stats.received++] = (double)results[i].rtt_nsec;
    }
    stats.loss = count ? 100.0 * (double)(count - stats.received) / (double)count : 0;
    if (stats.received > 0) {
        stats.connect = connect / (double)stats.received;
        note_times(&stats, rtt);
    }
    *ret_stats = stats;
    return 0;
}
