/* SPDX-License-Identifier: MIT */
#include "traffic/histogram.h"

#include <stddef.h>
#include <string.h>

enum { SUB_COUNT = 1 << HISTOGRAM_SUB_BITS, BUCKETS = HISTOGRAM_OCTAVES << HISTOGRAM_SUB_BITS };

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

/* Values below SUB_COUNT have a bucket each, every octave from there on has SUB_COUNT of them. */
static size_t bucket_of(uint64_t nsec)
{
    int shift = 0;
    size_t bucket;

    if (nsec >= SUB_COUNT)
        shift = 63 - __builtin_clzll(nsec) - HISTOGRAM_SUB_BITS + 1;
    bucket = shift ? ((size_t)shift << HISTOGRAM_SUB_BITS) +
                         (size_t)((nsec >> (shift - 1)) & (SUB_COUNT - 1))
                   : (size_t)nsec;
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The middle of a bucket. */
static double bucket_nsec(size_t bucket)
{
    size_t shift = bucket >> HISTOGRAM_SUB_BITS, sub = bucket & (SUB_COUNT - 1);

    return shift ? (SUB_COUNT + (double)sub + 0.5) * (double)(UINT64_C(1) << (shift - 1))
                 : (double)sub;
}

void histogram_add(struct histogram *histogram, int64_t nsec)
{
    histogram->count++;
    histogram->buckets[bucket_of((uint64_t)nsec)]++;
    if (nsec > histogram->max_nsec)
        histogram->max_nsec = nsec;
}

double histogram_quantile_us(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count, seen = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        seen += (double)histogram->buckets[i];
        if (seen >= wanted && seen > 0)
            return bucket_nsec(i) / 1e3;
    }
    return 0;
}
