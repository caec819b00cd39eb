/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include "listener_case.h"
#include "suite.h"

/* UDP sockets: how they are opened, and who gets a datagram while two of them overlap. */

/*
 * A UDP port cannot be kept as one of TCP can. So it is one that nobody is given without asking,
 * below those of ip_local_port_range, and each process that asks like this begins elsewhere.
 */
static void choose_port(void)
{
    enum { FIRST = 10000, COUNT = 22768 };
    struct addr any = {.len = sizeof(any.in), .in = {.sin_family = AF_INET}};
    int r = -1;

    for (int i = 0; i < COUNT && r < 0; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);

        port = (uint16_t)(FIRST + (getpid() + i) % COUNT);
        any.in.sin_port = htons(port);
        r = bind(fd, &any.sa, any.len);
        (void)close(fd);
    }
    ck_assert_int_eq(r, 0);
}

static int udp_open(const char *host)
{
    int r = OPEN_TYPE(SOCK_DGRAM, host);

    return r < 0 ? r : set.list[0].fd;
}

/* bind(2) of a stranger with the same user: 0, or the errno. */
static int stranger_binds(const char *host, int its_option)
{
    struct addr addr = at(host);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int r;

    turn_on(fd, its_option);
    r = bind(fd, &addr.sa, addr.len) < 0 ? errno : 0;
    (void)close(fd);
    return r;
}

/* A datagram over loopback is in the queue, or nowhere, when sendto(2) returns. */
static void send_number(const char *host, int number)
{
    struct addr addr = at(host);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    ck_assert_int_eq(sendto(fd, &number, sizeof(number), 0, &addr.sa, addr.len), sizeof(number));
    (void)close(fd);
}

/* How many datagrams wait; each that does is marked in seen. */
static int receive_all(int fd, bool *seen)
{
    int number, count = 0;

    while (recv(fd, &number, sizeof(number), 0) == sizeof(number)) {
        ck_assert(!seen[number]);
        seen[number] = true;
        count++;
    }
    ck_assert_int_eq(errno, EAGAIN);
    return count;
}

/* To anybody, as before. */
static void assert_answers(int fd)
{
    struct addr addr = addr_loopback(AF_INET, 0);
    int peer = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    char byte;

    ck_assert_int_eq(bind(peer, &addr.sa, addr.len), 0);
    ck_assert_int_eq(addr_of_socket(peer, &addr), 0);
    ck_assert_int_eq(sendto(fd, "x", 1, 0, &addr.sa, addr.len), 1);
    ck_assert_int_eq(recv(peer, &byte, 1, 0), 1);
    (void)close(peer);
}

START_TEST(socket_tells_where_its_datagrams_came_to)
{
    int fd = udp_open("127.1.2.3");

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(set.list[0].type, SOCK_DGRAM);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_ne(option(fd, IPPROTO_IP, IP_PKTINFO), 0);
    ck_assert_int_ne(option(fd, IPPROTO_IP, IP_RECVTOS), 0);
    ck_assert_int_eq(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT);
}
END_TEST

