/* SPDX-License-Identifier: MIT */
#include "daemon/respawn.h"

#include "suite.h"

enum { YOUNG = RESPAWN_GROWN_UP_MS - 1 };

START_TEST(first_death_is_replaced_at_once)
{
    struct respawn respawn = {0};

    ck_assert_uint_eq(respawn_pause(&respawn, 0), 0);
}
END_TEST

START_TEST(pauses_double_up_to_the_longest)
{
    static const uint64_t pauses[] = {0, 100, 200, 400, 800, 1000, 1000};
    struct respawn respawn = {0};

    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
        ck_assert_uint_eq(respawn_pause(&respawn, i % 2 ? YOUNG : 0), pauses[i]);
}
END_TEST

START_TEST(longest_pause_stays_however_many_die)
{
    struct respawn respawn = {.young_deaths = UINT32_MAX - 10};

    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(respawn_pause(&respawn, YOUNG), RESPAWN_LONGEST_PAUSE_MS);
}
END_TEST

START_TEST(grown_up_worker_is_always_replaced_at_once)
{
    struct respawn respawn = {0};

    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(respawn_pause(&respawn, RESPAWN_GROWN_UP_MS), 0);
}
END_TEST

START_TEST(grown_up_death_ends_the_row)
{
    struct respawn respawn = {0};

    for (int i = 0; i < 5; i++)
        (void)respawn_pause(&respawn, YOUNG);
    ck_assert_uint_eq(respawn_pause(&respawn, RESPAWN_GROWN_UP_MS), 0);
    ck_assert_uint_eq(respawn_pause(&respawn, YOUNG), 0);
    ck_assert_uint_eq(respawn_pause(&respawn, YOUNG), RESPAWN_FIRST_PAUSE_MS);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("respawn");

    tcase_add_test(tcase, first_death_is_replaced_at_once);
    tcase_add_test(tcase, pauses_double_up_to_the_longest);
    tcase_add_test(tcase, longest_pause_stays_however_many_die);
    tcase_add_test(tcase, grown_up_worker_is_always_replaced_at_once);
    tcase_add_test(tcase, grown_up_death_ends_the_row);
    return suite_run("respawn", tcase);
}
