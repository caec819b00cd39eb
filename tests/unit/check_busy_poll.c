/* SPDX-License-Identifier: MIT */
#include "daemon/busy_poll.h"

#include "suite.h"

/* The waits that pass until the next look. */
static unsigned waits_passed(struct busy_poll *poll)
{
    unsigned count = 0;

    while (!busy_poll_wanted(poll))
        count++;
    return count;
}

START_TEST(begins_by_looking)
{
    struct busy_poll poll = {0};

    ck_assert(busy_poll_wanted(&poll));
}
END_TEST

START_TEST(goes_on_looking_while_it_finds_something)
{
    struct busy_poll poll = {0};

    for (int i = 0; i < 1000; i++) {
        ck_assert(busy_poll_wanted(&poll));
        busy_poll_found(&poll, true);
    }
}
END_TEST

START_TEST(each_look_in_vain_doubles_the_waits)
{
    static const unsigned waits[] = {0, 1, 3, 7, 15, 31, 63, 63, 63};
    struct busy_poll poll = {0};

    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        busy_poll_found(&poll, false);
        ck_assert_uint_eq(waits_passed(&poll), waits[i]);
    }
    ck_assert_uint_eq(waits[8], BUSY_POLL_MOST_WAITS);
}
END_TEST

START_TEST(one_find_is_enough_to_look_every_time_again)
{
    struct busy_poll poll = {0};

    for (int i = 0; i < 20; i++)
        busy_poll_found(&poll, false);
    (void)waits_passed(&poll);
    busy_poll_found(&poll, true);
    ck_assert(busy_poll_wanted(&poll));
    busy_poll_found(&poll, false);
    ck_assert_uint_eq(waits_passed(&poll), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("busy_poll");

    tcase_add_test(tcase, begins_by_looking);
    tcase_add_test(tcase, goes_on_looking_while_it_finds_something);
    tcase_add_test(tcase, each_look_in_vain_doubles_the_waits);
    tcase_add_test(tcase, one_find_is_enough_to_look_every_time_again);
    return suite_run("busy_poll", tcase);
}
