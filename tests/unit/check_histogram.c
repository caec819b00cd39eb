/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

#include <math.h>
#include <string.h>

#include "suite.h"

/* The histogram against what it only estimates: all values, sorted. */

enum { SAMPLES = 20011 }; /* a prime: hardly any share of it is a whole number */

static struct histogram histogram, other, both;
static uint64_t samples[SAMPLES];
static uint64_t state;

static void setup(void)
{
    memset(&histogram, 0, sizeof(histogram));
    memset(&other, 0, sizeof(other));
    memset(&both, 0, sizeof(both));
    state = 1;
}

/* Xorshift: the same numbers in each run. */
static uint64_t random_word(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static double random_unit(void)
{
    return ((double)(random_word() >> 11) + 1) * 0x1p-53;
}

static uint64_t uniform(void)
{
    return random_word() % 1000000;
}

static uint64_t exponential(void)
{
    return (uint64_t)(-log(random_unit()) * 50e3);
}

static uint64_t heavy_tailed(void)
{
    return (uint64_t)(1000 / pow(random_unit(), 1.5));
}

/* Fast, and every hundredth is a stall. */
static uint64_t two_peaks(void)
{
    return random_word() % 100 ? 20000 + random_word() % 5000 : 200000000 + random_word() % 1000;
}

static uint64_t small(void)
{
    return random_word() % 256;
}

static uint64_t constant(void)
{
    return 123456789;
}

static uint64_t any_size(void)
{
    return random_word() >> random_word() % 64;
}

static uint64_t (*const distributions[])(void) = {
    uniform, exponential, heavy_tailed, two_peaks, small, constant, any_size,
};

enum { DISTRIBUTIONS = sizeof(distributions) / sizeof(distributions[0]) };

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void draw(uint64_t (*distribution)(void))
{
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = distribution();
        histogram_add(&histogram, samples[i]);
    }
    qsort(samples, SAMPLES, sizeof(samples[0]), compare);
}

static const double shares[] = {0,   0.001, 0.01, 0.1,   0.25,   0.5, 0.75,
                                0.9, 0.95,  0.99, 0.999, 0.9999, 1};

START_TEST(quantiles_are_those_of_the_sorted_values)
{
    draw(distributions[_i]);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        double rank = ceil(shares[i] * SAMPLES);
        uint64_t exact = samples[rank < 1 ? 0 : (size_t)rank - 1];
        uint64_t found = histogram_quantile(&histogram, shares[i]);

        ck_assert_msg(found >= exact && found - exact <= exact / 128, "%g: %lu instead of %lu",
                      shares[i], (unsigned long)found, (unsigned long)exact);
    }
}
END_TEST

START_TEST(ends_count_and_mean_are_exact)
{
    long double sum = 0;

    draw(distributions[_i]);
    for (size_t i = 0; i < SAMPLES; i++)
        sum += (long double)samples[i];
    ck_assert_uint_eq(histogram.count, SAMPLES);
    ck_assert_uint_eq(histogram_min(&histogram), samples[0]);
    ck_assert_uint_eq(histogram_max(&histogram), samples[SAMPLES - 1]);
    ck_assert_uint_eq(histogram_quantile(&histogram, 1), samples[SAMPLES - 1]);
    ck_assert_double_eq_tol(histogram_mean(&histogram) / (double)(sum / SAMPLES), 1, 1e-12);
}
END_TEST

START_TEST(deviation_is_that_of_the_values)
{
    double mean, squares = 0, exact;

    draw(distributions[_i]);
    mean = histogram_mean(&histogram);
    for (size_t i = 0; i < SAMPLES; i++)
        squares += ((double)samples[i] - mean) * ((double)samples[i] - mean);
    exact = sqrt(squares / SAMPLES);
    ck_assert_double_le(fabs(histogram_deviation(&histogram) - exact), (exact + mean) / 128);
}
END_TEST

START_TEST(merged_is_the_histogram_of_all)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t value = distributions[i % DISTRIBUTIONS]();

        histogram_add(i % 3 ? &histogram : &other, value);
        histogram_add(&both, value);
    }
    histogram_merge(&histogram, &other);
    ck_assert_mem_eq(&histogram, &both, sizeof(both));
}
END_TEST

START_TEST(merging_with_an_empty_one_changes_nothing)
{
    draw(any_size);
    both = histogram;
    histogram_merge(&histogram, &other);
    ck_assert_mem_eq(&histogram, &both, sizeof(both));
    histogram_merge(&other, &histogram);
    ck_assert_mem_eq(&other, &both, sizeof(both));
}
END_TEST

START_TEST(many_at_once_are_as_many_one_by_one)
{
    for (size_t i = 0; i < 500; i++) {
        uint64_t value = any_size(), count = random_word() % 40;

        histogram_add_many(&histogram, value, count);
        for (uint64_t k = 0; k < count; k++)
            histogram_add(&both, value);
    }
    ck_assert_mem_eq(&histogram, &both, sizeof(both));
}
END_TEST

