/* SPDX-License-Identifier: MIT */
#include "policy/judge.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "addresses.h"
#include "suite.h"

enum { SECOND = 1000000, NOW = 12345678, CLIENT = 40000 };

static struct judge judge;
static struct acl acl;

static void add(struct networks *networks, const char *text)
{
    struct network network;

    ck_assert_int_eq(network_parse(text, &network), NETWORK_SOUND);
    ck_assert_int_eq(networks_add(networks, &network), 0);
}

static void make_judge(void)
{
    struct networks allow = {0}, deny = {0};

    add(&allow, "0.0.0.0/0");
    add(&allow, "::/0");
    add(&deny, "192.0.2.66");
    add(&deny, "2001:db8:bad::/48");
    ck_assert_int_eq(acl_init(&acl, &allow, &deny), 0);
    networks_deinit(&allow);
    networks_deinit(&deny);
    judge = (struct judge){.acl = &acl, .ipv4_prefix = 32, .ipv6_prefix = 64};
    ports_init(&judge.ports);
}

static void drop_judge(void)
{
    acl_deinit(&acl);
    if (judge.rates)
        ck_assert_int_eq(munmap(judge.rates, sizeof(*judge.rates)), 0);
}

static void limit(uint32_t per_second)
{
    judge.rates =
        mmap(NULL, sizeof(*judge.rates), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(judge.rates, MAP_FAILED);
    ck_assert_int_eq(rates_init(judge.rates), 0);
    judge.per_second = per_second;
}

static enum drop judge_at(const char *host, uint16_t port, uint64_t now_usec)
{
    struct addr addr = address(host, port);

    return judge_sender(&judge, &addr, now_usec);
}

static const struct {
    const char *host;
    uint16_t port;
    enum drop drop;
} senders[] = {
    {"192.0.2.1", CLIENT, DROP_NONE},
    {"2001:db8::1", CLIENT, DROP_NONE},
    {"::ffff:192.0.2.1", CLIENT, DROP_NONE},
    {"127.0.0.1", CLIENT, DROP_NONE}, /* a check on the same machine */
    {"::1", CLIENT, DROP_NONE},
    {"fe80::1", CLIENT, DROP_NONE},
    {"1.0.0.0", CLIENT, DROP_NONE},
    {"223.255.255.255", CLIENT, DROP_NONE},
    {"0.0.0.0", CLIENT, DROP_ADDRESS},
    {"0.255.255.255", CLIENT, DROP_ADDRESS},
    {"224.0.0.1", CLIENT, DROP_ADDRESS},
    {"239.255.255.255", CLIENT, DROP_ADDRESS},
    {"255.255.255.255", CLIENT, DROP_ADDRESS},
    {"::ffff:0.0.0.0", CLIENT, DROP_ADDRESS},
    {"::ffff:224.0.0.251", CLIENT, DROP_ADDRESS},
    {"::ffff:255.255.255.255", CLIENT, DROP_ADDRESS},
    {"::", CLIENT, DROP_ADDRESS},
    {"ff02::1", CLIENT, DROP_ADDRESS},
    {"192.0.2.1", 0, DROP_LOOP},
    {"192.0.2.1", 7, DROP_LOOP},
    {"127.0.0.1", 19, DROP_LOOP},
    {"2001:db8::1", 53, DROP_LOOP},
    {"::ffff:192.0.2.1", 123, DROP_LOOP},
    {"192.0.2.66", CLIENT, DROP_DENIED},
    {"::ffff:192.0.2.66", CLIENT, DROP_DENIED},
    {"2001:db8:bad::1", CLIENT, DROP_DENIED},
};

START_TEST(goes_by_the_address_and_the_port)
{
    ck_assert_int_eq(judge_at(senders[_i].host, senders[_i].port, NOW), senders[_i].drop);
}
END_TEST

START_TEST(answers_no_port_of_our_own)
{
    ck_assert_int_eq(judge_at("127.0.0.1", CLIENT, NOW), DROP_NONE);
    ports_add(&judge.ports, CLIENT);
    ck_assert_int_eq(judge_at("127.0.0.1", CLIENT, NOW), DROP_LOOP);
    ck_assert_int_eq(judge_at("2001:db8::1", CLIENT, NOW), DROP_LOOP);
    ck_assert_int_eq(judge_at("2001:db8::1", CLIENT + 1, NOW), DROP_NONE);
}
END_TEST

START_TEST(wants_a_unix_socket_to_have_an_address)
{
    struct addr named, unnamed = {.len = sizeof(sa_family_t), .un.sun_family = AF_UNIX};

    ck_assert_int_eq(addr_unix("/run/client", &named), 0);
    ck_assert_int_eq(judge_sender(&judge, &named, NOW), DROP_NONE);
    ck_assert_int_eq(judge_sender(&judge, &unnamed, NOW), DROP_UNNAMED);
    unnamed.len = 0; /* as recvmsg(2) has it */
    ck_assert_int_eq(judge_sender(&judge, &unnamed, NOW), DROP_UNNAMED);
}
END_TEST

static enum drop judge_named(const char *name, uint64_t now_usec)
{
    struct addr named = {.un.sun_family = AF_UNIX};

    ck_assert_uint_lt(strlen(name), sizeof(named.un.sun_path));
    memcpy(named.un.sun_path, name, strlen(name));
    named.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1);
    return judge_sender(&judge, &named, now_usec);
}

