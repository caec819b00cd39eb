/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * Durations, counted in buckets whose width is at most 1/128 of their value: any percentile is
 * right to 0.8 %, and a recording is an addition in a fixed table.
 */

enum { HISTOGRAM_SUB_BITS = 7, HISTOGRAM_OCTAVES = 40 };

struct histogram {
    uint64_t count;
    int64_t max_nsec;
    uint64_t buckets[HISTOGRAM_OCTAVES << HISTOGRAM_SUB_BITS];
};

void histogram_reset(struct histogram *histogram);
void histogram_add(struct histogram *histogram, int64_t nsec);

/* What a share of 0..1 of the durations does not exceed, in microseconds; 0 if there is none. */
double histogram_quantile_us(const struct histogram *histogram, double share);
