/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "client_run.h"
#include "echo_servers.h"

/* The real echo-client, $ECHO_CLIENT, against servers that misbehave. */

static char directory[] = "/tmp/check_client.XXXXXX", socket_path[sizeof(directory) + 16];

/* TEXT is one line with these facts in it; without any, it is empty. */
static void assert_text(const char *text, const char *fact1, const char *fact2, const char *fact3)
{
    if (!fact1) {
        ck_assert_str_eq(text, "");
        return;
    }
    ck_assert_msg(strstr(text, fact1) && strstr(text, fact2) && strstr(text, fact3),
                  "%s / %s / %s are not all in: %s", fact1, fact2, fact3, text);
    ck_assert_msg(strchr(text, '\n') == text + strlen(text) - 1, "not one line: %s", text);
}

static void assert_intact(const struct run *run, const char *target, const char *fact)
{
    ck_assert_msg(run->status == 0, "exit %d: %s", run->status, run->err);
    assert_text(run->out, target, fact, " in ");
    assert_text(run->err, NULL, NULL, NULL);
}

static void assert_failure(const struct run *run, const char *target, const char *cause,
                           const char *fact)
{
    ck_assert_msg(run->status == 2, "exit %d: %s%s", run->status, run->out, run->err);
    assert_text(run->out, NULL, NULL, NULL);
    assert_text(run->err, target, cause, fact);
}

/* Runs the program with these options, at most six, against the server. */
static struct run run_against(struct server *server, const char *const *options)
{
    const char *argv[9] = {client_path()};
    size_t count = 1;
    struct run run;

    for (size_t i = 0; i < 6 && options[i]; i++)
        argv[count++] = options[i];
    server_start(server);
    argv[count] = server->target;
    run = client_run(argv);
    server_stop(server);
    return run;
}

/* Servers that do what they should, or nearly so. */

static const struct {
    void (*serve)(const struct server *server, int fd);
    const char *options[6];
    const char *fact;
} intact[] = {
    {serve_echo, {NULL}, "\"Hello, world\""},
    {serve_echo, {"-t", "60", "-4"}, " ms\n"},
    {serve_echo,
     {"--message", "a \"b\" \\ \t\n\x1b[31m\xff"},
     "\"a \\\"b\\\" \\\\ \\t\\n\\x1b[31m\\xff\""},
    {serve_echo, {"--size", "1"}, "1 byte "},
    {serve_echo, {"--size", "65535"}, "intact"},
    {serve_echo, {"--size", "65536"}, "intact"},
    {serve_echo, {"--size", "65537"}, "intact"},
    {serve_echo, {"--size", "3000001"}, "intact"},
    {serve_echo, {"--size", "64m", "-t", "100"}, "64.0 MiB"},
    {serve_slowly, {"--size", "64M", "-t", "100"}, "64.0 MiB"},
    {serve_bytewise, {"--size", "20K", "-t", "100"}, "20.0 KiB"},
    {serve_echo_and_hold, {"-t", "1.5"}, "did not close"},
    {serve_echo_and_reset, {"-m", "x"}, "\"x\""},
};

START_TEST(comes_back_intact)
{
    struct server server = {.serve = intact[_i].serve};
    struct run run = run_against(&server, intact[_i].options);

    assert_intact(&run, server.target, intact[_i].fact);
}
END_TEST

/* Servers that do not. */

static const struct {
    void (*serve)(const struct server *server, int fd);
    size_t at;
    const char *options[6];
    const char *cause, *fact;
} broken[] = {
    {serve_short, 0, {NULL}, "closed early", "after 0 of 12"},
    {serve_short, 1, {NULL}, "closed early", "after 1 of 12"},
    {serve_short, 11, {NULL}, "closed early", "after 11 of 12"},
    {serve_flipped, 0, {"--size", "1"}, "wrong byte", "offset 0:"},
    {serve_flipped, 99, {"--size", "100"}, "wrong byte", "offset 99:"},
    {serve_flipped, 2500001, {"-s", "3M", "-t", "100"}, "wrong byte", "offset 2500001:"},
    {serve_flipped, 7, {NULL}, "expected 0x77 'w'", "found 0x76 'v'"},
    {serve_with_a_gap, 4, {NULL}, "wrong byte", "offset 4:"},
    {serve_surplus_at_once, 0, {NULL}, "surplus", "offset 12:"},
    {serve_surplus_at_the_end, 0, {"-s", "100K"}, "surplus", "offset 102400:"},
    {serve_reset, 5, {NULL}, "reset", "0 of 12"},
    {serve_silence, 0, {"--timeout", "0.2"}, "timed out", "0 of 12"},
    {serve_nothing, 0, {"-t", ".2", "-s", "64M"}, "timed out", "0 of 67108864"},
};

