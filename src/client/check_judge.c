/* SPDX-License-Identifier: MIT */
#include "client/check_judge.h"

#include "client/deadline.h"

double check_metric_value(const struct check_stats *stats, enum check_metric metric)
{
    switch (metric) {
    case CHECK_TIME:
        return stats->mean / (double)NSEC_PER_SEC;
    case CHECK_LOSS:
        return stats->loss;
    case CHECK_P95:
        return stats->p95 / (double)NSEC_PER_SEC;
    default:
        return stats->jitter / (double)NSEC_PER_SEC;
    }
}

const char *check_metric_name(enum check_metric metric)
{
    static const char *const names[] = {"time", "loss", "p95", "jitter"};

    return names[metric];
}

/* The failure that is kept tells most: if it is one of this side, there was no other kind. */
static bool only_this_side_failed(const struct check_stats *stats)
{
    return stats->failure && stats->failure->outcome == PROBE_LOCAL_ERROR;
}

enum check_state check_judge_metric(const struct check_stats *stats, enum check_metric metric,
                                    const struct check_thresholds *thresholds)
{
    double value = check_metric_value(stats, metric);

    if (metric == CHECK_LOSS && only_this_side_failed(stats))
        return CHECK_OK; /* it was not the server's loss */
    if (range_alerts(&thresholds->critical[metric], value))
        return CHECK_CRITICAL;
    return range_alerts(&thresholds->warning[metric], value) ? CHECK_WARNING : CHECK_OK;
}

static bool has_thresholds(const struct check_thresholds *thresholds, enum check_metric metric)
{
    return thresholds->warning[metric].given || thresholds->critical[metric].given;
}

static enum check_state judge_failures(const struct check_stats *stats,
                                       const struct check_thresholds *thresholds)
{
    if (!stats->failure)
        return CHECK_OK;
    if (stats->failure->outcome == PROBE_WRONG_BYTES ||
        stats->failure->outcome == PROBE_SURPLUS_BYTES)
        return CHECK_CRITICAL;
    if (only_this_side_failed(stats))
        return CHECK_UNKNOWN;
    if (stats->received == 0)
        return CHECK_CRITICAL;
    return has_thresholds(thresholds, CHECK_LOSS) ? CHECK_OK : CHECK_WARNING;
}

enum check_state check_judge(const struct check_stats *stats,
                             const struct check_thresholds *thresholds)
{
    enum check_state state = judge_failures(stats, thresholds);

    for (int metric = 0; metric < CHECK_METRICS; metric++)
        state = check_worst(state, check_judge_metric(stats, metric, thresholds));
    return state;
}

enum check_state check_worst(enum check_state a, enum check_state b)
{
    static const int badness[] = {
        [CHECK_OK] = 0, [CHECK_UNKNOWN] = 1, [CHECK_WARNING] = 2, [CHECK_CRITICAL] = 3};

    return badness[a] >= badness[b] ? a : b;
}

const char *check_state_name(enum check_state state)
{
    static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

    return names[state];
}
