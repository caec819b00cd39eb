/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "base/histogram.h"

/* A curve of the chart; its times are in ns. */
struct load_svg_curve {
    const char *name;
    const struct histogram *times;
};

/*
 * Draws the latency by percentile, both axes logarithmic: the nines on the one, milliseconds on the
 * other. At most four curves that are not empty. Errors are left to ferror(3).
 */
void load_svg_write(const char *title, const struct load_svg_curve *curves, size_t count,
                    FILE *out);
