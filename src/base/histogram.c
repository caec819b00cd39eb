/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

#include <math.h>

enum { SUB_COUNT = 1 << HISTOGRAM_SUB_BITS };

/*
 * The first 2 * SUB_COUNT values have a bucket each. From there on the highest bit that is set
 * chooses a row of SUB_COUNT buckets, and the HISTOGRAM_SUB_BITS after it the bucket.
 */
static size_t bucket_of(uint64_t value)
{
    int shift = 63 - HISTOGRAM_SUB_BITS - __builtin_clzll(value | SUB_COUNT);

    return ((size_t)shift << HISTOGRAM_SUB_BITS) + (size_t)(value >> shift);
}

static uint64_t highest_in(size_t bucket)
{
    size_t row = bucket >> HISTOGRAM_SUB_BITS;
    int shift = row ? (int)row - 1 : 0;
    uint64_t lead = bucket - ((uint64_t)shift << HISTOGRAM_SUB_BITS);

    /* Of the last bucket of all, lead + 1 shifted is 2^64, and the result right nevertheless. */
    return ((lead + 1) << shift) - 1;
}

static uint64_t middle_of(size_t bucket)
{
    uint64_t highest = highest_in(bucket);

    return bucket ? highest - (highest - highest_in(bucket - 1)) / 2 : 0;
}

static void add_to_sum(struct histogram *histogram, uint64_t low, uint64_t high)
{
    histogram->sum_high += high;
    histogram->sum_high +=
        __builtin_add_overflow(histogram->sum_low, low, &histogram->sum_low) ? 1 : 0;
}

static void note_extremes(struct histogram *histogram, uint64_t inverted_min, uint64_t max)
{
    if (inverted_min > histogram->inverted_min)
        histogram->inverted_min = inverted_min;
    if (max > histogram->max)
        histogram->max = max;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->count++;
    note_extremes(histogram, ~value, value);
    add_to_sum(histogram, value, 0);
    histogram->buckets[bucket_of(value)]++;
}

void histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t count)
{
    uint64_t low = (value & UINT32_MAX) * (count & UINT32_MAX);
    uint64_t cross1 = (value >> 32) * (count & UINT32_MAX);
    uint64_t cross2 = (value & UINT32_MAX) * (count >> 32);

    if (count == 0)
        return;
    histogram->count += count;
    note_extremes(histogram, ~value, value);
    add_to_sum(histogram, low, (value >> 32) * (count >> 32));
    add_to_sum(histogram, cross1 << 32, cross1 >> 32);
    add_to_sum(histogram, cross2 << 32, cross2 >> 32);
    histogram->buckets[bucket_of(value)] += count;
}

void histogram_merge(struct histogram *histogram, const struct histogram *from)
{
    histogram->count += from->count;
    note_extremes(histogram, from->inverted_min, from->max);
    add_to_sum(histogram, from->sum_low, from->sum_high);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram->buckets[i] += from->buckets[i];
}

uint64_t histogram_min(const struct histogram *histogram)
{
    return histogram->count ? ~histogram->inverted_min : 0;
}

uint64_t histogram_max(const struct histogram *histogram)
{
    return histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    double sum = ldexp((double)histogram->sum_high, 64) + (double)histogram->sum_low;

    return histogram->count ? sum / (double)histogram->count : 0;
}

double histogram_deviation(const struct histogram *histogram)
{
    double mean = histogram_mean(histogram), squares = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double difference = (double)middle_of(i) - mean;

        squares += (double)histogram->buckets[i] * difference * difference;
    }
    return histogram->count ? sqrt(squares / (double)histogram->count) : 0;
}

/*
 * How many values are a share of them, rounded up. 0.07 is a little more than seven hundredths, so
 * of a hundred values it would be eight: what exceeds an integer by no more than such an error does
 * not count.
 */
static uint64_t rank_of(const struct histogram *histogram, double share)
{
    double exact = share * (double)histogram->count, rank = ceil(exact - exact * 0x1p-51);

    if (!(rank > 1))
        return 1;
    return rank < (double)histogram->count ? (uint64_t)rank : histogram->count;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t rank = rank_of(histogram, share);
    struct histogram_step step = {0};

    while (histogram_next(histogram, &step))
        if (step.cumulative >= rank)
            break;
    return step.value;
}

bool histogram_next(const struct histogram *histogram, struct histogram_step *step)
{
    size_t i = step->next;

    while (i < HISTOGRAM_BUCKETS && histogram->buckets[i] == 0)
        i++;
    if (i == HISTOGRAM_BUCKETS)
        return false;
    step->next = i + 1;
    step->value = highest_in(i) < histogram->max ? highest_in(i) : histogram->max;
    step->count = histogram->buckets[i];
    step->cumulative += step->count;
    return true;
}
