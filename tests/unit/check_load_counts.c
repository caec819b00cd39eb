/* SPDX-License-Identifier: MIT */
#include "client/load_counts.h"

#include <errno.h>
#include <string.h>

#include "client/deadline.h"
#include "suite.h"

/* Several threads are counted as one. */
START_TEST(merged_is_the_sum)
{
    struct load_counts *all = load_counts_new(5 * NSEC_PER_SEC / 2);
    struct load_counts *one = load_counts_new(5 * NSEC_PER_SEC / 2);

    ck_assert_uint_eq(all->seconds_count, 3);
    one->answered = 1000;
    one->lost = 2;
    one->unsent = 3;
    one->late = 4;
    one->opened = 5;
    one->seconds[2] = 6;
    one->busiest = 0.5;
    histogram_add(&one->since_due, 10);
    histogram_add(&one->since_sent, 20);
    histogram_add(&one->connect, 30);
    load_counts_error(one, LOAD_RESET, -ECONNRESET);
    load_counts_merge(all, one);
    one->busiest = 0.4;
    load_counts_merge(all, one);

    ck_assert_uint_eq(all->answered, 2000);
    ck_assert_uint_eq(all->lost, 4);
    ck_assert_uint_eq(all->unsent, 6);
    ck_assert_uint_eq(all->late, 8);
    ck_assert_uint_eq(all->opened, 10);
    ck_assert_uint_eq(all->seconds[0], 0);
    ck_assert_uint_eq(all->seconds[2], 12);
    ck_assert_double_eq(all->busiest, 0.5);
    ck_assert_uint_eq(all->since_due.count, 2);
    ck_assert_uint_eq(histogram_max(&all->since_sent), 20);
    ck_assert_uint_eq(histogram_min(&all->connect), 30);
    ck_assert_uint_eq(load_counts_errors(all), 2);
    ck_assert_uint_eq(all->errors[LOAD_RESET], 2);
    ck_assert_int_eq(all->last_errno[LOAD_RESET], -ECONNRESET);
    load_counts_free(all);
    load_counts_free(one);
}
END_TEST

START_TEST(errors_have_names_of_their_own)
{
    for (unsigned i = 0; i < LOAD_ERRORS; i++) {
        ck_assert_str_ne(load_error_words((enum load_error)i), "");
        for (unsigned k = 0; k < i; k++)
            ck_assert_str_ne(load_error_name((enum load_error)i),
                             load_error_name((enum load_error)k));
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("load_counts");

    tcase_add_test(tcase, merged_is_the_sum);
    tcase_add_test(tcase, errors_have_names_of_their_own);
    return suite_run("load_counts", tcase);
}
