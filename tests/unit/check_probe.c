/* SPDX-License-Identifier: MIT */
#include "client/probe.h"

#include <errno.h>

#include "suite.h"

/* What errors come to, of connecting and of a socket that is connected. */
static const struct {
    int error;
    enum probe_outcome connecting, connected;
} errors[] = {
    {-ECONNREFUSED, PROBE_REFUSED, PROBE_RESET},
    {-ETIMEDOUT, PROBE_TIMED_OUT, PROBE_TIMED_OUT},
    {-ECONNRESET, PROBE_NOT_CONNECTED, PROBE_RESET},
    {-EHOSTUNREACH, PROBE_NOT_CONNECTED, PROBE_RESET},
    {-ENETUNREACH, PROBE_NOT_CONNECTED, PROBE_RESET},
    /* ICMP: ip6tables -j REJECT --reject-with icmp6-adm-prohibited; protocol unreachable */
    {-EACCES, PROBE_NOT_CONNECTED, PROBE_RESET},
    {-ENOPROTOOPT, PROBE_NOT_CONNECTED, PROBE_RESET},
    {-ENOENT, PROBE_NOT_CONNECTED, PROBE_RESET},
    /* of this machine */
    {-EMFILE, PROBE_LOCAL_ERROR, PROBE_LOCAL_ERROR},
    {-EADDRNOTAVAIL, PROBE_LOCAL_ERROR, PROBE_LOCAL_ERROR},
    {-EPERM, PROBE_LOCAL_ERROR, PROBE_LOCAL_ERROR},
    {-EMSGSIZE, PROBE_LOCAL_ERROR, PROBE_LOCAL_ERROR},
};

START_TEST(whose_error_it_is)
{
    struct probe_result result = {0};

    ck_assert_int_eq(probe_not_connected(&result, errors[_i].error), errors[_i].connecting);
    ck_assert_int_eq(result.error, errors[_i].error);
    result = (struct probe_result){0};
    ck_assert_int_eq(probe_broke(&result, errors[_i].error), errors[_i].connected);
    ck_assert_int_eq(result.error, errors[_i].error);
}
END_TEST

START_TEST(names)
{
    struct probe_result result = {0};

    ck_assert_int_eq(probe_not_resolved(&result, 2), PROBE_NO_HOST);
    ck_assert_int_eq(probe_not_resolved(&result, -ETIMEDOUT), PROBE_TIMED_OUT);
    ck_assert_int_eq(probe_not_resolved(&result, -ENOMEM), PROBE_LOCAL_ERROR);
    ck_assert_int_eq(result.phase, PROBE_RESOLVING);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("probe");

    tcase_add_loop_test(tcase, whose_error_it_is, 0, (int)(sizeof(errors) / sizeof(errors[0])));
    tcase_add_test(tcase, names);
    return suite_run("probe", tcase);
}
