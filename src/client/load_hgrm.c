/* SPDX-License-Identifier: MIT */
#include "client/load_hgrm.h"

#include <inttypes.h>

#include "client/load_curve.h"

static void write_point(const struct load_curve_point *point, FILE *out)
{
    (void)fprintf(out, "%12.6f %14.12f %10" PRIu64, (double)point->value / 1e6, point->share,
                  point->cumulative);
    if (point->share < 1)
        (void)fprintf(out, " %14.2f", 1 / (1 - point->share));
    (void)fputc('\n', out);
}

void load_hgrm_write(const struct histogram *times, FILE *out)
{
    struct load_curve curve = {0};
    struct load_curve_point point;

    (void)fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                  "1/(1-Percentile)");
    while (load_curve_next(&curve, times, &point))
        write_point(&point, out);
    (void)fprintf(out, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n",
                  histogram_mean(times) / 1e6, histogram_deviation(times) / 1e6);
    (void)fprintf(out, "#[Max     = %12.6f, Total count    = %12" PRIu64 "]\n",
                  (double)histogram_max(times) / 1e6, times->count);
    (void)fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n",
                  HISTOGRAM_BUCKETS >> HISTOGRAM_SUB_BITS, 1 << HISTOGRAM_SUB_BITS);
}
