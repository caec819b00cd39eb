/* SPDX-License-Identifier: MIT */
#include "net/way_back.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <string.h>

#include "suite.h"

/* The control data of one datagram, as recvmsg(2) leaves it. */
static union {
    struct cmsghdr alignment;
    uint8_t bytes[WAY_BACK_MAX + CMSG_SPACE(sizeof(uint16_t))];
} control;
static struct msghdr header;

static void make_header(void)
{
    memset(&control, 0xa5, sizeof(control)); /* what was there before */
    header = (struct msghdr){.msg_control = &control};
}

/* The last item need not be filled up to where the next one would begin. */
static void put(int level, int type, const void *data, size_t size)
{
    struct cmsghdr *c = (void *)(control.bytes + CMSG_ALIGN(header.msg_controllen));

    *c = (struct cmsghdr){.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(size)};
    memcpy(CMSG_DATA(c), data, size);
    header.msg_controllen = CMSG_ALIGN(header.msg_controllen) + CMSG_LEN(size);
}

static const void *find(int level, int type, size_t size)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
        if (c->cmsg_level == level && c->cmsg_type == type) {
            ck_assert_uint_eq(c->cmsg_len, CMSG_LEN(size));
            return CMSG_DATA(c);
        }
    return NULL;
}

static unsigned count(void)
{
    unsigned n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
        n++;
    return n;
}

static struct in_addr ipv4(const char *text)
{
    struct in_addr address;

    ck_assert_int_eq(inet_pton(AF_INET, text, &address), 1);
    return address;
}

