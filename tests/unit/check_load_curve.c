/* SPDX-License-Identifier: MIT */
#include "client/load_curve.h"

#include <stdio.h>
#include <string.h>

#include "client/load_hgrm.h"
#include "client/load_svg.h"
#include "suite.h"

/* The latency by percentile, as points, and in the two formats that are made of them. */

static struct histogram times, empty;
static char text[1 << 20];

/* A microsecond for half of them, ten times as long for the last tenth, and so on to 100 ms. */
static void setup(void)
{
    times = (struct histogram){0};
    for (uint64_t i = 1; i <= 100000; i++)
        histogram_add(&times, UINT64_C(100000000) / i);
}

START_TEST(curve_rises_to_all)
{
    struct load_curve curve = {0};
    struct load_curve_point point, last = {.share = -1};

    while (load_curve_next(&curve, &times, &point)) {
        ck_assert_double_gt(point.share, last.share);
        ck_assert_uint_ge(point.value, last.value);
        ck_assert_uint_ge(point.cumulative, last.cumulative);
        ck_assert_double_ge((double)point.cumulative, point.share * 100000);
        ck_assert_uint_eq(point.value, histogram_quantile(&times, point.share));
        last = point;
    }
    ck_assert_double_eq(last.share, 1);
    ck_assert_uint_eq(last.value, histogram_max(&times));
    ck_assert_uint_eq(last.cumulative, 100000);
}
END_TEST

START_TEST(curve_has_every_nine)
{
    struct load_curve curve = {0};
    struct load_curve_point point;
    double share = 0;
    unsigned count = 0;

    while (load_curve_next(&curve, &times, &point)) {
        /* Each point halves the way to all, or nearly so, in at most five steps. */
        ck_assert_double_ge((1 - point.share) / (1 - share), point.share < 1 ? 0.5 : 0);
        share = point.share;
        count++;
    }
    ck_assert_uint_ge(count, 5 * 16); /* 2^16 < 100000 */
}
END_TEST

START_TEST(curve_of_one_value)
{
    struct load_curve curve = {0};
    struct load_curve_point point;

    histogram_add(&empty, 42);
    ck_assert(load_curve_next(&curve, &empty, &point));
    ck_assert_double_eq(point.share, 1);
    ck_assert_uint_eq(point.value, 42);
    ck_assert(!load_curve_next(&curve, &empty, &point));
}
END_TEST

START_TEST(curve_of_nothing)
{
    struct load_curve curve = {0};
    struct load_curve_point point;

    ck_assert(!load_curve_next(&curve, &empty, &point));
}
END_TEST

static void write_hgrm(const struct histogram *histogram)
{
    FILE *out = fmemopen(text, sizeof(text), "w");

    load_hgrm_write(histogram, out);
    ck_assert_int_eq(fclose(out), 0);
}

