/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/histogram.h"

/*
 * The latency by percentile, in points that become denser towards 100 percent: five from each share
 * to the middle between it and all, as the plotters of HdrHistogram expect. All zeros begins.
 */
struct load_curve {
    struct histogram_step step;
    unsigned point;
};

struct load_curve_point {
    double share;        /* of all values, 0 to 1 */
    uint64_t value;      /* which so many do not exceed */
    uint64_t cumulative; /* how many that are */
};

/* The next point; false when there is none. The last one has the share 1, and the maximum. */
bool load_curve_next(struct load_curve *curve, const struct histogram *histogram,
                     struct load_curve_point *ret_point);
