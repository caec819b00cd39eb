/* SPDX-License-Identifier: MIT */
#include "policy/source.h"

#include <arpa/inet.h>
#include <string.h>

#include "addresses.h"
#include "suite.h"

static const struct {
    const char *peer;
    int ipv4_prefix, ipv6_prefix;
    const char *source;
} cases[] = {
    {"192.0.2.77", 32, 64, "192.0.2.77"},
    {"192.0.2.77", 31, 64, "192.0.2.76/31"},
    {"192.0.2.77", 24, 64, "192.0.2.0/24"},
    {"192.0.2.77", 1, 64, "128.0.0.0/1"},
    {"::ffff:192.0.2.77", 32, 64, "192.0.2.77"},
    {"::ffff:192.0.2.77", 24, 128, "192.0.2.0/24"},
    {"2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::/64"},
    {"2001:db8:1:2:3:4:5:6", 32, 128, "2001:db8:1:2:3:4:5:6"},
    {"2001:db8:1:2:3:4:5:6", 1, 48, "2001:db8:1::/48"},
    {"2001:db8:1:2:3:4:5:6", 32, 1, "::/1"},
    {"::1", 32, 64, "::/64"},
};

START_TEST(source_is_the_peer_s_network)
{
    struct addr peer = address(cases[_i].peer, 7);
    struct source source = source_of(&peer, cases[_i].ipv4_prefix, cases[_i].ipv6_prefix);
    char text[NETWORK_TEXT_MAX];

    ck_assert(!source_is_none(&source));
    ck_assert_str_eq(network_format(&source.network, text), cases[_i].source);
}
END_TEST

START_TEST(port_does_not_matter)
{
    struct addr one = addr_loopback(AF_INET, 1000), other = addr_loopback(AF_INET, 2000);
    struct source a = source_of(&one, 32, 64), b = source_of(&other, 32, 64);

    ck_assert(source_equal(&a, &b));
}
END_TEST

START_TEST(equal_sources_have_all_bits_in_common)
{
    struct addr one = address("192.0.2.1", 7), two = address("192.0.2.2", 7);
    struct source a = source_of(&one, 32, 64), b = source_of(&two, 32, 64);
    struct source net = source_of(&one, 24, 64), same = source_of(&two, 24, 64);
    const struct siphash_key key = {1, 2};

    ck_assert(!source_equal(&a, &b));
    ck_assert(!source_equal(&a, &net));
    ck_assert(source_equal(&net, &same));
    ck_assert_uint_eq(source_hash(&net, 1, &key), source_hash(&same, 1, &key));
    ck_assert(source_hash(&net, 1, &key) != source_hash(&net, 2, &key));
    ck_assert(source_hash(&a, 1, &key) != source_hash(&b, 1, &key));
}
END_TEST

START_TEST(peers_without_an_address_are_no_source)
{
    static const sa_family_t families[] = {AF_UNIX, AF_VSOCK};

    for (size_t i = 0; i < 2; i++) {
        struct addr peer = {.len = sizeof(sa_family_t), .sa.sa_family = families[i]};
        struct source source = source_of(&peer, 32, 64);

        ck_assert(source_is_none(&source));
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("source");

    tcase_add_loop_test(tcase, source_is_the_peer_s_network, 0,
                        (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tcase, port_does_not_matter);
    tcase_add_test(tcase, equal_sources_have_all_bits_in_common);
    tcase_add_test(tcase, peers_without_an_address_are_no_source);
    return suite_run("source", tcase);
}
