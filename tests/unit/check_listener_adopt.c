/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <netinet/udp.h>

#include "listener_case.h"
#include "suite.h"

/* What the service manager passed. */

static int adopt(int fd)
{
    fault.what = NULL;
    return listener_adopt(fd, "some-name", &set, &fault);
}

/* Refused for this reason, and it is as it was. */
static void assert_refused(int fd, const char *reason)
{
    int flags = fcntl(fd, F_GETFL);

    ck_assert_int_eq(adopt(fd), -EINVAL);
    ck_assert_ptr_nonnull(fault.what);
    ck_assert_msg(strstr(fault.what, reason), "\"%s\" is not about \"%s\"", fault.what, reason);
    ck_assert_uint_eq(set.count, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFL), flags);
    (void)close(fd);
}

START_TEST(passed_listener_is_adopted)
{
    struct addr addr = at("127.9.9.9");
    int fd = occupy("127.9.9.9"), client, server;

    ck_assert_int_eq(adopt(fd), 0);
    ck_assert_uint_eq(set.count, 1);
    ck_assert_int_eq(set.list[0].fd, fd);
    ck_assert(set.list[0].passed);
    ck_assert(addr_equal(&set.list[0].addr, &addr));
    ck_assert_str_eq(set.list[0].name, "some-name");
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    client = connect_to("127.9.9.9");
    server = accept_one(fd);
    assert_options(server);
    (void)close(client);
    (void)close(server);
}
END_TEST

START_TEST(backlog_of_a_passed_listener_stays)
{
    int fd = occupy("127.9.9.9");

    ck_assert_int_eq(adopt(fd), 0);
    set.list[0].backlog = BACKLOG;
    listeners_set_backlogs(&set);
    ck_assert_int_eq(listener_backlog(&set.list[0]), 1);
}
END_TEST

START_TEST(passed_unix_listener_is_adopted)
{
    struct addr autobind = {.len = sizeof(sa_family_t), .un = {.sun_family = AF_UNIX}};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, &autobind.sa, autobind.len), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(adopt(fd), 0);
    ck_assert_int_eq(set.list[0].addr.sa.sa_family, AF_UNIX);
    ck_assert_int_lt(listener_backlog(&set.list[0]), 0); /* it cannot be asked */
}
END_TEST

START_TEST(long_name_is_cut)
{
    char name[256];
    int fd = occupy("127.9.9.9");

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(listener_adopt(fd, name, &set, &fault), 0);
    ck_assert_uint_eq(strlen(set.list[0].name), sizeof(set.list[0].name) - 1);
}
END_TEST

START_TEST(passed_pipe_is_refused)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    (void)close(ends[1]);
    assert_refused(ends[0], "no socket");
}
END_TEST

START_TEST(passed_descriptor_that_is_not_open_is_refused)
{
    ck_assert_int_eq(adopt(1000000), -EINVAL);
    ck_assert_ptr_nonnull(fault.what);
}
END_TEST

static const int datagram_families[] = {AF_INET, AF_INET6, AF_UNIX};

START_TEST(passed_datagram_socket_is_adopted)
{
    int family = datagram_families[_i];
    int fd = socket(family, SOCK_DGRAM, 0);
    struct addr addr = addr_loopback(family, 0);

    if (family == AF_UNIX)
        addr = (struct addr){.len = sizeof(sa_family_t), .un = {.sun_family = AF_UNIX}};
    if (bind(fd, &addr.sa, addr.len) < 0 && errno == EADDRNOTAVAIL)
        return; /* A machine without IPv6. */
    ck_assert_int_eq(adopt(fd), 0);
    ck_assert_int_eq(set.list[0].type, SOCK_DGRAM);
    ck_assert(set.list[0].passed);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    if (family == AF_INET)
        ck_assert_int_ne(option(fd, IPPROTO_IP, IP_PKTINFO), 0);
    if (family == AF_INET6) {
        ck_assert_int_ne(option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 0);
        ck_assert_int_ne(option(fd, IPPROTO_IP, IP_RECVTOS), 0); /* of IPv4's datagrams */
    }
}
END_TEST

