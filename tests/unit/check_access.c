/* SPDX-License-Identifier: MIT */
#include "policy/access.h"

#include <string.h>

#include "suite.h"

static struct conf conf;
static struct access lists;

static void tear_down(void)
{
    access_deinit(&lists);
    conf_deinit(&conf);
}

static void add(struct networks *networks, const char *text)
{
    struct network network;

    ck_assert_int_eq(network_parse(text, &network), NETWORK_SOUND);
    ck_assert_int_eq(networks_add(networks, &network), 0);
}

START_TEST(lists_are_told_apart)
{
    struct addr ipv4 = addr_loopback(AF_INET, 1), ipv6 = addr_loopback(AF_INET6, 1);

    add(&conf.access_allow, "127.0.0.0/8");
    add(&conf.access_deny, "::/0");
    add(&conf.proxy_protocol, "::1");
    ck_assert_int_eq(access_init(&lists, &conf), 0);
    ck_assert(access_allows(&lists, &ipv4));
    ck_assert(!access_is_proxy(&lists, &ipv4));
    ck_assert(!access_allows(&lists, &ipv6));
    ck_assert(access_is_proxy(&lists, &ipv6));
}
END_TEST

START_TEST(mapped_proxy_is_an_ipv4_one)
{
    struct addr mapped = addr_loopback(AF_INET6, 1);
    struct network network;

    ck_assert_int_eq(network_parse("::ffff:10.0.0.1", &network), NETWORK_SOUND);
    mapped.in6.sin6_addr = network.address;
    add(&conf.proxy_protocol, "10.0.0.0/8");
    ck_assert_int_eq(access_init(&lists, &conf), 0);
    ck_assert(access_is_proxy(&lists, &mapped));
}
END_TEST

/* Who has no such address is let in, and is never taken for a proxy. */
START_TEST(other_families_are_in_no_list)
{
    struct addr local, vm = {.len = sizeof(vm.vm), .vm = {.svm_family = AF_VSOCK, .svm_cid = 3}};

    ck_assert_int_eq(addr_unix("/run/peer", &local), 0);
    add(&conf.proxy_protocol, "0.0.0.0/0");
    add(&conf.proxy_protocol, "::/0");
    ck_assert_int_eq(access_init(&lists, &conf), 0);
    ck_assert(access_allows(&lists, &local));
    ck_assert(access_allows(&lists, &vm));
    ck_assert(!access_is_proxy(&lists, &local));
    ck_assert(!access_is_proxy(&lists, &vm));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("access");

    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, lists_are_told_apart);
    tcase_add_test(tcase, mapped_proxy_is_an_ipv4_one);
    tcase_add_test(tcase, other_families_are_in_no_list);
    return suite_run("access", tcase);
}