START_TEST(does_not_come_back_intact)
{
    struct server server = {.serve = broken[_i].serve, .at = broken[_i].at};
    struct run run = run_against(&server, broken[_i].options);

    assert_failure(&run, server.target, broken[_i].cause, broken[_i].fact);
}
END_TEST

/* Servers in other places, and in none. */

START_TEST(ipv6)
{
    struct server server = {.serve = serve_echo, .addr = addr_loopback(AF_INET6, 0)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool possible = fd >= 0 && bind(fd, &server.addr.sa, server.addr.len) == 0;
    struct run run;

    if (fd >= 0)
        (void)close(fd);
    if (!possible)
        return;
    run = run_against(&server, (const char *const[]){"-6", NULL});
    assert_intact(&run, "[::1]:", "Hello, world");
}
END_TEST

START_TEST(host_name)
{
    struct server server = {.serve = serve_echo};
    char target[64];
    struct run run;

    server_start(&server);
    /* Where localhost is ::1 first, that one refuses and the next is tried. */
    (void)snprintf(target, sizeof(target), "tcp://localhost:%s", strchr(server.target, ':') + 1);
    run = CLIENT(target);
    server_stop(&server);
    assert_intact(&run, server.target, "localhost:");
}
END_TEST

static void check_unix(const char *name)
{
    struct server server = {.serve = serve_echo};
    struct run run;

    ck_assert_int_eq(addr_unix(name, &server.addr), 0);
    run = run_against(&server, (const char *const[]){"--size", "1M", NULL});
    assert_intact(&run, "unix:", name);
}

START_TEST(unix_path)
{
    check_unix(socket_path);
}
END_TEST

START_TEST(unix_abstract)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "@check_client.%d", getpid());
    check_unix(name);
}
END_TEST

START_TEST(refused)
{
    char target[ADDR_TEXT_MAX];
    int fd = listen_on(addr_loopback(AF_INET, 0), -1, target); /* the port is ours, and silent */
    struct run run = CLIENT(target);

    (void)close(fd);
    assert_failure(&run, target, "refused", "echod");
}
END_TEST

static const int full_families[] = {AF_INET, AF_UNIX};

/* A listener whose queue is full: TCP's connect(2) waits, a Unix socket's says EAGAIN. */
START_TEST(full_queue)
{
    struct addr addr = addr_loopback(AF_INET, 0);
    char name[64], target[ADDR_TEXT_MAX];
    int listener, fds[4];
    struct run run;

    (void)snprintf(name, sizeof(name), "@check_client.full.%d", getpid());
    if (full_families[_i] == AF_UNIX)
        ck_assert_int_eq(addr_unix(name, &addr), 0);
    listener = listen_on(addr, 0, target);
    ck_assert_int_eq(addr_of_socket(listener, &addr), 0);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fds[i], &addr.sa, addr.len);
    }
    run = CLIENT("-t", "0.2", target);
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
    (void)close(listener);
    assert_failure(&run, target, "timed out", "connecting");
}
END_TEST

START_TEST(nobody_there)
{
    struct run run = CLIENT("unix:/nonexistent/socket");

    assert_failure(&run, "unix:/nonexistent/socket", "cannot connect", "No such file");
    run = CLIENT("-6", "127.0.0.1:7");
    assert_failure(&run, "127.0.0.1:7", "look up", "family");
}
END_TEST

START_TEST(quiet)
{
    struct server server = {.serve = serve_echo};
    struct run run = run_against(&server, (const char *const[]){"-q", NULL});

    ck_assert_int_eq(run.status, 0);
    ck_assert_str_eq(run.out, "");
    ck_assert_str_eq(run.err, "");
}
END_TEST

/* Nothing is known about a server. */

