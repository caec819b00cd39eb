/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "base/histogram.h"

/*
 * Writes times in ns as the percentile distribution that HdrHistogram's own tools print and its
 * plotters read, in milliseconds. Errors are left to ferror(3).
 */
void load_hgrm_write(const struct histogram *times, FILE *out);
