/* SPDX-License-Identifier: MIT */
#include "client/target.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static struct target good(const char *text)
{
    struct target target;
    const char *problem = "";

    ck_assert_msg(target_parse(text, &target, &problem) == 0, "%s: %s", text, problem);
    return target;
}

static void assert_tcp(const char *text, const char *host, uint16_t port, const char *shown)
{
    struct target target = good(text);

    ck_assert_int_eq(target.kind, TARGET_TCP);
    ck_assert_str_eq(target.host, host);
    ck_assert_uint_eq(target.port, port);
    ck_assert_str_eq(target.text, shown);
}

static void assert_problem(const char *text, const char *word)
{
    struct target target = {.port = 42};
    const char *problem = NULL;

    ck_assert_msg(target_parse(text, &target, &problem) == -EINVAL, "%s was taken", text);
    ck_assert_msg(strstr(problem, word) != NULL, "%s: %s", text, problem);
    ck_assert_uint_eq(target.port, 42);
}

START_TEST(host)
{
    assert_tcp("localhost", "localhost", 65432, "localhost:65432");
    assert_tcp("192.0.2.1", "192.0.2.1", 65432, "192.0.2.1:65432");
    assert_tcp("check", "check", 65432, "check:65432");
    assert_tcp("tcp://echo.example", "echo.example", 65432, "echo.example:65432");
    assert_tcp(TARGET_DEFAULT, "127.0.0.1", TARGET_PORT_DEFAULT, TARGET_DEFAULT);
}
END_TEST

START_TEST(host_and_port)
{
    assert_tcp("localhost:7", "localhost", 7, "localhost:7");
    assert_tcp("192.0.2.1:65535", "192.0.2.1", 65535, "192.0.2.1:65535");
    assert_tcp("tcp://a-b.example:1", "a-b.example", 1, "a-b.example:1");
    assert_tcp("h:00007", "h", 7, "h:7");
    assert_tcp("unix", "unix", 65432, "unix:65432");
}
END_TEST

START_TEST(ipv6)
{
    assert_tcp("::1", "::1", 65432, "[::1]:65432");
    assert_tcp("[::1]", "::1", 65432, "[::1]:65432");
    assert_tcp("[::1]:7", "::1", 7, "[::1]:7");
    assert_tcp("tcp://[2001:db8::1]:7", "2001:db8::1", 7, "[2001:db8::1]:7");
    assert_tcp("tcp://2001:db8::1", "2001:db8::1", 65432, "[2001:db8::1]:65432");
    assert_tcp("[192.0.2.1]:7", "192.0.2.1", 7, "192.0.2.1:7");
    assert_tcp("fe80::1%lo", "fe80::1%lo", 65432, "[fe80::1%lo]:65432");
    assert_tcp("[fe80::1%lo]:7", "fe80::1%lo", 7, "[fe80::1%lo]:7");
    assert_tcp("::ffff:192.0.2.1", "::ffff:192.0.2.1", 65432, "[::ffff:192.0.2.1]:65432");
    /* A port cannot be told from the last group: the brackets are there for it. */
    assert_tcp("::1:7", "::1:7", 65432, "[::1:7]:65432");
}
END_TEST

START_TEST(unix_socket)
{
    struct target target = good("unix:/run/echod.sock");

    ck_assert_int_eq(target.kind, TARGET_UNIX);
    ck_assert_str_eq(target.addr.un.sun_path, "/run/echod.sock");
    ck_assert_str_eq(target.text, "unix:/run/echod.sock");
    target = good("unix:///run/echod.sock");
    ck_assert_str_eq(target.addr.un.sun_path, "/run/echod.sock");
    target = good("unix:@name");
    ck_assert_mem_eq(target.addr.un.sun_path, "\0name", 5);
    ck_assert_uint_eq(target.addr.len, offsetof(struct sockaddr_un, sun_path) + 5);
    ck_assert_str_eq(target.text, "unix:@name");
}
END_TEST

START_TEST(udp)
{
    struct target target = good("udp://localhost:7");

    ck_assert_int_eq(target.kind, TARGET_UDP);
    ck_assert_str_eq(target.host, "localhost");
    ck_assert_uint_eq(target.port, 7);
    ck_assert_str_eq(target.text, "udp://localhost:7");
    target = good("udp://::1");
    ck_assert_str_eq(target.text, "udp://[::1]:65432");
    assert_problem("udp://", "host is missing");
    assert_problem("udp://h:0", "1..65535");
}
END_TEST