static const struct {
    const char *argument[5];
    const char *word; /* in the message */
} wrongs[] = {
    {{"http://localhost:7"}, "unknown scheme"},
    {{"udp://localhost:7", "-s", "65508"}, "65507"},
    {{"--count", "0"}, "--count"},
    {{"--count", "1001"}, "--count"},
    {{"--count", "11", "-i", "1"}, "--interval"},
    {{"--interval", "1d"}, "--interval"},
    {{"--warning", "20:10"}, "--warning"},
    {{"--critical", "50ms"}, "--critical"},
    {{"--crit-loss", "x%"}, "--crit-loss"},
    {{"--warn-p95", ""}, "--warn-p95"},
    {{"--warn-jitter", "20%"}, "--warn-jitter"},
    {{"localhost:0"}, "localhost:0"},
    {{"localhost:http"}, "localhost:http"},
    {{""}, "host is missing"},
    {{"--size", "0"}, "--size"},
    {{"--size", "1025M"}, "--size"},
    {{"--size", "2G"}, "--size"},
    {{"--size", "99999999999999999999"}, "--size"},
    {{"--size", "18014398509481985K"}, "--size"}, /* 1024 after an overflow of 64 bits */
    {{"--size", "K"}, "--size"},
    {{"--size", "1KB"}, "--size"},
    {{"--size", "-1"}, "--size"},
    {{"--size", "1", "--message", "x"}, "--message"},
    {{"--message", ""}, "--message"},
    {{"--timeout", "0"}, "--timeout"},
    {{"--timeout", "-1"}, "--timeout"},
    {{"--timeout", "inf"}, "--timeout"},
    {{"--timeout", "1e3"}, "--timeout"},
    {{"--timeout", "1.2.3"}, "--timeout"},
    {{"--timeout", "."}, "--timeout"},
    {{"--timeout", "86401"}, "--timeout"},
    {{"--timeout"}, "timeout"},
    {{"-4", "-6"}, "-6"},
    {{"-4", "unix:/x"}, "-4"},
    {{"--proxy-protocol", "v3"}, "v1, v2"},
    {{"--proxy-protocol", "v1", "udp://h"}, "datagrams"},
    {{"--source", "localhost"}, "--source"},
    {{"--source", ""}, "--source"},
    {{"--source", "::1", "-4"}, "--source"},
    {{"--source", "::1", "unix:/x"}, "--source"},
    {{"pipe", "h", "i"}, "\"i\": one too many; allowed: 1 at most"},
    {{"--nonsense"}, "nonsense"},
    {{"-x"}, "x"},
};

START_TEST(usage)
{
    const char *argv[6] = {client_path()};
    struct run run;

    memcpy(argv + 1, wrongs[_i].argument, sizeof(wrongs[_i].argument));
    run = client_run(argv);
    ck_assert_int_eq(run.status, 3);
    ck_assert_str_eq(run.out, "");
    ck_assert_msg(strstr(run.err, wrongs[_i].word) && strstr(run.err, "--help"), "%s", run.err);
}
END_TEST

static void assert_fits_a_screen(const char *text, size_t height)
{
    size_t lines = 0, width = 0;

    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        lines++;
        width = strcspn(line, "\n") > width ? strcspn(line, "\n") : width;
    }
    ck_assert_uint_le(lines, height);
    ck_assert_uint_le(width, 80);
}

/* Load has more options than lines of the smallest terminal. */
static const struct {
    const char *mode;
    size_t lines;
} helps[] = {{"check", 24}, {"load", 25}, {"pipe", 24}, {"ping", 24}};

START_TEST(help)
{
    struct run run = CLIENT(helps[_i].mode, "--help");

    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_nonnull(strstr(run.out, "--timeout"));
    assert_fits_a_screen(run.out, helps[_i].lines);
}
END_TEST

START_TEST(help_and_version)
{
    struct run run = CLIENT("--help");

    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_nonnull(strstr(run.out, "  check "));
    assert_fits_a_screen(run.out, 24);
    run = CLIENT("--version");
    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_eq(strstr(run.out, "echo-client"), run.out);
    ck_assert_str_eq(CLIENT("check", "--version").out, run.out);
    /* The letters that the guidelines for plugins want. */
    ck_assert_str_eq(CLIENT("check", "-V").out, run.out);
    ck_assert_str_eq(CLIENT("-V").out, run.out);
    ck_assert_str_eq(CLIENT("check", "-h").out, CLIENT("check", "--help").out);
    ck_assert_str_eq(CLIENT("-h").out, CLIENT("--help").out);
}
END_TEST

