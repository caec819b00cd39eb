/* SPDX-License-Identifier: MIT */
#include "net/resolve.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Nothing here asks a name server. */

static void assert_one(const char *host, int family, unsigned flags, const char *expected)
{
    struct addr_list list;
    char text[ADDR_TEXT_MAX];

    ck_assert_int_eq(resolve(host, 7, family, flags, &list), 0);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(addr_format(&list.addr[0], text), expected);
    addr_list_deinit(&list);
    ck_assert_ptr_null(list.addr);
    ck_assert_uint_eq(list.count, 0);
}

START_TEST(numeric)
{
    assert_one("192.0.2.1", AF_UNSPEC, 0, "192.0.2.1:7");
    assert_one("192.0.2.1", AF_INET, RESOLVE_NUMERIC, "192.0.2.1:7");
    assert_one("2001:db8::1", AF_UNSPEC, 0, "[2001:db8::1]:7");
    assert_one("::1", AF_INET6, RESOLVE_NUMERIC | RESOLVE_PASSIVE, "[::1]:7");
}
END_TEST

START_TEST(no_host)
{
    assert_one("", AF_INET, RESOLVE_PASSIVE, "0.0.0.0:7");
    assert_one(NULL, AF_INET6, RESOLVE_PASSIVE, "[::]:7");
    assert_one(NULL, AF_INET, 0, "127.0.0.1:7");
}
END_TEST

START_TEST(both_wildcards)
{
    struct addr_list list;

    ck_assert_int_eq(resolve("", 65432, AF_UNSPEC, RESOLVE_PASSIVE, &list), 0);
    ck_assert_uint_eq(list.count, 2);
    for (size_t i = 0; i < list.count; i++) {
        ck_assert(addr_is_wildcard(&list.addr[i]));
        ck_assert_uint_eq(addr_port(&list.addr[i]), 65432);
    }
    ck_assert_int_ne(list.addr[0].sa.sa_family, list.addr[1].sa.sa_family);
    addr_list_deinit(&list);
}
END_TEST

START_TEST(localhost)
{
    struct addr_list list;

    ck_assert_int_eq(resolve("localhost", 7, AF_UNSPEC, 0, &list), 0);
    ck_assert_uint_ge(list.count, 1);
    for (size_t i = 0; i < list.count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert(!addr_equal(&list.addr[i], &list.addr[j]));
    addr_list_deinit(&list);
    assert_one("localhost", AF_INET, 0, "127.0.0.1:7");
}
END_TEST

START_TEST(failure_leaves_the_list_alone)
{
    struct addr_list list = {.count = 42};
    int r = resolve("localhost", 7, AF_UNSPEC, RESOLVE_NUMERIC, &list);

    ck_assert_int_gt(r, 0);
    ck_assert_uint_eq(list.count, 42);
    ck_assert_str_eq(resolve_strerror(r), "Name or service not known");
    ck_assert_int_gt(resolve("::1", 7, AF_INET, 0, &list), 0);
    ck_assert_int_gt(resolve("192.0.2.1", 7, AF_INET6, 0, &list), 0);
    ck_assert_int_gt(resolve_within("::1", 7, AF_INET, RESOLVE_NUMERIC, 1000000000, &list), 0);
    ck_assert_uint_eq(list.count, 42);
}
END_TEST

START_TEST(words_for_errno)
{
    ck_assert_str_eq(resolve_strerror(-ENOMEM), strerror(ENOMEM));
    ck_assert_str_eq(resolve_strerror(-ETIMEDOUT), strerror(ETIMEDOUT));
}
END_TEST

START_TEST(within_a_time)
{
    struct addr_list list;
    char text[ADDR_TEXT_MAX];

    /* A numeric address takes no time at all. */
    ck_assert_int_eq(resolve_within("192.0.2.1", 7, AF_UNSPEC, 0, 0, &list), 0);
    ck_assert_str_eq(addr_format(&list.addr[0], text), "192.0.2.1:7");
    addr_list_deinit(&list);
    ck_assert_int_eq(resolve_within("localhost", 7, AF_INET, 0, INT64_C(60000000000), &list), 0);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(addr_format(&list.addr[0], text), "127.0.0.1:7");
    addr_list_deinit(&list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve");
    TCase *tcase = tcase_create("resolve");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, numeric);
    tcase_add_test(tcase, no_host);
    tcase_add_test(tcase, both_wildcards);
    tcase_add_test(tcase, localhost);
    tcase_add_test(tcase, failure_leaves_the_list_alone);
    tcase_add_test(tcase, words_for_errno);
    tcase_add_test(tcase, within_a_time);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