START_TEST(wants_the_path_of_a_unix_socket_to_be_absolute)
{
    ck_assert_int_eq(judge_named("/client", NOW), DROP_NONE);
    ck_assert_int_eq(judge_named("client", NOW), DROP_UNNAMED);
    ck_assert_int_eq(judge_named("run/systemd/notify", NOW), DROP_UNNAMED);
    ck_assert_int_eq(judge_named("", NOW), DROP_NONE); /* an abstract name: a NUL */
}
END_TEST

START_TEST(has_a_rate_for_each_name_of_a_unix_socket)
{
    limit(2);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(judge_named("/run/one", NOW), DROP_NONE);
    ck_assert_int_eq(judge_named("/run/one", NOW), DROP_RATE);
    ck_assert_int_eq(judge_named("/run/other", NOW), DROP_NONE);
    ck_assert_int_eq(judge_named("/run/one", NOW + SECOND), DROP_NONE);
}
END_TEST

static unsigned count_answered(const char *host, unsigned count, uint64_t now_usec)
{
    unsigned answered = 0;

    for (unsigned i = 0; i < count; i++) {
        enum drop drop = judge_at(host, CLIENT, now_usec);

        ck_assert(drop == DROP_NONE || drop == DROP_RATE);
        answered += drop == DROP_NONE;
    }
    return answered;
}

START_TEST(keeps_a_source_to_its_rate)
{
    limit(10);
    ck_assert_uint_eq(count_answered("192.0.2.1", 100, NOW), 10);
    ck_assert_uint_eq(count_answered("192.0.2.2", 5, NOW), 5); /* another one */
    ck_assert_uint_eq(count_answered("192.0.2.1", 100, NOW + SECOND / 2), 5);
    ck_assert_uint_eq(count_answered("192.0.2.1", 100, NOW + 3 * SECOND), 10);
}
END_TEST

START_TEST(takes_a_network_for_one_source)
{
    limit(10);
    ck_assert_uint_eq(count_answered("2001:db8::1", 10, NOW), 10);
    ck_assert_uint_eq(count_answered("2001:db8::2", 10, NOW), 0);
    ck_assert_uint_eq(count_answered("2001:db8:0:1::2", 10, NOW), 10);
}
END_TEST

START_TEST(what_is_dropped_anyway_does_not_count)
{
    limit(10);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(judge_at("192.0.2.1", 19, NOW), DROP_LOOP);
        ck_assert_int_eq(judge_at("192.0.2.66", CLIENT, NOW), DROP_DENIED);
    }
    ck_assert_uint_eq(count_answered("192.0.2.1", 100, NOW), 10);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("judge");

    tcase_add_checked_fixture(tcase, make_judge, drop_judge);
    tcase_add_loop_test(tcase, goes_by_the_address_and_the_port, 0,
                        sizeof(senders) / sizeof(senders[0]));
    tcase_add_test(tcase, answers_no_port_of_our_own);
    tcase_add_test(tcase, wants_a_unix_socket_to_have_an_address);
    tcase_add_test(tcase, wants_the_path_of_a_unix_socket_to_be_absolute);
    tcase_add_test(tcase, has_a_rate_for_each_name_of_a_unix_socket);
    tcase_add_test(tcase, keeps_a_source_to_its_rate);
    tcase_add_test(tcase, takes_a_network_for_one_source);
    tcase_add_test(tcase, what_is_dropped_anyway_does_not_count);
    return suite_run("judge", tcase);
}
