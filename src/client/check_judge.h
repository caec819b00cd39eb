/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/check_stats.h"
#include "client/range.h"

/* From what was measured to what monitoring makes of it. */

/* The states of monitoring plugins, and their exit statuses. */
enum check_state {
    CHECK_OK = 0,
    CHECK_WARNING = 1,
    CHECK_CRITICAL = 2, /* the server, or the way to it */
    CHECK_UNKNOWN = 3,  /* nothing is known about the server: wrong usage, trouble over here */
};

/* What has thresholds. */
enum check_metric {
    CHECK_TIME,   /* mean round-trip time, seconds */
    CHECK_LOSS,   /* percent */
    CHECK_P95,    /* seconds */
    CHECK_JITTER, /* seconds */
    CHECK_METRICS,
};

struct check_thresholds {
    struct range warning[CHECK_METRICS], critical[CHECK_METRICS];
};

/* NAN where it is not known. */
double check_metric_value(const struct check_stats *stats, enum check_metric metric);

/* "time", "loss" */
const char *check_metric_name(enum check_metric metric);

/* The state that one metric alone would come to. */
enum check_state check_judge_metric(const struct check_stats *stats, enum check_metric metric,
                                    const struct check_thresholds *thresholds);

/*
 * The state of a target. Whatever the thresholds are, it is critical when nothing came back and
 * when anything came back changed, and unknown when the only failures are on this side; some loss
 * is a warning unless there are thresholds for it.
 */
enum check_state check_judge(const struct check_stats *stats,
                             const struct check_thresholds *thresholds);

/* Critical is worse than a warning, that is worse than unknown, and ok is the best. */
enum check_state check_worst(enum check_state a, enum check_state b);

/* "OK", "WARNING" */
const char *check_state_name(enum check_state state);
