/* SPDX-License-Identifier: MIT */
#include "client/ping_stats.h"
#include "suite.h"

static struct ping_stats stats;

START_TEST(nothing)
{
    ck_assert_double_eq(ping_stats_loss_percent(&stats), 0);
    ck_assert_uint_eq(ping_stats_pending(&stats), 0);
}
END_TEST

START_TEST(loss)
{
    stats = (struct ping_stats){.sent = 11, .received = 6, .lost = 3, .corrupted = 1};
    ck_assert_uint_eq(ping_stats_pending(&stats), 1);
    /* What is still under way is not lost. */
    ck_assert_double_eq_tol(ping_stats_loss_percent(&stats), 30, 1e-9);
}
END_TEST

/* RFC 3550, section 6.4.1, by hand. */
START_TEST(jitter)
{
    ping_stats_receive(&stats, 1000, false);
    ck_assert_double_eq(stats.jitter_nsec, 0);
    ping_stats_receive(&stats, 1160, true);
    ck_assert_double_eq_tol(stats.jitter_nsec, 10, 1e-9);
    ping_stats_receive(&stats, 1160, true);
    ck_assert_double_eq_tol(stats.jitter_nsec, 9.375, 1e-9);
    ping_stats_receive(&stats, 1000, false);
    ck_assert_double_eq_tol(stats.jitter_nsec, 18.7890625, 1e-9);
    ck_assert_uint_eq(stats.received, 4);
    ck_assert_uint_eq(stats.by_kernel, 2);
    ck_assert_uint_eq(histogram_min(&stats.rtt), 1000);
    ck_assert_uint_eq(histogram_max(&stats.rtt), 1160);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ping_stats");

    tcase_add_test(tcase, nothing);
    tcase_add_test(tcase, loss);
    tcase_add_test(tcase, jitter);
    return suite_run("ping_stats", tcase);
}