START_TEST(passed_datagram_socket_has_only_our_options)
{
    static const struct {
        int level, name;
    } options[] = {{SOL_SOCKET, SO_BROADCAST},
                   {SOL_SOCKET, SO_TIMESTAMPING},
                   {IPPROTO_UDP, UDP_GRO},
                   {IPPROTO_IP, IP_RECVERR}};
    struct addr addr = addr_loopback(AF_INET, 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        ck_assert_int_eq(setsockopt(fd, options[i].level, options[i].name, &(int){1}, sizeof(int)),
                         0);
    ck_assert_int_eq(adopt(fd), 0);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        ck_assert_int_eq(option(fd, options[i].level, options[i].name), 0);
}
END_TEST

START_TEST(passed_datagram_socket_without_an_address_is_refused)
{
    assert_refused(socket(AF_INET, SOCK_DGRAM, 0), "bound to no address");
    assert_refused(socket(AF_UNIX, SOCK_DGRAM, 0), "bound to no address");
}
END_TEST

START_TEST(passed_socket_of_another_type_is_refused)
{
    assert_refused(socket(AF_UNIX, SOCK_SEQPACKET, 0), "neither a stream nor a datagram socket");
}
END_TEST

START_TEST(passed_socket_of_another_family_is_refused)
{
    assert_refused(socket(AF_NETLINK, SOCK_RAW, 0), "family");
}
END_TEST

START_TEST(passed_connection_is_refused)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_refused(pair[0], "listen");
    assert_refused(pair[1], "listen");
    ck_assert_int_eq(OPEN("127.1.2.3"), 0);
    pool = set;
    set = (struct listener_set){0};
    assert_refused(connect_to("127.1.2.3"), "listen");
    assert_refused(accept_one(pool.list[0].fd), "listen");
}
END_TEST

START_TEST(passed_socket_that_is_only_bound_is_refused)
{
    assert_refused(dup(reservation), "listen");
}
END_TEST

/* What an earlier process of ours left. */

static int recover(int fd)
{
    fault.what = NULL;
    return listener_recover(fd, 7, &(struct socket_file){.inode = 0}, &pool, &fault);
}

START_TEST(recovered_listener_is_used_again)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    int fd;

    ck_assert_int_eq(OPEN_TYPE(types[_i], "127.1.2.3"), 0);
    fd = set.list[0].fd;
    free(set.list);
    set = (struct listener_set){0};
    ck_assert_int_eq(recover(fd), 0);
    ck_assert_int_eq(OPEN_TYPE(types[_i], "127.1.2.3", "127.1.2.4"), 0);
    ck_assert_int_eq(set.list[0].fd, fd);
    ck_assert_uint_eq(set.list[0].stored, 7);
    ck_assert(!set.list[0].passed);
    ck_assert_uint_eq(set.list[1].stored, 0);
}
END_TEST

START_TEST(what_does_not_listen_is_not_recovered)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(recover(fd), -EINVAL);
    ck_assert_ptr_nonnull(fault.what);
    ck_assert_uint_eq(pool.count, 0);
    (void)close(fd);
}
END_TEST

/* It gets nothing any more; the process ended before it could be removed from the store. */
START_TEST(retired_listener_is_not_recovered)
{
    struct listener_set none = {0};

    ck_assert_int_eq(OPEN_TYPE(SOCK_DGRAM, "127.1.2.3"), 0);
    listeners_retire(&set, &none);
    ck_assert_int_eq(recover(set.list[0].fd), -ESTALE);
    ck_assert_ptr_nonnull(fault.what);
    ck_assert_uint_eq(pool.count, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("listener_adopt");

    listener_case(tcase);
    tcase_add_test(tcase, passed_listener_is_adopted);
    tcase_add_test(tcase, backlog_of_a_passed_listener_stays);
    tcase_add_test(tcase, passed_unix_listener_is_adopted);
    tcase_add_test(tcase, long_name_is_cut);
    tcase_add_test(tcase, passed_pipe_is_refused);
    tcase_add_test(tcase, passed_descriptor_that_is_not_open_is_refused);
    tcase_add_loop_test(tcase, passed_datagram_socket_is_adopted, 0, 3);
    tcase_add_test(tcase, passed_datagram_socket_has_only_our_options);
    tcase_add_test(tcase, passed_datagram_socket_without_an_address_is_refused);
    tcase_add_test(tcase, passed_socket_of_another_type_is_refused);
    tcase_add_test(tcase, passed_socket_of_another_family_is_refused);
    tcase_add_test(tcase, passed_connection_is_refused);
    tcase_add_test(tcase, passed_socket_that_is_only_bound_is_refused);
    tcase_add_loop_test(tcase, recovered_listener_is_used_again, 0, 2);
    tcase_add_test(tcase, what_does_not_listen_is_not_recovered);
    tcase_add_test(tcase, retired_listener_is_not_recovered);
    return suite_run("listener_adopt", tcase);
}
