/* SPDX-License-Identifier: MIT */
#include "client/value.h"

#include <string.h>

#include "suite.h"

static void assert_problem(const char *problem, const char *word)
{
    ck_assert_msg(problem && strstr(problem, word), "%s, not %s", problem ? problem : "fine", word);
}

START_TEST(numbers)
{
    uint64_t number = 42;

    ck_assert_ptr_null(value_number("0", 0, 10, &number));
    ck_assert_uint_eq(number, 0);
    ck_assert_ptr_null(value_number("18446744073709551615", 1, UINT64_MAX, &number));
    ck_assert_uint_eq(number, UINT64_MAX);
    assert_problem(value_number("18446744073709551616", 0, UINT64_MAX, &number), "out of range");
    assert_problem(value_number("11", 0, 10, &number), "out of range");
    assert_problem(value_number("1", 2, 10, &number), "out of range");
    assert_problem(value_number("", 0, 10, &number), "not a number");
    assert_problem(value_number("1K", 0, 10, &number), "not a number");
    assert_problem(value_number("-1", 0, 10, &number), "not a number");
    assert_problem(value_number(" 1", 0, 10, &number), "not a number");
    ck_assert_uint_eq(number, UINT64_MAX);
}
END_TEST

START_TEST(sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1", 1}, {"10k", 10240}, {"3M", 3 << 20}, {"1g", 1 << 30}, {"1024M", 1 << 30}};
    uint64_t bytes = 0;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_ptr_null(value_size(good[i].text, 1, 1 << 30, &bytes));
        ck_assert_uint_eq(bytes, good[i].bytes);
    }
    assert_problem(value_size("1025M", 1, 1 << 30, &bytes), "out of range");
    assert_problem(value_size("0", 1, 1 << 30, &bytes), "out of range");
    /* 1024 after an overflow of 64 bits. */
    assert_problem(value_size("18014398509481985K", 1, UINT64_MAX, &bytes), "out of range");
    assert_problem(value_size("K", 1, 1 << 30, &bytes), "not a number");
    assert_problem(value_size("1 ", 1, UINT64_MAX, &bytes), "not a number");
    assert_problem(value_size("1T", 1, UINT64_MAX, &bytes), "not a number");
    assert_problem(value_size("1KB", 1, 1 << 30, &bytes), "not a number");
    assert_problem(value_size("1.5K", 1, 1 << 30, &bytes), "not a number");
    ck_assert_uint_eq(bytes, 1 << 30);
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        int64_t nsec;
    } good[] = {
        {"1", 1000000000},
        {"0.001", 1000000},
        {".25", 250000000},
        {"2s", 2000000000},
        {"20ms", 20000000},
        {"1.5ms", 1500000},
        {"100us", 100000},
        {"2m", INT64_C(120000000000)},
        {"0.5h", INT64_C(1800000000000)},
        {"0", 0},
    };
    const int64_t most = INT64_C(86400000000000);
    int64_t nsec = 0;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_ptr_null(value_duration(good[i].text, 0, most, &nsec));
        ck_assert_int_eq(nsec, good[i].nsec);
    }
    assert_problem(value_duration("25h", 0, most, &nsec), "out of range");
    assert_problem(value_duration("1ms", 1000001, most, &nsec), "out of range");
    for (const char *const *bad = (const char *const[]){"", ".", "ms", "1.2.3", "-1", "1e3", "inf",
                                                        "0x10", " 1", "1 s", "1d", "1S", NULL};
         *bad; bad++)
        assert_problem(value_duration(*bad, 0, most, &nsec), "not a number");
    ck_assert_int_eq(nsec, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("value");

    tcase_add_test(tcase, numbers);
    tcase_add_test(tcase, sizes);
    tcase_add_test(tcase, durations);
    return suite_run("value", tcase);
}
