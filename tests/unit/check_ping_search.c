/* SPDX-License-Identifier: MIT */
#include "client/ping_search.h"
#include "suite.h"

/* Searches where everything up to LIMIT passes; returns the number of tries. */
static unsigned search(size_t min, size_t max, size_t limit, size_t hint, size_t *ret_largest)
{
    struct ping_search search = {.min = min, .max = max};
    unsigned tries = 0;
    size_t size;

    while ((size = ping_search_next(&search)) > 0) {
        bool passes = size <= limit;

        ck_assert_uint_ge(size, min);
        ck_assert_uint_le(size, max);
        ck_assert_uint_lt(tries++, 64);
        ping_search_tell(&search, size, passes, passes ? 0 : hint);
    }
    *ret_largest = search.passes;
    return tries;
}

START_TEST(finds_every_limit)
{
    size_t found;

    for (size_t limit = 0; limit < 400; limit++) {
        (void)search(24, 300, limit, 0, &found);
        ck_assert_uint_eq(found, limit < 24 ? 0 : limit > 300 ? 300 : limit);
    }
}
END_TEST

START_TEST(nothing_passes)
{
    size_t found;

    ck_assert_uint_eq(search(24, 65507, 0, 0, &found), 1);
    ck_assert_uint_eq(found, 0);
}
END_TEST

START_TEST(everything_passes)
{
    size_t found;

    ck_assert_uint_eq(search(24, 65507, 65507, 0, &found), 2);
    ck_assert_uint_eq(search(24, 24, 24, 0, &found), 1);
    ck_assert_uint_eq(found, 24);
}
END_TEST

START_TEST(takes_a_hint)
{
    size_t found;

    /* The smallest, the largest, what was said, one more. */
    ck_assert_uint_eq(search(24, 65507, 1472, 1472, &found), 4);
    ck_assert_uint_eq(found, 1472);
}
END_TEST

/* Whoever says something wrong costs some tries, and does no more harm. */
START_TEST(survives_a_wrong_hint)
{
    static const size_t hints[] = {1, 24, 25, 1471, 1473, 65506, 65507, 100000};
    size_t found;

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        ck_assert_uint_le(search(24, 65507, 1472, hints[i], &found), 22);
        ck_assert_uint_eq(found, 1472);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ping_search");

    tcase_add_test(tcase, finds_every_limit);
    tcase_add_test(tcase, nothing_passes);
    tcase_add_test(tcase, everything_passes);
    tcase_add_test(tcase, takes_a_hint);
    tcase_add_test(tcase, survives_a_wrong_hint);
    return suite_run("ping_search", tcase);
}