START_TEST(socket_of_ipv6_is_for_ipv6_alone)
{
    struct listener_wanted wanted = {
        .type = SOCK_DGRAM, .addr = addr_loopback(AF_INET6, port), .optional = true};

    ck_assert_int_eq(listeners_open(&wanted, 1, &pool, &set, &fault), 0);
    if (set.count == 0)
        return; /* A machine without IPv6. */
    ck_assert_int_ne(option(set.list[0].fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    ck_assert_int_ne(option(set.list[0].fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 0);
    ck_assert_int_ne(option(set.list[0].fd, IPPROTO_IPV6, IPV6_RECVTCLASS), 0);
}
END_TEST

START_TEST(tcp_and_udp_share_an_address)
{
    struct listener_wanted wanted[] = {
        {.type = SOCK_STREAM, .backlog = BACKLOG, .addr = at("127.1.2.3")},
        {.type = SOCK_DGRAM, .addr = at("127.1.2.3")}};

    ck_assert_int_eq(listeners_open(wanted, 2, &pool, &set, &fault), 0);
    ck_assert_uint_eq(set.count, 2);
    ck_assert_ptr_eq(listeners_find(&set, SOCK_DGRAM, &wanted[1].addr), &set.list[1]);
    set.list[0].backlog = BACKLOG + 1;
    listeners_set_backlogs(&set);
    ck_assert_int_eq(listener_backlog(&set.list[0]), BACKLOG + 1);
}
END_TEST

START_TEST(stranger_cannot_take_the_port)
{
    ck_assert_int_ge(udp_open("127.1.2.3"), 0);
    for (size_t i = 0; i < 2; i++) {
        const char *host = i ? "0.0.0.0" : "127.1.2.3";

        ck_assert_int_eq(stranger_binds(host, SO_REUSEADDR), EADDRINUSE);
        ck_assert_int_eq(stranger_binds(host, SO_REUSEPORT), EADDRINUSE);
    }
}
END_TEST

START_TEST(failure_names_the_type)
{
    struct addr addr = at("127.9.9.9");
    int stranger = socket(AF_INET, SOCK_DGRAM, 0);

    ck_assert_int_eq(bind(stranger, &addr.sa, addr.len), 0);
    ck_assert_int_eq(udp_open("127.9.9.9"), -EADDRINUSE);
    ck_assert_int_eq(fault.wanted.type, SOCK_DGRAM);
    ck_assert_str_eq(fault.what, "bind");
    (void)close(stranger);
}
END_TEST

/*
 * While the old socket and the new one are both there, each datagram is in exactly one of the
 * two, and what waited in the old one stays there.
 */
static const char *const overlaps[][2] = {{"127.0.0.1", "0.0.0.0"}, {"0.0.0.0", "127.0.0.1"}};

START_TEST(overlap_loses_no_datagram)
{
    enum { BEFORE = 50, ALL = 100 };
    bool seen[ALL] = {false};
    int old = udp_open(overlaps[_i][0]), new;

    ck_assert_int_ge(old, 0);
    set_becomes_pool();
    for (int i = 0; i < BEFORE; i++)
        send_number("127.0.0.1", i);
    new = udp_open(overlaps[_i][1]);
    ck_assert_int_ge(new, 0);
    ck_assert_int_ne(new, old);
    for (int i = BEFORE; i < ALL; i++)
        send_number("127.0.0.1", i);
    ck_assert_int_eq(receive_all(old, seen) + receive_all(new, seen), ALL);
    ck_assert_int_eq(option(old, SOL_SOCKET, SO_REUSEPORT), 0);
    ck_assert_int_eq(option(new, SOL_SOCKET, SO_REUSEPORT), 0);
    ck_assert_int_eq(stranger_binds("127.0.0.1", SO_REUSEPORT), EADDRINUSE);
}
END_TEST

/* Also in between, once the old one was told that it goes. */
START_TEST(retired_socket_gets_no_more)
{
    bool seen[2] = {false};
    int old = udp_open(overlaps[_i][0]), new;

    ck_assert_int_ge(old, 0);
    set_becomes_pool();
    send_number("127.0.0.1", 0);
    new = udp_open(overlaps[_i][1]);
    ck_assert_int_ge(new, 0);
    listeners_retire(&pool, &set);
    send_number("127.0.0.1", 1);
    ck_assert_int_eq(receive_all(old, seen), 1);
    ck_assert(seen[0]);
    ck_assert_int_eq(receive_all(new, seen), 1);
    assert_answers(old);
}
END_TEST

START_TEST(kept_socket_is_not_retired)
{
    bool seen[1] = {false};

    ck_assert_int_ge(udp_open("127.0.0.1"), 0);
    set_becomes_pool();
    ck_assert_int_ge(udp_open("127.0.0.1"), 0);
    listeners_retire(&pool, &set);
    send_number("127.0.0.1", 0);
    ck_assert_int_eq(receive_all(set.list[0].fd, seen), 1);
}
END_TEST

START_TEST(new_socket_gets_all_when_the_old_one_is_gone)
{
    bool seen[1] = {false};

    ck_assert_int_ge(udp_open(overlaps[_i][0]), 0);
    set_becomes_pool();
    ck_assert_int_ge(udp_open(overlaps[_i][1]), 0);
    set_becomes_pool();
    send_number("127.0.0.1", 0);
    ck_assert_int_eq(receive_all(pool.list[0].fd, seen), 1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("listener_udp");

    listener_case(tcase);
    tcase_add_checked_fixture(tcase, choose_port, NULL);
    tcase_add_test(tcase, socket_tells_where_its_datagrams_came_to);
    tcase_add_test(tcase, socket_of_ipv6_is_for_ipv6_alone);
    tcase_add_test(tcase, tcp_and_udp_share_an_address);
    tcase_add_test(tcase, stranger_cannot_take_the_port);
    tcase_add_test(tcase, failure_names_the_type);
    tcase_add_loop_test(tcase, overlap_loses_no_datagram, 0, 2);
    tcase_add_loop_test(tcase, retired_socket_gets_no_more, 0, 2);
    tcase_add_test(tcase, kept_socket_is_not_retired);
    tcase_add_loop_test(tcase, new_socket_gets_all_when_the_old_one_is_gone, 0, 2);
    return suite_run("listener_udp", tcase);
}