START_TEST(very_many_at_once)
{
    const uint64_t value = UINT64_C(0x123456789abcdef0), count = UINT64_C(0xfedcba987);

    histogram_add_many(&histogram, value, count);
    ck_assert_uint_eq(histogram.count, count);
    ck_assert_double_eq_tol(histogram_mean(&histogram) / (double)value, 1, 1e-12);
    ck_assert_uint_eq(histogram_quantile(&histogram, 0.5), value);
}
END_TEST

START_TEST(empty)
{
    struct histogram_step step = {0};

    ck_assert_uint_eq(histogram_min(&histogram), 0);
    ck_assert_uint_eq(histogram_max(&histogram), 0);
    ck_assert_uint_eq(histogram_quantile(&histogram, 0.5), 0);
    ck_assert_uint_eq(histogram_quantile(&histogram, 1), 0);
    ck_assert_double_eq(histogram_mean(&histogram), 0);
    ck_assert_double_eq(histogram_deviation(&histogram), 0);
    ck_assert(!histogram_next(&histogram, &step));
}
END_TEST

START_TEST(extremes_have_a_place)
{
    histogram_add(&histogram, UINT64_MAX);
    ck_assert_uint_eq(histogram_min(&histogram), UINT64_MAX);
    histogram_add(&histogram, UINT64_MAX);
    histogram_add(&histogram, 0);
    histogram_add(&histogram, 0);
    ck_assert_uint_eq(histogram_min(&histogram), 0);
    ck_assert_uint_eq(histogram_max(&histogram), UINT64_MAX);
    ck_assert_uint_eq(histogram_quantile(&histogram, 0.5), 0);
    ck_assert_uint_eq(histogram_quantile(&histogram, 0.51), UINT64_MAX);
    ck_assert_double_eq_tol(histogram_mean(&histogram) / 0x1p63, 1, 1e-12);
}
END_TEST

/* Around each power of two, where a row of buckets ends and a wider one begins. */
START_TEST(every_value_is_in_a_bucket_that_fits)
{
    uint64_t power = UINT64_C(1) << _i;

    for (int64_t off = -2; off <= 2; off++) {
        uint64_t value = power + (uint64_t)off;
        struct histogram_step step = {0};

        memset(&histogram, 0, sizeof(histogram));
        histogram_add(&histogram, value);
        histogram.max = UINT64_MAX; /* so that it does not cut the bucket's end off */
        ck_assert(histogram_next(&histogram, &step));
        ck_assert_uint_ge(step.value, value);
        ck_assert_uint_le(step.value - value, value / 128);
        ck_assert(!histogram_next(&histogram, &step));
    }
}
END_TEST

START_TEST(steps_lead_upwards_to_all_values)
{
    struct histogram_step step = {0};
    uint64_t last = 0, total = 0;

    draw(distributions[_i]);
    while (histogram_next(&histogram, &step)) {
        ck_assert(total == 0 || step.value > last);
        ck_assert_uint_gt(step.count, 0);
        total += step.count;
        ck_assert_uint_eq(step.cumulative, total);
        ck_assert_uint_ge(samples[total - 1], last);
        ck_assert_uint_le(samples[total - 1], step.value);
        last = step.value;
    }
    ck_assert_uint_eq(total, SAMPLES);
    ck_assert_uint_eq(last, samples[SAMPLES - 1]);
}
END_TEST

/* 0.07 * 100 is 7.000000000000001 in floating point. */
START_TEST(share_that_is_a_whole_number_of_values)
{
    for (uint64_t i = 1; i <= 100; i++)
        histogram_add(&histogram, i);
    for (uint64_t i = 1; i <= 100; i++)
        ck_assert_uint_eq(histogram_quantile(&histogram, (double)i / 100), i);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("histogram");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, quantiles_are_those_of_the_sorted_values, 0, DISTRIBUTIONS);
    tcase_add_loop_test(tcase, ends_count_and_mean_are_exact, 0, DISTRIBUTIONS);
    tcase_add_loop_test(tcase, deviation_is_that_of_the_values, 0, DISTRIBUTIONS);
    tcase_add_test(tcase, merged_is_the_histogram_of_all);
    tcase_add_test(tcase, merging_with_an_empty_one_changes_nothing);
    tcase_add_test(tcase, many_at_once_are_as_many_one_by_one);
    tcase_add_test(tcase, very_many_at_once);
    tcase_add_test(tcase, empty);
    tcase_add_test(tcase, extremes_have_a_place);
    tcase_add_loop_test(tcase, every_value_is_in_a_bucket_that_fits, 2, 64);
    tcase_add_loop_test(tcase, steps_lead_upwards_to_all_values, 0, DISTRIBUTIONS);
    tcase_add_test(tcase, share_that_is_a_whole_number_of_values);
    return suite_run("histogram", tcase);
}