/* The server sees the address that was asked for. */
static void serve_if_from_source(const struct server *server, int fd)
{
    struct addr peer;

    if (addr_of_peer(fd, &peer) == 0 && peer.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK + 41))
        serve_echo(server, fd);
}

START_TEST(source)
{
    struct server server = {.serve = serve_if_from_source};
    struct run run = run_against(&server, (const char *const[]){"--source", "127.0.0.42", NULL});

    assert_intact(&run, server.target, "Hello, world");
    run = CLIENT("--source", "192.0.2.1", "127.0.0.1:1");
    ck_assert_int_eq(run.status, 3); /* it is not the server's fault */
    assert_text(run.err, "127.0.0.1:1", "this side", strerror(EADDRNOTAVAIL));
}
END_TEST

START_TEST(output_cannot_be_written)
{
    struct server server = {.serve = serve_echo};
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int err = memfd_create("err", MFD_CLOEXEC);
    char text[256];
    int status;

    server_start(&server);
    status = client_run_to(CLIENT_ARGS(server.target), full, err);
    server_stop(&server);
    client_take_text(err, text, sizeof(text));
    (void)close(full);
    ck_assert_int_eq(status, 3);
    ck_assert_ptr_nonnull(strstr(text, strerror(ENOSPC)));
}
END_TEST

/* Echoes what comes after a header that is as it should be. */
static void serve_after_proxy_header(const struct server *server, int fd)
{
    struct addr own, peer;
    char expected[128], header[sizeof(expected)];
    int length;

    ck_assert_int_eq(addr_of_socket(fd, &own), 0);
    ck_assert_int_eq(addr_of_peer(fd, &peer), 0);
    length = snprintf(expected, sizeof(expected), "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\n",
                      addr_port(&peer), addr_port(&own));
    if (recv(fd, header, (size_t)length, MSG_WAITALL) == length &&
        memcmp(header, expected, (size_t)length) == 0)
        serve_echo(server, fd);
}

static void serve_after_binary_header(const struct server *server, int fd)
{
    char header[28];

    if (recv(fd, header, sizeof(header), MSG_WAITALL) == sizeof(header) &&
        memcmp(header, "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1", 24) == 0)
        serve_echo(server, fd);
}

START_TEST(proxy_header)
{
    struct server server = {.serve =
                                _i == 1 ? serve_after_proxy_header : serve_after_binary_header};
    const char *options[] = {"--proxy-protocol", _i == 1 ? "v1" : "v2", NULL};
    struct run run = run_against(&server, options);

    assert_intact(&run, server.target, "Hello, world");
}
END_TEST

static void make_directory(void)
{
    if (!mkdtemp(directory))
        abort();
    (void)snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
}

static void remove_directory(void)
{
    (void)unlink(socket_path);
    (void)rmdir(directory);
}

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, comes_back_intact, 0, COUNT(intact));
    tcase_add_loop_test(tcase, does_not_come_back_intact, 0, COUNT(broken));
    tcase_add_test(tcase, ipv6);
    tcase_add_test(tcase, host_name);
    tcase_add_test(tcase, unix_path);
    tcase_add_test(tcase, unix_abstract);
    tcase_add_test(tcase, refused);
    tcase_add_loop_test(tcase, full_queue, 0, COUNT(full_families));
    tcase_add_test(tcase, nobody_there);
    tcase_add_test(tcase, quiet);
    tcase_add_loop_test(tcase, usage, 0, COUNT(wrongs));
    tcase_add_loop_test(tcase, help, 0, COUNT(helps));
    tcase_add_test(tcase, help_and_version);
    tcase_add_test(tcase, source);
    tcase_add_loop_test(tcase, proxy_header, 1, 3);
    tcase_add_test(tcase, output_cannot_be_written);
}

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *tcase = tcase_create("client");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_unchecked_fixture(tcase, make_directory, remove_directory);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
