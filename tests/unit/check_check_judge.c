/* SPDX-License-Identifier: MIT */
#include "client/check_judge.h"

#include <math.h>
#include <string.h>

#include "client/deadline.h"
#include "suite.h"

/* Statistics of probes, and the states that they come to. */

enum { PROBES_MAX = 128 };

static struct probe_result probes[PROBES_MAX];
static struct check_stats stats;

/* COUNT probes of which FAILED, from the first on, ended so; the others took 1, 2, 3 ... ms. */
static void make(size_t count, size_t failed, enum probe_outcome outcome)
{
    memset(probes, 0, sizeof(probes));
    for (size_t i = 0; i < count; i++) {
        if (i < failed)
            probes[i].outcome = outcome;
        else
            probes[i].rtt_nsec = (int64_t)(i + 1 - failed) * NSEC_PER_MSEC;
        probes[i].connect_nsec = 5 * NSEC_PER_MSEC;
    }
    ck_assert_int_eq(check_stats_of(probes, count, &stats), 0);
}

static void assert_near(double value, double expected)
{
    ck_assert_msg(fabs(value - expected) < 1e-9, "%g, not %g", value, expected);
}

START_TEST(numbers)
{
    make(100, 0, PROBE_OK);
    ck_assert_uint_eq(stats.sent, 100);
    ck_assert_uint_eq(stats.received, 100);
    ck_assert_ptr_null(stats.failure);
    assert_near(stats.min, 1e6);
    assert_near(stats.mean, 50.5e6);
    assert_near(stats.p95, 95e6);
    assert_near(stats.max, 100e6);
    assert_near(stats.jitter, 1e6);
    assert_near(stats.connect, 5e6);
    assert_near(check_metric_value(&stats, CHECK_TIME), 0.0505);
    assert_near(check_metric_value(&stats, CHECK_P95), 0.095);
    assert_near(check_metric_value(&stats, CHECK_JITTER), 0.001);
    assert_near(check_metric_value(&stats, CHECK_LOSS), 0);
}
END_TEST

/* Differences are those of neighbours in time, not in size. */
START_TEST(jitter_goes_by_time)
{
    make(4, 0, PROBE_OK);
    probes[0].rtt_nsec = 10;
    probes[1].rtt_nsec = 40;
    probes[2].rtt_nsec = 20;
    probes[3].rtt_nsec = 30;
    ck_assert_int_eq(check_stats_of(probes, 4, &stats), 0);
    assert_near(stats.jitter, (30 + 20 + 10) / 3.0);
    assert_near(stats.p95, 40);
}
END_TEST

START_TEST(small_numbers)
{
    make(1, 0, PROBE_OK);
    assert_near(stats.p95, 1e6);
    ck_assert(isnan(stats.jitter));
    make(20, 0, PROBE_OK);
    assert_near(stats.p95, 19e6);
    make(21, 0, PROBE_OK);
    assert_near(stats.p95, 20e6);
    make(3, 3, PROBE_RESET);
    assert_near(stats.loss, 100);
    ck_assert(isnan(stats.mean) && isnan(stats.p95) && isnan(stats.connect) && isnan(stats.jitter));
    make(8, 1, PROBE_RESET);
    assert_near(stats.loss, 12.5);
    assert_near(stats.mean, 4e6);
}
END_TEST

START_TEST(worst_failure_is_told)
{
    make(4, 4, PROBE_TIMED_OUT);
    probes[0].outcome = PROBE_LOCAL_ERROR;
    probes[2].outcome = PROBE_WRONG_BYTES;
    ck_assert_int_eq(check_stats_of(probes, 4, &stats), 0);
    ck_assert_ptr_eq(stats.failure, &probes[2]);
    probes[2].outcome = PROBE_TIMED_OUT;
    ck_assert_int_eq(check_stats_of(probes, 4, &stats), 0);
    ck_assert_ptr_eq(stats.failure, &probes[1]);
}
END_TEST

