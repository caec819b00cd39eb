/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How often values occurred: any 64-bit number, of any unit, in a fixed table. Up to 255 each value
 * has a bucket of its own, beyond that each power of two is cut into 128 buckets: what a bucket
 * stands for is wrong by less than 1/128 of itself, and to record is to add one. This is the layout
 * of Gil Tene's HdrHistogram. Two histograms add up to the one of all their values.
 */

enum {
    HISTOGRAM_SUB_BITS = 7,
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS,
};

/* All zeros is an empty one. */
struct histogram {
    uint64_t count;
    uint64_t inverted_min; /* ~min, so that zero means none yet */
    uint64_t max;
    uint64_t sum_low, sum_high; /* 128 bits */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Records VALUE, or COUNT times VALUE. */
void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t count);

/* Adds all that FROM has. */
void histogram_merge(struct histogram *histogram, const struct histogram *from);

/* Exact. Of an empty histogram 0. */
uint64_t histogram_min(const struct histogram *histogram);
uint64_t histogram_max(const struct histogram *histogram);
double histogram_mean(const struct histogram *histogram);

/* The standard deviation, as exact as the buckets are. Of an empty histogram 0. */
double histogram_deviation(const struct histogram *histogram);

/*
 * The least value that a SHARE (0 to 1) of all values does not exceed: 0.5 is the median, 1 the
 * maximum. At most 1/128 too high, never too low, never more than the maximum. Of an empty
 * histogram 0.
 */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

/* The buckets that are not empty, upwards. */
struct histogram_step {
    size_t next;         /* where to go on: 0 to begin */
    uint64_t value;      /* the highest that the bucket stands for, or the maximum */
    uint64_t count;      /* of values in it */
    uint64_t cumulative; /* the same with all buckets below */
};

/* Goes to the next one; false when there is none. Begin with a step of zeros. */
bool histogram_next(const struct histogram *histogram, struct histogram_step *step);
