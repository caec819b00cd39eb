/* SPDX-License-Identifier: MIT */
#include "client/load_schedule.h"

#include "client/deadline.h"
#include "suite.h"

/* No clock: a time is a number. */
static const int64_t start = INT64_C(987654321987654321);

static const struct {
    double rate;
    unsigned connections;
} cases[] = {{1, 1}, {1000, 1}, {1000, 7}, {3, 10}, {99999, 50}, {10e6, 10000}, {0.5, 3}};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static struct load_schedule make(int i)
{
    return load_schedule_make(start, cases[i].rate, cases[i].connections);
}

START_TEST(first_message_is_due_at_the_start)
{
    struct load_schedule schedule = make(_i);

    ck_assert_int_eq(load_schedule_due(&schedule, 0, 0), start);
}
END_TEST

/* In the order of the turns, and of the connections within one. */
START_TEST(messages_are_due_at_even_distances)
{
    struct load_schedule schedule = make(_i);
    double spacing = 1e9 / cases[_i].rate;

    for (uint64_t message = 1; message < 100000; message++) {
        unsigned connection = (unsigned)(message % cases[_i].connections);
        int64_t due = load_schedule_due(&schedule, connection, message / cases[_i].connections);
        double error = (double)(due - start) - (double)message * spacing;

        ck_assert_msg(error > -1 && error < 1, "message %lu: %f ns off", (unsigned long)message,
                      error);
    }
}
END_TEST

/* What was rounded must not add up: the last message of a day. */
START_TEST(rate_is_kept_all_day)
{
    struct load_schedule schedule = load_schedule_make(start, 77777, 50);
    uint64_t turn = UINT64_C(77777) * 86400 / 50;

    ck_assert_int_le(llabs(load_schedule_due(&schedule, 0, turn) - start - 86400 * NSEC_PER_SEC),
                     100);
}
END_TEST

START_TEST(turn_is_the_first_that_is_not_before)
{
    struct load_schedule schedule = make(_i);
    unsigned connection = cases[_i].connections - 1;

    for (uint64_t turn = 0; turn < 1000; turn++) {
        int64_t due = load_schedule_due(&schedule, connection, turn);

        ck_assert_uint_eq(load_schedule_turn(&schedule, connection, due), turn);
        ck_assert_uint_eq(load_schedule_turn(&schedule, connection, due + 1), turn + 1);
        if (turn > 0)
            ck_assert_uint_eq(load_schedule_turn(&schedule, connection, due - 1), turn);
    }
}
END_TEST

START_TEST(before_the_start_it_is_the_first_turn)
{
    struct load_schedule schedule = make(_i);

    ck_assert_uint_eq(load_schedule_turn(&schedule, 0, start), 0);
    ck_assert_uint_eq(load_schedule_turn(&schedule, 0, start - NSEC_PER_SEC), 0);
    ck_assert_uint_eq(load_schedule_turn(&schedule, 0, 0), 0);
}
END_TEST

/* All connections together have as many turns as the rate says, whatever their number. */
START_TEST(turns_of_a_time_are_its_share_of_the_rate)
{
    struct load_schedule schedule = make(_i);
    int64_t end = start + 10 * NSEC_PER_SEC;
    uint64_t turns = 0;

    for (unsigned i = 0; i < cases[_i].connections; i++)
        turns += load_schedule_turn(&schedule, i, end);
    ck_assert_double_eq_tol((double)turns, cases[_i].rate * 10, 1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("load_schedule");

    tcase_add_loop_test(tcase, first_message_is_due_at_the_start, 0, CASES);
    tcase_add_loop_test(tcase, messages_are_due_at_even_distances, 0, CASES);
    tcase_add_test(tcase, rate_is_kept_all_day);
    tcase_add_loop_test(tcase, turn_is_the_first_that_is_not_before, 0, CASES);
    tcase_add_loop_test(tcase, before_the_start_it_is_the_first_turn, 0, CASES);
    tcase_add_loop_test(tcase, turns_of_a_time_are_its_share_of_the_rate, 0, CASES);
    return suite_run("load_schedule", tcase);
}
