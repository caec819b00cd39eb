/* SPDX-License-Identifier: MIT */
#include "client/range.h"

#include <math.h>
#include <string.h>

#include "suite.h"

/* The examples of the guidelines, and what they say about them. */
static const struct {
    const char *text;
    double alerts[3], fine[3];
    const char *printed; /* NULL: as it was typed */
} good[] = {
    {"10", {-0.001, 10.001, INFINITY}, {0, 5, 10}, NULL},
    {"10:", {-1, 0, 9.999}, {10, 1e9, INFINITY}, NULL},
    {"~:10", {10.001, 11, INFINITY}, {-INFINITY, 0, 10}, NULL},
    {"10:20", {9.999, 20.001, 0}, {10, 15, 20}, NULL},
    {"@10:20", {10, 15, 20}, {9.999, 20.001, 0}, NULL},
    {"0.05", {0.051, -1, 1}, {0, 0.05, 0.01}, NULL},
    {"-2:-1", {-2.001, -0.999, 0}, {-2, -1.5, -1}, NULL},
    {"@5", {0, 3, 5}, {-1, 5.001, 6}, NULL},
    {":7", {-1, 7.001, 8}, {0, 3, 7}, "7"},
    {"0:7", {-1, 7.001, 8}, {0, 3, 7}, "7"},
    {"0:", {-1, -0.001, -INFINITY}, {0, 1, INFINITY}, NULL},
    {"0", {0.001, -0.001, 1}, {0, 0, 0}, NULL},
    {"0.000001", {1, 0.1, 0.000002}, {0, 0.000001, 0}, NULL},
    {"100", {101, -1, 1000}, {100, 0, 1}, NULL},
};

static void assert_printed(const struct range *range, const char *expected)
{
    char text[64] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    range_print(out, range);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, expected);
}

START_TEST(ranges)
{
    struct range range;

    ck_assert_ptr_null(range_parse(good[_i].text, false, &range));
    for (size_t i = 0; i < 3; i++) {
        ck_assert(range_alerts(&range, good[_i].alerts[i]));
        ck_assert(!range_alerts(&range, good[_i].fine[i]));
    }
    ck_assert(!range_alerts(&range, NAN));
    assert_printed(&range, good[_i].printed ? good[_i].printed : good[_i].text);
}
END_TEST

static const char *const bad[] = {"",      "@",    "~",     "x",    "10:x",  "1e3", "inf",
                                  "nan",   "0x10", "10ms",  "10%",  "1:2:3", " 1",  "1 ",
                                  "1.2.3", "--1",  "20:10", "@3:1", "10:~",  "@@1"};

START_TEST(no_ranges)
{
    struct range range = {.start = 42};
    const char *problem = range_parse(bad[_i], false, &range);

    ck_assert_msg(problem && strstr(problem, "range"), "\"%s\" was taken", bad[_i]);
    ck_assert(range.start == 42);
}
END_TEST

START_TEST(percent)
{
    struct range range;

    ck_assert_ptr_null(range_parse("20%", true, &range));
    ck_assert(!range_alerts(&range, 20) && range_alerts(&range, 20.5));
    assert_printed(&range, "20");
    ck_assert_ptr_null(range_parse("@10%:20%", true, &range));
    assert_printed(&range, "@10:20");
    ck_assert_ptr_null(range_parse("20", true, &range));
    ck_assert_ptr_nonnull(range_parse("%", true, &range));
    ck_assert_ptr_nonnull(range_parse("20%%", true, &range));
}
END_TEST

START_TEST(not_given)
{
    struct range range = {0};

    ck_assert(!range_alerts(&range, 1) && !range_alerts(&range, -1));
    assert_printed(&range, "");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("range");

    tcase_add_loop_test(tcase, ranges, 0, (int)(sizeof(good) / sizeof(good[0])));
    tcase_add_loop_test(tcase, no_ranges, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_test(tcase, percent);
    tcase_add_test(tcase, not_given);
    return suite_run("range", tcase);
}
