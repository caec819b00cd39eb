/* SPDX-License-Identifier: MIT */
#include "client/path.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

static int option(int fd, int level, int name)
{
    int value = -1;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &(socklen_t){sizeof(value)}), 0);
    return value;
}

static int socket_with(int family, const struct path_options *path)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(path_apply(fd, family, path), 0);
    return fd;
}

static const struct path_options some = {
    .ttl = 5, .dscp = 46, .interface = "lo", .dont_fragment = true};

START_TEST(inet)
{
    int fd = socket_with(AF_INET, &some);

    ck_assert_int_eq(option(fd, IPPROTO_IP, IP_TTL), 5);
    ck_assert_int_eq(option(fd, IPPROTO_IP, IP_TOS), 46 << 2);
    ck_assert_int_eq(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
    (void)close(fd);
}
END_TEST

START_TEST(inet6)
{
    int fd = socket_with(AF_INET6, &some);

    ck_assert_int_eq(option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 5);
    ck_assert_int_eq(option(fd, IPPROTO_IPV6, IPV6_TCLASS), 46 << 2);
    ck_assert_int_eq(option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
    ck_assert_int_eq(option(fd, IPPROTO_IPV6, IPV6_DONTFRAG), 1);
    (void)close(fd);
}
END_TEST

START_TEST(nothing_asked)
{
    int plain = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int fd = socket_with(AF_INET, &(struct path_options){0});

    ck_assert_int_eq(option(fd, IPPROTO_IP, IP_TTL), option(plain, IPPROTO_IP, IP_TTL));
    ck_assert_int_eq(option(fd, IPPROTO_IP, IP_TOS), 0);
    ck_assert_int_eq(option(fd, IPPROTO_IP, IP_MTU_DISCOVER),
                     option(plain, IPPROTO_IP, IP_MTU_DISCOVER));
    (void)close(fd);
    (void)close(plain);
}
END_TEST

START_TEST(mark)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int r = path_apply(fd, AF_INET, &(struct path_options){.mark = 7});

    if (r != -EPERM) { /* for root */
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(option(fd, SOL_SOCKET, SO_MARK), 7);
    }
    (void)close(fd);
}
END_TEST

START_TEST(no_such_interface)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(path_apply(fd, AF_INET, &(struct path_options){.interface = "none.such"}),
                     -ENODEV);
    (void)close(fd);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("path");

    tcase_add_test(tcase, inet);
    tcase_add_test(tcase, inet6);
    tcase_add_test(tcase, nothing_asked);
    tcase_add_test(tcase, mark);
    tcase_add_test(tcase, no_such_interface);
    return suite_run("path", tcase);
}