static void put_ipv4(const char *to, const char *ours, int interface)
{
    struct in_pktinfo info = {
        .ipi_ifindex = interface, .ipi_spec_dst = ipv4(ours), .ipi_addr = ipv4(to)};

    put(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

static void put_ipv6(const char *to, unsigned interface)
{
    struct in6_pktinfo info = {.ipi6_ifindex = interface};

    ck_assert_int_eq(inet_pton(AF_INET6, to, &info.ipi6_addr), 1);
    put(IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static void assert_from_ipv4(const char *address, int interface)
{
    const struct in_pktinfo *info = find(IPPROTO_IP, IP_PKTINFO, sizeof(*info));

    ck_assert_ptr_nonnull(info);
    ck_assert_uint_eq(info->ipi_spec_dst.s_addr, ipv4(address).s_addr);
    ck_assert_int_eq(info->ipi_ifindex, interface);
}

static void assert_from_ipv6(const char *address, unsigned interface)
{
    const struct in6_pktinfo *info = find(IPPROTO_IPV6, IPV6_PKTINFO, sizeof(*info));
    char text[INET6_ADDRSTRLEN];

    ck_assert_ptr_nonnull(info);
    ck_assert_str_eq(inet_ntop(AF_INET6, &info->ipi6_addr, text, sizeof(text)), address);
    ck_assert_uint_eq(info->ipi6_ifindex, interface);
}

START_TEST(nothing_told_is_nothing_to_say)
{
    ck_assert(way_back_turn(&header));
    ck_assert_uint_eq(header.msg_controllen, 0);
}
END_TEST

START_TEST(answers_from_the_address_by_any_route)
{
    put_ipv4("192.0.2.2", "192.0.2.2", 3);
    ck_assert(way_back_turn(&header));
    assert_from_ipv4("192.0.2.2", 0);
}
END_TEST

START_TEST(answers_on_the_link_where_addresses_are_the_links_own)
{
    put_ipv4("169.254.7.7", "169.254.7.7", 3);
    ck_assert(way_back_turn(&header));
    assert_from_ipv4("169.254.7.7", 3);
}
END_TEST

START_TEST(answers_ipv6_from_address_and_interface)
{
    put_ipv6("fe80::7", 3);
    ck_assert(way_back_turn(&header));
    assert_from_ipv6("fe80::7", 3);
}
END_TEST

/* Before the option was set, only the header's destination is known. */
START_TEST(answers_what_came_before_we_asked)
{
    put_ipv4("192.0.2.2", "0.0.0.0", 0);
    ck_assert(way_back_turn(&header));
    assert_from_ipv4("192.0.2.2", 0);
}
END_TEST

START_TEST(answers_ipv4_on_an_ipv6_socket)
{
    put_ipv6("::ffff:192.0.2.2", 3);
    ck_assert(way_back_turn(&header));
    assert_from_ipv6("::ffff:192.0.2.2", 0);
}
END_TEST

static const char *const ipv4_many[][2] =
    {
        {"224.0.0.1", "192.0.2.2"},       {"239.1.2.3", "0.0.0.0"},
        {"255.255.255.255", "192.0.2.2"}, {"255.255.255.255", "0.0.0.0"},
        {"192.0.2.255", "192.0.2.2"}, /* a broadcast address of a network */
};

START_TEST(what_went_to_many_has_no_way_back)
{
    put_ipv4(ipv4_many[_i][0], ipv4_many[_i][1], 3);
    ck_assert(!way_back_turn(&header));
}
END_TEST

static const char *const ipv6_many[] = {"ff02::1", "ff0e::7", "::ffff:224.0.0.1",
                                        "::ffff:255.255.255.255"};

START_TEST(what_went_to_many_over_ipv6_has_no_way_back)
{
    put_ipv6(ipv6_many[_i], 3);
    ck_assert(!way_back_turn(&header));
}
END_TEST

/* An IPv6 socket that was asked for both tells of IPv4 both ways. */
START_TEST(a_broadcast_is_seen_beside_other_data)
{
    put_ipv6("::ffff:192.0.2.255", 3);
    put_ipv4("192.0.2.255", "192.0.2.2", 3);
    ck_assert(!way_back_turn(&header));
}
END_TEST

/* DSCP 46 ("expedited forwarding") with each of the congestion bits, RFC 3168. */
START_TEST(keeps_the_class_but_not_the_congestion_bits)
{
    uint8_t tos = (uint8_t)(46 << 2 | _i);
    int class = 46 << 2 | _i;

    put(IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    put(IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
    ck_assert(way_back_turn(&header));
    ck_assert_uint_eq(*(const uint8_t *)find(IPPROTO_IP, IP_TOS, sizeof(tos)), 46 << 2);
    ck_assert_int_eq(*(const int *)find(IPPROTO_IPV6, IPV6_TCLASS, sizeof(class)), 46 << 2);
}
END_TEST

/* sendmsg(2) would refuse it. */
START_TEST(leaves_out_what_is_of_no_use)
{
    static const char time[16] = "whenever", credentials[12] = "whoever";
    uint8_t tos = 8;

    put(SOL_SOCKET, SCM_TIMESTAMP, time, sizeof(time));
    put_ipv4("192.0.2.2", "192.0.2.2", 3);
    put(SOL_SOCKET, SCM_CREDENTIALS, credentials, sizeof(credentials));
    put(IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    put(IPPROTO_IP, IP_TTL, &(int){64}, sizeof(int));
    ck_assert(way_back_turn(&header));
    ck_assert_uint_eq(count(), 2);
    assert_from_ipv4("192.0.2.2", 0);
    ck_assert_uint_eq(*(const uint8_t *)find(IPPROTO_IP, IP_TOS, sizeof(tos)), 8);
}
END_TEST

START_TEST(adds_the_size_of_segments)
{
    put_ipv4("192.0.2.2", "192.0.2.2", 3);
    ck_assert(way_back_turn(&header));
    way_back_segment(&header, 1000);
    ck_assert_uint_eq(count(), 2);
    assert_from_ipv4("192.0.2.2", 0);
    ck_assert_uint_eq(*(const uint16_t *)find(IPPROTO_UDP, UDP_SEGMENT, sizeof(uint16_t)), 1000);
}
END_TEST

START_TEST(adds_the_size_of_segments_to_nothing)
{
    way_back_segment(&header, 7);
    ck_assert_uint_eq(count(), 1);
    ck_assert_uint_eq(*(const uint16_t *)find(IPPROTO_UDP, UDP_SEGMENT, sizeof(uint16_t)), 7);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("way_back");

    tcase_add_checked_fixture(tcase, make_header, NULL);
    tcase_add_test(tcase, nothing_told_is_nothing_to_say);
    tcase_add_test(tcase, answers_from_the_address_by_any_route);
    tcase_add_test(tcase, answers_on_the_link_where_addresses_are_the_links_own);
    tcase_add_test(tcase, answers_ipv6_from_address_and_interface);
    tcase_add_test(tcase, answers_what_came_before_we_asked);
    tcase_add_test(tcase, answers_ipv4_on_an_ipv6_socket);
    tcase_add_loop_test(tcase, what_went_to_many_has_no_way_back, 0,
                        sizeof(ipv4_many) / sizeof(ipv4_many[0]));
    tcase_add_loop_test(tcase, what_went_to_many_over_ipv6_has_no_way_back, 0,
                        sizeof(ipv6_many) / sizeof(ipv6_many[0]));
    tcase_add_test(tcase, a_broadcast_is_seen_beside_other_data);
    tcase_add_loop_test(tcase, keeps_the_class_but_not_the_congestion_bits, 0, 4);
    tcase_add_test(tcase, leaves_out_what_is_of_no_use);
    tcase_add_test(tcase, adds_the_size_of_segments);
    tcase_add_test(tcase, adds_the_size_of_segments_to_nothing);
    return suite_run("way_back", tcase);
}
