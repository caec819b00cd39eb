/* SPDX-License-Identifier: MIT */
#include "client/load_search.h"

#include "suite.h"

#define RATE_MAX 10e6

/* A server that keeps the promise up to a rate, and how often it was asked. */
static double search_for(double limit, double first, unsigned *ret_steps)
{
    struct load_search search = load_search_begin(first, RATE_MAX);

    *ret_steps = 0;
    do
        ck_assert_uint_lt((*ret_steps)++, 100);
    while (load_search_go_on(&search, search.rate <= limit));
    return search.kept;
}

static const struct {
    double limit, first;
} servers[] = {
    {1, 1000},    {2, 1000},      {3, 1},        {10, 1000},       {999, 1000},     {1000, 1000},
    {1001, 1000}, {123456, 1000}, {123456, 1},   {123456, 123456}, {123456, 5e6},   {1e6, 1000},
    {7.7, 1},     {64000, 1000},  {63999, 1000}, {1500, 1000},     {9999999, 1000},
};

START_TEST(finds_the_rate)
{
    unsigned steps;
    double limit = servers[_i].limit, found = search_for(limit, servers[_i].first, &steps);

    ck_assert_double_le(found, limit);
    ck_assert_msg(found >= limit / 1.02 - 1, "%f instead of %f", found, limit);
    /* 24 doublings lead everywhere, 6 halvings from 2 to 1.02, and each rate is tried twice. */
    ck_assert_uint_le(steps, 2 * (24 + 6));
}
END_TEST

START_TEST(server_that_never_does)
{
    unsigned steps;

    ck_assert_double_eq(search_for(0, 1000, &steps), 0);
    ck_assert_double_eq(search_for(0, 1, &steps), 0);
}
END_TEST

START_TEST(server_that_always_does)
{
    unsigned steps;

    ck_assert_double_eq(search_for(1e12, 1000, &steps), RATE_MAX);
    ck_assert_double_eq(search_for(1e12, RATE_MAX, &steps), RATE_MAX);
    ck_assert_uint_eq(steps, 2);
}
END_TEST

/* One run of each rate, its first or its second, goes the other way: it is not believed. */
START_TEST(single_runs_change_nothing)
{
    struct load_search search = load_search_begin(1000, RATE_MAX);
    double last = 0;
    int run = 0;
    bool kept;

    do {
        run = search.rate == last ? run + 1 : 0;
        last = search.rate;
        kept = (search.rate <= 50000) != (run == _i);
    } while (load_search_go_on(&search, kept));
    ck_assert_double_le(search.kept, 50000);
    ck_assert_double_ge(search.kept, 50000 / 1.02);
}
END_TEST

START_TEST(rates_are_whole_numbers_within_bounds)
{
    struct load_search search = load_search_begin(1001, 70000);

    do {
        ck_assert_double_ge(search.rate, 1);
        ck_assert_double_le(search.rate, 70000);
        ck_assert_double_eq(search.rate, (double)(long)search.rate);
    } while (load_search_go_on(&search, search.rate <= 69000));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("load_search");

    tcase_add_loop_test(tcase, finds_the_rate, 0, (int)(sizeof(servers) / sizeof(servers[0])));
    tcase_add_test(tcase, server_that_never_does);
    tcase_add_test(tcase, server_that_always_does);
    tcase_add_loop_test(tcase, single_runs_change_nothing, 0, 2);
    tcase_add_test(tcase, rates_are_whole_numbers_within_bounds);
    return suite_run("load_search", tcase);
}