/* Reads it as plotters do: lines that begin with a number. */
START_TEST(hgrm_can_be_read)
{
    double value, share, inverse, last_value = 0, last_share = -1;
    unsigned long count = 0, lines = 0;

    write_hgrm(&times);
    ck_assert_ptr_nonnull(strstr(text, "Value"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        int fields = sscanf(line, "%lf %lf %lu %lf", &value, &share, &count, &inverse);

        if (fields <= 0)
            continue;
        ck_assert_int_eq(fields, share < 1 ? 4 : 3);
        if (share < 1)
            ck_assert_double_eq_tol(inverse * (1 - share), 1, 0.01);
        ck_assert_double_ge(value, last_value);
        ck_assert_double_gt(share, last_share);
        last_value = value;
        last_share = share;
        lines++;
    }
    ck_assert_uint_gt(lines, 50);
    ck_assert_double_eq(last_share, 1);
    ck_assert_double_eq_tol(last_value, 100, 1e-6); /* milliseconds */
    ck_assert_uint_eq(count, 100000);
}
END_TEST

START_TEST(hgrm_ends_with_its_sums)
{
    const char *sums;
    double mean, deviation, max;
    unsigned long count;

    write_hgrm(&times);
    sums = strstr(text, "#[Mean");
    ck_assert_ptr_nonnull(sums);
    ck_assert_int_eq(sscanf(sums,
                            "#[Mean = %lf, StdDeviation = %lf]\n#[Max = %lf, Total count = %lu]",
                            &mean, &deviation, &max, &count),
                     4);
    ck_assert_double_eq_tol(mean, 0.01209, 1e-5);
    ck_assert_double_eq_tol(deviation, 0.4054, 0.004);
    ck_assert_double_eq_tol(max, 100, 1e-6);
    ck_assert_uint_eq(count, 100000);
}
END_TEST

static void write_svg(const char *title, const struct histogram *second)
{
    const struct load_svg_curve curves[] = {{"since due", &times}, {"since sent", second}};
    FILE *out = fmemopen(text, sizeof(text), "w");

    load_svg_write(title, curves, 2, out);
    ck_assert_int_eq(fclose(out), 0);
}

static unsigned count_of(const char *needle)
{
    unsigned count = 0;

    for (const char *at = strstr(text, needle); at; at = strstr(at + 1, needle))
        count++;
    return count;
}

/* Every tag that is opened is closed, and nothing else has a "<". */
static void assert_well_formed(void)
{
    int depth = 0;

    ck_assert_int_eq(strncmp(text, "<?xml ", 6), 0);
    for (const char *at = strchr(text + 1, '<'); at; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>');

        ck_assert_ptr_nonnull(end);
        ck_assert(memchr(at + 1, '<', (size_t)(end - at - 1)) == NULL);
        if (at[1] == '/')
            depth--;
        else if (end[-1] != '/')
            depth++;
        ck_assert_int_ge(depth, 0);
    }
    ck_assert_int_eq(depth, 0);
}

/* Each point lies on the plot. */
static void assert_points_inside(void)
{
    for (const char *at = strstr(text, "points=\""); at; at = strstr(at, "points=\"")) {
        double x, y, last_x = 0;
        int used;

        at += strlen("points=\"");
        while (sscanf(at, "%lf,%lf %n", &x, &y, &used) == 2) {
            ck_assert(x >= 0 && x <= 800 && y >= 0 && y <= 480);
            ck_assert_double_ge(x, last_x);
            last_x = x;
            at += used;
        }
    }
}

START_TEST(svg_is_well_formed)
{
    write_svg("server: 50 connections", &times);
    assert_well_formed();
    assert_points_inside();
    ck_assert_uint_eq(count_of("<polyline"), 2);
    ck_assert_uint_eq(count_of("<script"), 0);
    ck_assert_uint_eq(count_of("99.99 %"), 1);
}
END_TEST

START_TEST(svg_of_one_curve)
{
    write_svg("title", &empty);
    assert_well_formed();
    ck_assert_uint_eq(count_of("<polyline"), 1);
}
END_TEST

START_TEST(svg_of_nothing)
{
    times = empty;
    write_svg("title", &empty);
    assert_well_formed();
    ck_assert_uint_eq(count_of("nan"), 0);
    ck_assert_uint_eq(count_of("inf"), 0);
}
END_TEST

START_TEST(svg_of_equal_times)
{
    times = empty;
    histogram_add_many(&times, 1000, 1000);
    write_svg("title", &empty);
    assert_well_formed();
    assert_points_inside();
}
END_TEST

START_TEST(svg_takes_any_title)
{
    write_svg("unix:/tmp/<b>&\"'\x01\xff</text><script>", &empty);
    assert_well_formed();
    ck_assert_uint_eq(count_of("<script"), 0);
    ck_assert_uint_eq(count_of("&lt;b>&amp;\"'??&lt;/text>&lt;script>"), 1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("load_curve");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, curve_rises_to_all);
    tcase_add_test(tcase, curve_has_every_nine);
    tcase_add_test(tcase, curve_of_one_value);
    tcase_add_test(tcase, curve_of_nothing);
    tcase_add_test(tcase, hgrm_can_be_read);
    tcase_add_test(tcase, hgrm_ends_with_its_sums);
    tcase_add_test(tcase, svg_is_well_formed);
    tcase_add_test(tcase, svg_of_one_curve);
    tcase_add_test(tcase, svg_of_nothing);
    tcase_add_test(tcase, svg_of_equal_times);
    tcase_add_test(tcase, svg_takes_any_title);
    return suite_run("load_curve", tcase);
}
