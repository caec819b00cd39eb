/* SPDX-License-Identifier: MIT */
#include "client/ping_probe.h"
#include "suite.h"

/* Times are in any unit: these probes wait for 100 of it. */
static struct ping_probes probes;

static void setup(void)
{
    ck_assert_int_eq(ping_probes_init(&probes, 100), 0);
}

static void teardown(void)
{
    ping_probes_deinit(&probes);
}

static void send_at(int64_t first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        (void)ping_probes_add(&probes, first + i);
}

START_TEST(numbers)
{
    ck_assert_uint_eq(ping_probes_add(&probes, 0), 1);
    ck_assert_uint_eq(ping_probes_add(&probes, 1), 2);
    ck_assert_uint_eq(probes.waiting, 2);
    ck_assert_ptr_null(ping_probes_find(&probes, 0));
    ck_assert_int_eq(ping_probes_find(&probes, 2)->sent_nsec, 1);
    ck_assert_ptr_null(ping_probes_find(&probes, 3));
}
END_TEST

START_TEST(in_order)
{
    send_at(0, 3);
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_int_eq(ping_probes_answer(&probes, i, 10), PING_IN_ORDER);
    ck_assert_uint_eq(probes.waiting, 0);
    ck_assert_int_eq(ping_probes_next_expiry(&probes), INT64_MAX);
}
END_TEST

START_TEST(reordered)
{
    send_at(0, 4);
    ck_assert_int_eq(ping_probes_answer(&probes, 2, 10), PING_IN_ORDER);
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 10), PING_REORDERED);
    ck_assert_int_eq(ping_probes_answer(&probes, 4, 10), PING_IN_ORDER);
    ck_assert_int_eq(ping_probes_answer(&probes, 3, 10), PING_REORDERED);
    ck_assert_uint_eq(probes.waiting, 0);
}
END_TEST

START_TEST(duplicate)
{
    send_at(0, 1);
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 10), PING_IN_ORDER);
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 10), PING_DUPLICATE);
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 500), PING_DUPLICATE);
}
END_TEST

START_TEST(expiry)
{
    send_at(0, 3);
    ck_assert_int_eq(ping_probes_next_expiry(&probes), 100);
    ck_assert_uint_eq(ping_probes_expire(&probes, 99), 0);
    ck_assert_uint_eq(ping_probes_expire(&probes, 101), 1);
    ck_assert_uint_eq(ping_probes_expire(&probes, 101), 2);
    ck_assert_uint_eq(ping_probes_expire(&probes, 101), 0);
    ck_assert_int_eq(ping_probes_next_expiry(&probes), 102);
    ck_assert_uint_eq(probes.waiting, 1);
}
END_TEST

/* Those that were answered hold nobody up. */
START_TEST(expiry_after_answers)
{
    send_at(0, 4);
    (void)ping_probes_answer(&probes, 1, 10);
    (void)ping_probes_answer(&probes, 3, 10);
    ck_assert_int_eq(ping_probes_next_expiry(&probes), 101);
    ck_assert_uint_eq(ping_probes_expire(&probes, 200), 2);
    ck_assert_uint_eq(ping_probes_expire(&probes, 200), 4);
    ck_assert_uint_eq(ping_probes_expire(&probes, 200), 0);
}
END_TEST

START_TEST(late)
{
    send_at(0, 2);
    ck_assert_uint_eq(ping_probes_expire(&probes, 100), 1);
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 150), PING_LATE);
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 160), PING_DUPLICATE);
    /* In time is what took no longer, whenever it was looked at. */
    ck_assert_int_eq(ping_probes_answer(&probes, 2, 100), PING_IN_ORDER);
}
END_TEST

START_TEST(late_before_it_was_given_up)
{
    send_at(0, 1);
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 101), PING_LATE_FIRST);
    ck_assert_uint_eq(ping_probes_expire(&probes, 1000), 0);
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 102), PING_DUPLICATE);
}
END_TEST

START_TEST(settled)
{
    send_at(0, 2);
    ck_assert(ping_probes_settle(&probes, 1, PING_CORRUPTED));
    ck_assert(!ping_probes_settle(&probes, 1, PING_LOST));
    ck_assert(!ping_probes_settle(&probes, 0, PING_LOST));
    ck_assert(!ping_probes_settle(&probes, 3, PING_LOST));
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 10), PING_DUPLICATE);
    ck_assert(ping_probes_settle(&probes, 2, PING_LOST));
    ck_assert_int_eq(ping_probes_answer(&probes, 2, 10), PING_LATE);
}
END_TEST

START_TEST(restart)
{
    send_at(0, 1);
    ping_probes_restart(&probes, 50);
    ck_assert_int_eq(ping_probes_next_expiry(&probes), 150);
}
END_TEST

/* The memory is bounded: what waits is never forgotten, what is settled is. */
START_TEST(room)
{
    send_at(0, PING_PROBES_MAX);
    ck_assert(!ping_probes_have_room(&probes));
    (void)ping_probes_answer(&probes, 2, 10);
    ck_assert(!ping_probes_have_room(&probes));
    (void)ping_probes_answer(&probes, 1, 10);
    ck_assert(ping_probes_have_room(&probes));
    (void)ping_probes_add(&probes, PING_PROBES_MAX);
    ck_assert_ptr_null(ping_probes_find(&probes, 1));
    ck_assert_ptr_nonnull(ping_probes_find(&probes, 2));
    ck_assert_int_eq(ping_probes_answer(&probes, 1, 10), PING_LATE);
    ck_assert_uint_eq(ping_probes_expire(&probes, INT64_MAX - 200), 3);
}
END_TEST

static const struct {
    int64_t sent, kernel_sent, now, kernel_now, rtt;
    bool by_kernel;
} times[] = {
    {100, 0, 150, 0, 50, false},       {100, 1000, 150, 1040, 40, true},
    {100, 1000, 150, 1000, 0, true},   {100, 1000, 150, 1050, 50, true},
    {100, 1000, 150, 0, 50, false},    {100, 0, 150, 1040, 50, false},
    {100, 1000, 150, 999, 50, false}, /* somebody set the clock */
    {100, 1000, 150, 1051, 50, false},
};

START_TEST(round_trip_time)
{
    struct ping_probe probe = {.sent_nsec = times[_i].sent, .kernel_nsec = times[_i].kernel_sent};
    bool by_kernel;

    ck_assert_int_eq(ping_probe_rtt(&probe, times[_i].now, times[_i].kernel_now, &by_kernel),
                     times[_i].rtt);
    ck_assert(by_kernel == times[_i].by_kernel);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ping_probe");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, numbers);
    tcase_add_test(tcase, in_order);
    tcase_add_test(tcase, reordered);
    tcase_add_test(tcase, duplicate);
    tcase_add_test(tcase, expiry);
    tcase_add_test(tcase, expiry_after_answers);
    tcase_add_test(tcase, late);
    tcase_add_test(tcase, late_before_it_was_given_up);
    tcase_add_test(tcase, settled);
    tcase_add_test(tcase, restart);
    tcase_add_test(tcase, room);
    tcase_add_loop_test(tcase, round_trip_time, 0, sizeof(times) / sizeof(times[0]));
    return suite_run("ping_probe", tcase);
}
