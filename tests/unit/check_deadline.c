/* SPDX-License-Identifier: MIT */
#include "client/deadline.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "suite.h"

/* Descriptors with something, and with nothing, to read. */
static int full = -1, empty = -1;

static void set_up(void)
{
    full = eventfd(1, EFD_CLOEXEC);
    empty = eventfd(0, EFD_CLOEXEC);
    ck_assert(full >= 0 && empty >= 0);
}

static void tear_down(void)
{
    closep(&full);
    closep(&empty);
}

START_TEST(one)
{
    int64_t past = clock_nsec() - 1;

    ck_assert_int_eq(deadline_poll(full, POLLIN, clock_nsec() + 60 * NSEC_PER_SEC), POLLIN);
    ck_assert_int_eq(deadline_poll(empty, POLLIN, clock_nsec() + NSEC_PER_MSEC), -ETIMEDOUT);
    ck_assert_int_eq(deadline_poll(empty, POLLIN, past), -ETIMEDOUT);
    /* However much there is. */
    ck_assert_int_eq(deadline_poll(full, POLLIN, past), -ETIMEDOUT);
}
END_TEST

START_TEST(several)
{
    struct pollfd pollfds[] = {{.fd = empty, .events = POLLIN}, {.fd = full, .events = POLLIN}};
    int64_t past = clock_nsec() - 1;

    ck_assert_int_eq(deadline_wait(pollfds, 2, past), 1);
    ck_assert_int_eq(pollfds[0].revents, 0);
    ck_assert_int_eq(pollfds[1].revents, POLLIN);
    ck_assert_int_eq(deadline_wait(pollfds, 1, past), -ETIMEDOUT);
    ck_assert_int_eq(deadline_wait(NULL, 0, clock_nsec() + NSEC_PER_MSEC), -ETIMEDOUT);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("deadline");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, one);
    tcase_add_test(tcase, several);
    return suite_run("deadline", tcase);
}
