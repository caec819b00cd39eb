/* SPDX-License-Identifier: MIT */
#include "base/fold.h"

#include "suite.h"

/* A time like any other: nothing may depend on where the clock began. */
static const uint64_t start = UINT64_C(123456789012);

static void pass_burst(struct fold *fold, uint64_t now)
{
    for (int i = 0; i < FOLD_BURST; i++)
        ck_assert(fold_pass(fold, now));
}

static void hold(struct fold *fold, uint64_t now, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert(!fold_pass(fold, now));
}

START_TEST(burst_passes_and_the_rest_is_held)
{
    struct fold fold = {0};

    pass_burst(&fold, start);
    hold(&fold, start, 1);
    hold(&fold, start + FOLD_INTERVAL_MS - 1, 1);
}
END_TEST

START_TEST(held_are_given_once_when_the_interval_is_over)
{
    struct fold fold = {0};

    pass_burst(&fold, start);
    hold(&fold, start, 3);
    ck_assert_uint_eq(fold_take(&fold, start + FOLD_INTERVAL_MS - 1), 0);
    ck_assert_uint_eq(fold_take(&fold, start + FOLD_INTERVAL_MS), 3);
    ck_assert_uint_eq(fold_take(&fold, start + FOLD_INTERVAL_MS), 0);
}
END_TEST

START_TEST(new_interval_begins_with_a_whole_burst)
{
    struct fold fold = {0};
    uint64_t later = start + FOLD_INTERVAL_MS;

    pass_burst(&fold, start);
    hold(&fold, start, 1);
    ck_assert_uint_eq(fold_take(&fold, later), 1);
    pass_burst(&fold, later);
    hold(&fold, later, 1);
}
END_TEST

START_TEST(interval_begins_with_its_first_message)
{
    struct fold fold = {0};
    uint64_t later = start + 5 * FOLD_INTERVAL_MS;

    ck_assert_uint_eq(fold_take(&fold, start), 0);
    pass_burst(&fold, later);
    hold(&fold, later + FOLD_INTERVAL_MS - 1, 1);
    ck_assert_uint_eq(fold_take(&fold, later + FOLD_INTERVAL_MS - 1), 0);
}
END_TEST

START_TEST(full_burst_without_more_needs_nobody_to_take)
{
    struct fold fold = {0};

    pass_burst(&fold, start);
    ck_assert_uint_eq(fold_take(&fold, start + FOLD_INTERVAL_MS), 0);
    pass_burst(&fold, start + FOLD_INTERVAL_MS);
}
END_TEST

START_TEST(held_are_not_forgotten_while_nobody_takes_them)
{
    struct fold fold = {0};
    uint64_t later = start + 3 * FOLD_INTERVAL_MS;

    pass_burst(&fold, start);
    hold(&fold, start, 2);
    hold(&fold, later, 2);
    ck_assert_uint_eq(fold_take(&fold, later), 4);
}
END_TEST

START_TEST(steady_trickle_is_never_held)
{
    struct fold fold = {0};

    for (uint64_t i = 0; i < 1000; i++)
        ck_assert(fold_pass(&fold, start + i * (FOLD_INTERVAL_MS / FOLD_BURST)));
}
END_TEST

START_TEST(every_message_is_passed_or_counted)
{
    struct fold fold = {0};
    unsigned passed = 0, counted = 0;

    for (uint64_t i = 0; i < 100000; i++) {
        passed += fold_pass(&fold, start + i * 7);
        counted += fold_take(&fold, start + i * 7);
    }
    ck_assert_uint_eq(passed + counted + fold.held, 100000);
    ck_assert_uint_le(passed, (100000 * 7 / FOLD_INTERVAL_MS + 1) * FOLD_BURST);
}
END_TEST

START_TEST(wait_is_what_is_left_of_the_interval)
{
    struct fold fold = {0};

    ck_assert_int_eq(fold_wait(&fold, start), -1);
    pass_burst(&fold, start);
    ck_assert_int_eq(fold_wait(&fold, start), -1);
    hold(&fold, start + 1, 1);
    ck_assert_int_eq(fold_wait(&fold, start + 1), FOLD_INTERVAL_MS - 1);
    ck_assert_int_eq(fold_wait(&fold, start + FOLD_INTERVAL_MS - 1), 1);
    ck_assert_int_eq(fold_wait(&fold, start + FOLD_INTERVAL_MS), 0);
    ck_assert_int_eq(fold_wait(&fold, start + 9 * FOLD_INTERVAL_MS), 0);
    ck_assert_uint_eq(fold_take(&fold, start + FOLD_INTERVAL_MS), 1);
    ck_assert_int_eq(fold_wait(&fold, start + FOLD_INTERVAL_MS), -1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("fold");

    tcase_add_test(tcase, burst_passes_and_the_rest_is_held);
    tcase_add_test(tcase, held_are_given_once_when_the_interval_is_over);
    tcase_add_test(tcase, new_interval_begins_with_a_whole_burst);
    tcase_add_test(tcase, interval_begins_with_its_first_message);
    tcase_add_test(tcase, full_burst_without_more_needs_nobody_to_take);
    tcase_add_test(tcase, held_are_not_forgotten_while_nobody_takes_them);
    tcase_add_test(tcase, steady_trickle_is_never_held);
    tcase_add_test(tcase, every_message_is_passed_or_counted);
    tcase_add_test(tcase, wait_is_what_is_left_of_the_interval);
    return suite_run("fold", tcase);
}