START_TEST(unix_datagrams)
{
    struct target target = good("unixgram:/run/x");

    ck_assert_int_eq(target.kind, TARGET_UNIXGRAM);
    ck_assert_str_eq(target.addr.un.sun_path, "/run/x");
    ck_assert_str_eq(target.text, "unixgram:/run/x");
    assert_problem("unixgram:x", "begins with");
}
END_TEST

START_TEST(vsock)
{
    struct target target = good("vsock:2:4294967294");

    ck_assert_int_eq(target.kind, TARGET_VSOCK);
    ck_assert_int_eq(target.addr.vm.svm_family, AF_VSOCK);
    ck_assert_uint_eq(target.addr.vm.svm_cid, 2);
    ck_assert_uint_eq(target.addr.vm.svm_port, UINT32_MAX - 1);
    ck_assert_str_eq(target.text, "vsock:2:4294967294");
    assert_problem("vsock:", "CID:PORT");
    assert_problem("vsock:2", "CID:PORT");
    assert_problem("vsock::7", "CID is not");
    assert_problem("vsock:4294967295:7", "CID is not");
    assert_problem("vsock:11111111111:7", "CID is too long");
    assert_problem("vsock:2:", "port is not");
    assert_problem("vsock:2:-1", "port is not");
    assert_problem("vsock:2:4294967295", "port is not");
}
END_TEST

START_TEST(kinds)
{
    static const struct {
        const char *text;
        bool has_host;
        int type;
    } rows[] = {
        {"h", true, SOCK_STREAM},          {"udp://h", true, SOCK_DGRAM},
        {"unix:/x", false, SOCK_STREAM},   {"unixgram:/x", false, SOCK_DGRAM},
        {"vsock:1:1", false, SOCK_STREAM},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum target_kind kind = good(rows[i].text).kind;

        ck_assert(target_has_host(kind) == rows[i].has_host);
        ck_assert_int_eq(target_socket_type(kind), rows[i].type);
    }
}
END_TEST

START_TEST(bad_schemes)
{
    assert_problem("http://localhost/", "unknown scheme");
    assert_problem("TCP://localhost", "unknown scheme");
    assert_problem("udp:localhost:7", "neither HOST:PORT nor an IPv6 address");
}
END_TEST

START_TEST(bad_ports)
{
    assert_problem("h:", "port is not a number");
    assert_problem("h:http", "port is not a number");
    assert_problem("h:-1", "port is not a number");
    assert_problem("h:+1", "port is not a number");
    assert_problem("h: 1", "port is not a number");
    assert_problem("h:0", "1..65535");
    assert_problem("h:65536", "1..65535");
    assert_problem("h:99999999999999999999999", "1..65535");
    assert_problem("[::1]:0", "1..65535");
    assert_problem("[::1]:", "port is not a number");
}
END_TEST

START_TEST(bad_hosts)
{
    assert_problem("", "host is missing");
    assert_problem(":7", "host is missing");
    assert_problem("tcp://", "host is missing");
    assert_problem("tcp://:7", "host is missing");
    assert_problem("a b", "character");
    assert_problem("a\nb:7", "character");
    assert_problem("a/b", "character");
    assert_problem("user@host:7", "character");
    assert_problem("[::1", "bracket is missing");
    assert_problem("[::1]7", "colon");
    assert_problem("[localhost]:7", "not an IPv6 address");
    assert_problem("[]", "host is missing");
    assert_problem("1::2::3", "neither");
    assert_problem("fe80::1%", "neither");
}
END_TEST

START_TEST(bad_unix_sockets)
{
    assert_problem("unix:", "begins with");
    assert_problem("unix:relative", "begins with");
    assert_problem("unix:@", "name is missing");
    assert_problem("unix://host/path", "no host");
}
END_TEST

START_TEST(lengths)
{
    char text[300], expected[300];

    memset(text, 'h', sizeof(text));
    text[253] = '\0';
    assert_tcp(text, text, 65432, strcat(strcpy(expected, text), ":65432"));
    text[253] = 'h';
    text[254] = '\0';
    assert_problem(text, "too long");
    memcpy(text, "unix:/", 6);
    assert_problem(text, "longer");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("target");
    TCase *tcase = tcase_create("target");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, host);
    tcase_add_test(tcase, host_and_port);
    tcase_add_test(tcase, ipv6);
    tcase_add_test(tcase, unix_socket);
    tcase_add_test(tcase, udp);
    tcase_add_test(tcase, unix_datagrams);
    tcase_add_test(tcase, vsock);
    tcase_add_test(tcase, kinds);
    tcase_add_test(tcase, bad_schemes);
    tcase_add_test(tcase, bad_ports);
    tcase_add_test(tcase, bad_hosts);
    tcase_add_test(tcase, bad_unix_sockets);
    tcase_add_test(tcase, lengths);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