static const struct {
    size_t count, failed;
    enum probe_outcome outcome;
    const char *warning[CHECK_METRICS], *critical[CHECK_METRICS];
    enum check_state state;
} judged[] = {
    {1, 0, PROBE_OK, {NULL}, {NULL}, CHECK_OK},
    {1, 1, PROBE_REFUSED, {NULL}, {NULL}, CHECK_CRITICAL},
    {1, 1, PROBE_LOCAL_ERROR, {NULL}, {NULL}, CHECK_UNKNOWN},
    {1, 1, PROBE_LOCAL_ERROR, {NULL}, {[CHECK_LOSS] = "10"}, CHECK_UNKNOWN},
    {1, 1, PROBE_LOCAL_ERROR, {"1"}, {"2"}, CHECK_UNKNOWN},
    {9, 9, PROBE_TIMED_OUT, {NULL}, {[CHECK_LOSS] = "100"}, CHECK_CRITICAL},
    {9, 1, PROBE_TIMED_OUT, {NULL}, {NULL}, CHECK_WARNING},
    {10, 2, PROBE_TIMED_OUT, {NULL}, {[CHECK_LOSS] = "20"}, CHECK_OK},
    {10, 3, PROBE_TIMED_OUT, {NULL}, {[CHECK_LOSS] = "20"}, CHECK_CRITICAL},
    {10, 2, PROBE_TIMED_OUT, {[CHECK_LOSS] = "10"}, {[CHECK_LOSS] = "20"}, CHECK_WARNING},
    {10, 1, PROBE_WRONG_BYTES, {NULL}, {[CHECK_LOSS] = "90"}, CHECK_CRITICAL},
    {10, 1, PROBE_SURPLUS_BYTES, {NULL}, {[CHECK_LOSS] = "90"}, CHECK_CRITICAL},
    {10, 1, PROBE_CUT, {NULL}, {[CHECK_LOSS] = "90"}, CHECK_OK},
    {1, 0, PROBE_OK, {"0.001"}, {"0.002"}, CHECK_OK},
    {2, 0, PROBE_OK, {"0.001"}, {"0.002"}, CHECK_WARNING},
    {5, 0, PROBE_OK, {"0.001"}, {"0.002"}, CHECK_CRITICAL},
    {5, 0, PROBE_OK, {[CHECK_P95] = "0.004"}, {"0.9"}, CHECK_WARNING},
    {5, 0, PROBE_OK, {[CHECK_JITTER] = "0.001"}, {[CHECK_JITTER] = "0.002"}, CHECK_OK},
    {5, 0, PROBE_OK, {NULL}, {[CHECK_JITTER] = "0.0009"}, CHECK_CRITICAL},
};

START_TEST(judgement)
{
    struct check_thresholds thresholds = {0};

    for (int metric = 0; metric < CHECK_METRICS; metric++) {
        const char *warning = judged[_i].warning[metric], *critical = judged[_i].critical[metric];

        if (warning)
            ck_assert_ptr_null(range_parse(warning, false, &thresholds.warning[metric]));
        if (critical)
            ck_assert_ptr_null(range_parse(critical, false, &thresholds.critical[metric]));
    }
    make(judged[_i].count, judged[_i].failed, judged[_i].outcome);
    ck_assert_str_eq(check_state_name(check_judge(&stats, &thresholds)),
                     check_state_name(judged[_i].state));
    /* What is said of a metric is never worse than the whole. */
    for (int metric = 0; metric < CHECK_METRICS; metric++)
        ck_assert_int_eq(
            check_worst(judged[_i].state, check_judge_metric(&stats, metric, &thresholds)),
            judged[_i].state);
}
END_TEST

START_TEST(worst_wins)
{
    static const enum check_state order[] = {CHECK_OK, CHECK_UNKNOWN, CHECK_WARNING,
                                             CHECK_CRITICAL};

    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            ck_assert_int_eq(check_worst(order[i], order[j]), order[i > j ? i : j]);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("judge");

    tcase_add_test(tcase, numbers);
    tcase_add_test(tcase, jitter_goes_by_time);
    tcase_add_test(tcase, small_numbers);
    tcase_add_test(tcase, worst_failure_is_told);
    tcase_add_loop_test(tcase, judgement, 0, (int)(sizeof(judged) / sizeof(judged[0])));
    tcase_add_test(tcase, worst_wins);
    return suite_run("check_judge", tcase);
}
