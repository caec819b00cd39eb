/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct addr in4(const char *host, uint16_t port)
{
    struct addr addr = addr_loopback(AF_INET, port);

    ck_assert_int_eq(inet_pton(AF_INET, host, &addr.in.sin_addr), 1);
    return addr;
}

static struct addr in6(const char *host, uint16_t port)
{
    struct addr addr = addr_loopback(AF_INET6, port);

    ck_assert_int_eq(inet_pton(AF_INET6, host, &addr.in6.sin6_addr), 1);
    return addr;
}

static struct addr unix_addr(const char *name)
{
    struct addr addr;

    ck_assert_int_eq(addr_unix(name, &addr), 0);
    return addr;
}

static struct addr vsock(unsigned cid, unsigned port)
{
    return (struct addr){.len = sizeof(struct sockaddr_vm),
                         .vm = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port}};
}

static void assert_format(struct addr addr, const char *expected, const char *expected_host)
{
    char text[ADDR_TEXT_MAX];

    ck_assert_str_eq(addr_format(&addr, text), expected);
    ck_assert_str_eq(addr_format_host(&addr, text), expected_host);
}

START_TEST(format_inet)
{
    assert_format(addr_loopback(AF_INET, 65432), "127.0.0.1:65432", "127.0.0.1");
    assert_format(in4("192.0.2.1", 7), "192.0.2.1:7", "192.0.2.1");
    assert_format(addr_loopback(AF_INET6, 7), "[::1]:7", "::1");
    assert_format(in6("2001:db8::1", 65535), "[2001:db8::1]:65535", "2001:db8::1");
    assert_format(in6("::ffff:192.0.2.1", 7), "[::ffff:192.0.2.1]:7", "::ffff:192.0.2.1");
}
END_TEST

START_TEST(format_scope)
{
    struct addr addr = in6("fe80::1", 7);
    char name[IF_NAMESIZE];

    addr.in6.sin6_scope_id = 2000000000; /* no such interface: the number stays */
    assert_format(addr, "[fe80::1%2000000000]:7", "fe80::1%2000000000");
    addr.in6.sin6_scope_id = 1; /* the loopback interface of every network namespace */
    if (if_indextoname(1, name) && strcmp(name, "lo") == 0)
        assert_format(addr, "[fe80::1%lo]:7", "fe80::1%lo");
}
END_TEST

START_TEST(format_with_the_type)
{
    struct addr local = addr_loopback(AF_INET, 7), path = unix_addr("/run/echod.sock");
    struct addr local6 = addr_loopback(AF_INET6, 7);
    char text[ADDR_TEXT_MAX];

    ck_assert_str_eq(addr_format_typed(&local, SOCK_STREAM, text), "127.0.0.1:7");
    ck_assert_str_eq(addr_format_typed(&local, SOCK_DGRAM, text), "udp://127.0.0.1:7");
    ck_assert_str_eq(addr_format_typed(&local6, SOCK_DGRAM, text), "udp://[::1]:7");
    ck_assert_str_eq(addr_format_typed(&path, SOCK_STREAM, text), "unix:/run/echod.sock");
    ck_assert_str_eq(addr_format_typed(&path, SOCK_DGRAM, text), "unixgram:/run/echod.sock");
}
END_TEST

START_TEST(format_unix)
{
    struct addr unnamed = {.len = sizeof(sa_family_t), .un.sun_family = AF_UNIX};

    assert_format(unix_addr("/run/echod.sock"), "unix:/run/echod.sock", "unix:/run/echod.sock");
    assert_format(unix_addr("@echod"), "unix:@echod", "unix:@echod");
    assert_format(unnamed, "unix:", "unix:");
    assert_format(unix_addr("/a\nb\x1b"), "unix:/a?b?", "unix:/a?b?");
}
END_TEST

START_TEST(format_unix_longest)
{
    char name[sizeof((struct sockaddr_un){0}.sun_path) + 1], text[ADDR_TEXT_MAX];
    struct addr addr = unix_addr("/untouched"), before = addr;

    memset(name, 'x', sizeof(name));
    name[0] = '@';
    name[sizeof(name) - 1] = '\0';
    assert_format(unix_addr(name), strcat(strcpy(text, "unix:"), name), text);
    name[0] = '/'; /* A path needs its NUL, too. */
    ck_assert_int_eq(addr_unix(name, &addr), -ENAMETOOLONG);
    ck_assert_int_eq(addr_unix("", &addr), -EINVAL);
    ck_assert_int_eq(addr_unix("@", &addr), -EINVAL);
    ck_assert(addr_equal(&addr, &before));
    name[sizeof(name) - 2] = '\0';
    assert_format(unix_addr(name), strcat(strcpy(text, "unix:"), name), text);
}
END_TEST

START_TEST(format_vsock)
{
    assert_format(vsock(3, 65432), "vsock:3:65432", "vsock:3");
    assert_format(vsock(VMADDR_CID_ANY, 4000000000), "vsock:any:4000000000", "vsock:any");
}
END_TEST

START_TEST(port)
{
    struct addr inet = addr_loopback(AF_INET, 7), inet6 = addr_loopback(AF_INET6, 65535);
    struct addr vm = vsock(3, 4000000000), local = unix_addr("/x");

    ck_assert_uint_eq(addr_port(&inet), 7);
    ck_assert_uint_eq(addr_port(&inet6), 65535);
    ck_assert_uint_eq(addr_port(&vm), 4000000000);
    ck_assert_uint_eq(addr_port(&local), 0);
}
END_TEST

START_TEST(equal)
{
    struct addr some[] = {
        in4("127.0.0.1", 7), in4("127.0.0.1", 8),   in4("127.0.0.2", 7), in6("::1", 7),
        in6("::1", 8),       in6("::2", 7),         in6("::", 7),        unix_addr("/x"),
        unix_addr("/xy"),    unix_addr("@x"),       vsock(3, 7),         vsock(3, 8),
        vsock(4, 7),         in6("::127.0.0.1", 7),
    };
    size_t count = sizeof(some) / sizeof(some[0]);

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            ck_assert_msg(addr_equal(&some[i], &some[j]) == (i == j), "%zu %zu", i, j);
}
END_TEST

START_TEST(equal_ignores_what_is_no_address)
{
    struct addr a = in4("127.0.0.1", 7), b = a, c = in6("::1", 7), d = c;
    struct addr path = unix_addr("/x"), path_without_nul = path;

    memset(b.in.sin_zero, 0xff, sizeof(b.in.sin_zero));
    ck_assert(addr_equal(&a, &b));
    d.in6.sin6_flowinfo = 1;
    ck_assert(addr_equal(&c, &d));
    d.in6.sin6_scope_id = 1;
    ck_assert(!addr_equal(&c, &d));
    path_without_nul.len--;
    ck_assert(addr_equal(&path, &path_without_nul));
}
END_TEST

START_TEST(wildcard)
{
    struct addr wild[] = {in4("0.0.0.0", 7), in6("::", 7), vsock(VMADDR_CID_ANY, 7)};
    struct addr tame[] = {in4("0.0.0.1", 7), in6("::1", 7), vsock(0, 7), unix_addr("@x")};

    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
        ck_assert(addr_is_wildcard(&wild[i]));
    for (size_t i = 0; i < sizeof(tame) / sizeof(tame[0]); i++)
        ck_assert(!addr_is_wildcard(&tame[i]));
}
END_TEST

START_TEST(of_socket)
{
    struct addr bound = addr_loopback(AF_INET, 0), addr = unix_addr("/untouched"), before = addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(addr_of_socket(-1, &addr), -EBADF);
    ck_assert(addr_equal(&addr, &before));
    ck_assert_int_eq(bind(fd, &bound.sa, bound.len), 0);
    ck_assert_int_eq(addr_of_socket(fd, &addr), 0);
    ck_assert_int_eq(addr.sa.sa_family, AF_INET);
    ck_assert_uint_eq(addr.len, sizeof(struct sockaddr_in));
    ck_assert_uint_ne(addr_port(&addr), 0);
    (void)close(fd);
}
END_TEST

START_TEST(of_peer)
{
    struct addr bound = addr_loopback(AF_INET, 0), addr = bound;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(listener, &bound.sa, bound.len), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(addr_of_peer(listener, &addr), -ENOTCONN);
    ck_assert(addr_equal(&addr, &bound));
    ck_assert_int_eq(addr_of_socket(listener, &bound), 0);
    ck_assert_int_eq(connect(fd, &bound.sa, bound.len), 0);
    ck_assert_int_eq(addr_of_peer(fd, &addr), 0);
    ck_assert(addr_equal(&addr, &bound));
    (void)close(fd);
    (void)close(listener);
}
END_TEST

START_TEST(of_unnamed_unix_socket)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct addr addr;

    ck_assert_int_eq(addr_of_socket(fd, &addr), 0);
    assert_format(addr, "unix:", "unix:");
    (void)close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("addr");
    TCase *tcase = tcase_create("addr");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, format_inet);
    tcase_add_test(tcase, format_scope);
    tcase_add_test(tcase, format_with_the_type);
    tcase_add_test(tcase, format_unix);
    tcase_add_test(tcase, format_unix_longest);
    tcase_add_test(tcase, format_vsock);
    tcase_add_test(tcase, port);
    tcase_add_test(tcase, equal);
    tcase_add_test(tcase, equal_ignores_what_is_no_address);
    tcase_add_test(tcase, wildcard);
    tcase_add_test(tcase, of_socket);
    tcase_add_test(tcase, of_peer);
    tcase_add_test(tcase, of_unnamed_unix_socket);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
