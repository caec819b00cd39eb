/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/* proxy_protocol: whose header is required and believed, who counts then, and what is refused. */

#define PROXY "127.0.0.2"
#define OTHER "127.0.0.3"
#define CLIENT "192.0.2.1"
#define NEIGHBOUR "192.0.2.2"
#define V1(client) "PROXY TCP4 " client " 192.0.2.99 4711 7\r\n"
#define UNKNOWN "PROXY UNKNOWN\r\n"

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void start(const char *more)
{
    echod_configure(&e,
                    "workers = 2; proxy_protocol = [ \"" PROXY "\" ];\n"
                    "%s\n",
                    more);
    echod_start(&e);
}

#define LOG_ALL "log: { connections = \"all\"; };"

static int connect_from(const char *source)
{
    int fd = -1, on = 1, error = peer_try_from(source, e.host, e.port, &fd);

    ck_assert_msg(error == 0, "%s: %s", source, strerror(error));
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    return fd;
}

/* A connection that begins so. Who resets it may be faster than we write. */
static int pass_on(const void *header, size_t size)
{
    int fd = connect_from(PROXY);
    ssize_t n = send(fd, header, size, MSG_NOSIGNAL);

    ck_assert(n == (ssize_t)size || errno == ECONNRESET || errno == EPIPE);
    return fd;
}

static int pass_on_text(const char *header)
{
    return pass_on(header, strlen(header));
}

/* Version 2. */

struct binary {
    uint8_t bytes[16 + 12];
    size_t size;
};

static struct binary v2_local(void)
{
    return (struct binary){.bytes = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", .size = 16};
}

static struct binary v2_client(void)
{
    return (struct binary){
        .bytes = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\x63\x12\x67\0\7",
        .size = 28};
}

/* Who is served, and is said to be who. */

START_TEST(client_is_served_and_named)
{
    struct binary v2 = v2_client();
    int fd;

    start(LOG_ALL);
    fd = _i == 1 ? pass_on_text(V1(CLIENT)) : pass_on(v2.bytes, v2.size);
    peer_exchange(fd, "hello");
    peer_exchange(fd, V1(NEIGHBOUR)); /* A second header is none. */
    peer_finish(fd);
    echod_await_error(&e, "Connection from " CLIENT ":4711 ended (finished)");
    ck_assert_ptr_null(strstr(echod_errors(&e), PROXY ":"));
    echod_stop(&e);
}
END_TEST

START_TEST(ipv6_client_comes_through_an_ipv4_proxy)
{
    int fd;

    start(LOG_ALL);
    fd = pass_on_text("PROXY TCP6 2001:db8::1 2001:db8::2 4711 7\r\n");
    peer_exchange(fd, "hello");
    peer_finish(fd);
    echod_await_error(&e, "Connection from [2001:db8::1]:4711 ended (finished)");
    echod_stop(&e);
}
END_TEST

START_TEST(header_may_come_byte_by_byte)
{
    struct binary v2 = v2_client();
    const char *header = _i == 1 ? V1(CLIENT) : (const char *)v2.bytes;
    size_t size = _i == 1 ? strlen(header) : v2.size;
    int fd;

    start("");
    fd = connect_from(PROXY);
    for (size_t i = 0; i < size; i++) {
        ck_assert_int_eq(send(fd, header + i, 1, MSG_NOSIGNAL), 1);
        ck_assert_msg(!peer_is_readable(fd, 2), "an answer to byte %zu", i);
    }
    peer_exchange(fd, "hello");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(payload_may_come_with_the_header)
{
    struct binary v2 = v2_client();
    uint8_t both[64];
    int fd;

    start("");
    fd = pass_on_text(V1(CLIENT) "hello");
    peer_expect(fd, "hello");
    peer_finish(fd);
    memcpy(both, v2.bytes, v2.size);
    memcpy(both + v2.size, "hello", 5);
    fd = pass_on(both, v2.size + 5);
    peer_expect(fd, "hello");
    peer_exchange(fd, "again");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* All at once, and then nothing more. */
START_TEST(payload_and_end_may_come_with_the_header)
{
    int fd;

    start("");
    process_stop_children(e.pid);
    fd = pass_on_text(V1(CLIENT) "hello");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    process_continue_children(e.pid);
    peer_expect(fd, "hello");
    peer_expect_end(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(long_stream_follows)
{
    struct flow flow;

    start("");
    flow = flow_begin(pass_on_text(V1(CLIENT)));
    flow_stuff(&flow, 1, 16 << 20);
    flow_finish(&flow, 32 << 20);
    echod_stop(&e);
}
END_TEST

START_TEST(others_headers_are_echoed)
{
    int fd;

    start("access: { deny = [ \"" CLIENT "\" ]; };");
    fd = connect_from(OTHER);
    peer_exchange(fd, V1(CLIENT));
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(unix_peers_headers_are_echoed)
{
    int fd;

    e.passed[e.passed_count++] = peer_listen_unix(echod_path(&e, "sock"));
    echod_configure(&e, "proxy_protocol = [ \"0.0.0.0/0\", \"::/0\" ];");
    echod_start(&e);
    fd = peer_connect_unix(echod_path(&e, "sock"));
    peer_exchange(fd, V1(CLIENT));
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* Who is let in. */

START_TEST(client_is_asked_for_not_the_proxy)
{
    int fd;

    start("access: { allow = [ \"" NEIGHBOUR "\" ]; };");
    fd = pass_on_text(V1(NEIGHBOUR));
    peer_exchange(fd, "let in");
    peer_finish(fd);
    peer_expect_reset(pass_on_text(V1(CLIENT) "not echoed"));
    echod_await_error(&e, "Refused a connection from " CLIENT ":4711: access.deny");
    echod_stop(&e);
}
END_TEST

START_TEST(proxys_own_connections_are_let_in)
{
    struct binary local = v2_local();
    int fd;

    start("access: { allow = [ ]; }; limits: { connections_per_source = 1; };" LOG_ALL);
    fd = pass_on_text(UNKNOWN);
    peer_exchange(fd, "let in");
    for (int i = 0; i < 3; i++) {
        int other = pass_on(local.bytes, local.size);

        peer_exchange(other, "let in, too");
        peer_finish(other);
    }
    peer_finish(fd);
    echod_await_error(&e, "Connection from " PROXY ":");
    echod_stop(&e);
}
END_TEST

START_TEST(limit_of_a_source_is_the_clients)
{
    int first, second;

    start("limits: { connections_per_source = 1; };");
    first = pass_on_text(V1(CLIENT));
    peer_exchange(first, "the one");
    second = pass_on_text(V1(NEIGHBOUR));
    peer_exchange(second, "of another");
    peer_expect_reset(pass_on_text(V1(CLIENT)));
    echod_await_error(&e, CLIENT ":4711: limits.connections_per_source");
    peer_exchange(first, "still there");
    peer_finish(first);
    peer_finish(second);
    echod_stop(&e);
}
END_TEST

/* Who says nothing takes a place like any other. */
START_TEST(waiting_takes_a_place)
{
    int fd, second = -1;

    echod_configure(&e, "workers = 1; proxy_protocol = [ \"" PROXY
                        "\" ]; limits: { connections = 1; };");
    echod_start(&e);
    fd = pass_on_text("PROXY");
    if (peer_try_from(PROXY, e.host, e.port, &second) == 0)
        peer_expect_reset(second);
    echod_await_error(&e, "limits.connections");
    peer_send(fd, " UNKNOWN\r\nhello");
    peer_expect(fd, "hello");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* What is refused. */

static const struct {
    const char *header;
    size_t size;
    const char *fault;
} faulty[] = {
    {"hello", 5, "no PROXY header"},
    {"GET / HTTP/1.1\r\n\r\n", 18, "no PROXY header"},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", 31, "v1: an end of line without CR"},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", 33, "v1: a port that is no number"},
    {"\r\n\r\n\0\r\nQUIT\n\x31", 13, "v2: its version is not 2"},
    {"\r\n\r\n\0\r\nQUIT\n\x20\0\x10\0", 16, "v2: larger than 4096 bytes"},
    {"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0b", 16, "v2: too short for its addresses"},
};

enum { FAULTY = sizeof(faulty) / sizeof(faulty[0]) };

START_TEST(faulty_header_is_refused_with_its_reason)
{
    char reason[128];
    int fd;

    start("");
    fd = pass_on(faulty[_i].header, faulty[_i].size);
    peer_expect_reset(fd);
    (void)snprintf(reason, sizeof(reason), ": proxy_protocol: %s", faulty[_i].fault);
    echod_await_error(&e, reason);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "Refused a connection from " PROXY ":"));
    echod_signal(&e, SIGUSR1);
    echod_await_error(&e, "without a sound PROXY header 1;");
    echod_stop(&e);
}
END_TEST

START_TEST(end_within_the_header_is_refused)
{
    int fd;

    start("");
    fd = pass_on_text("PROXY TCP4 1.2");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    peer_expect_reset(fd);
    echod_await_error(&e, "proxy_protocol: the stream ended within the header");
    echod_stop(&e);
}
END_TEST

/* Whoever only looks whether somebody listens is neither refused nor worth a word. */
START_TEST(end_before_the_header_is_ordinary)
{
    const char *status;

    start("");
    peer_finish(connect_from(PROXY));
    peer_reset(connect_from(PROXY));
    peer_finish(pass_on_text(UNKNOWN));
    status = echod_try_reload(&e);
    ck_assert_msg(strstr(status, "so far 3, refused 0") != NULL, "%s", status);
    ck_assert_ptr_null(strstr(echod_errors(&e), PROXY));
    echod_stop(&e);
}
END_TEST

/* Neither silence nor a byte now and then keeps a connection for long; others may be silent. */
START_TEST(late_header_is_refused)
{
    enum { BYTES = 90, PACE_MS = 150 };
    int silent, slow, served, ordinary;

    start("");
    served = pass_on_text(UNKNOWN);
    peer_exchange(served, "served");
    ordinary = connect_from(OTHER);
    silent = connect_from(PROXY);
    slow = pass_on_text("PROXY UNKNOWN ");
    for (int i = 0; i < BYTES && !peer_is_readable(slow, PACE_MS); i++)
        ck_assert(send(slow, "x", 1, MSG_NOSIGNAL) == 1 || errno == ECONNRESET || errno == EPIPE);
    ck_assert_msg(peer_is_readable(slow, 0), "a slow header is waited for without end");
    peer_expect_loss(slow); /* After a reset that came while we wrote, recv(2) may say anything. */
    peer_expect_reset(silent);
    echod_await_error(&e, "proxy_protocol: no whole header within 5 s");
    peer_exchange(served, "served still");
    peer_exchange(ordinary, "not asked");
    peer_finish(served);
    peer_finish(ordinary);
    echod_stop(&e);
}
END_TEST

/* With the header idle_timeout begins, and ends before another's header would be late. */
START_TEST(client_may_be_silent_for_no_longer_than_others)
{
    int waiting, silent;

    echod_configure(&e, "workers = 1; idle_timeout = 1; proxy_protocol = [ \"" PROXY "\" ];");
    echod_start(&e);
    waiting = connect_from(PROXY);
    silent = pass_on_text(V1(CLIENT));
    peer_expect_end(silent);
    ck_assert(!peer_is_readable(waiting, 0));
    echod_stop(&e);
}
END_TEST

/* Reload and stop. */

/* Wherever in the header, it is taken up there by whoever takes the connection. */
START_TEST(reload_in_the_middle_of_a_header_loses_nothing)
{
    enum { SPLITS = 7 };
    static const char sent[] = V1(CLIENT) "hello";
    size_t size = strlen(V1(CLIENT));
    int fd[SPLITS];

    start(LOG_ALL);
    for (size_t i = 0; i < SPLITS; i++)
        fd[i] = pass_on(V1(CLIENT), i * size / SPLITS);
    echod_reload(&e);
    for (size_t i = 0; i < SPLITS; i++)
        peer_send(fd[i], i % 2 ? &sent[i * size / SPLITS] : "");
    echod_reload(&e);
    for (size_t i = 0; i < SPLITS; i++) {
        if (i % 2 == 0)
            peer_send(fd[i], &sent[i * size / SPLITS]);
        peer_expect(fd[i], "hello");
        peer_finish(fd[i]);
    }
    echod_await_error(&e, "Connection from " CLIENT ":4711 ended (finished): 5 bytes");
    ck_assert_ptr_null(strstr(echod_errors(&e), PROXY ":"));
    echod_stop(&e);
}
END_TEST

START_TEST(reload_is_for_new_connections)
{
    int waiting, other;

    start("");
    waiting = pass_on_text("PROXY UNK");
    peer_exchange(other = connect_from(OTHER), "accepted"); /* and so the one before it */
    peer_finish(other);
    echod_configure(&e, "proxy_protocol = [ \"" OTHER "\" ];");
    echod_reload(&e);
    peer_send(waiting, "NOWN\r\nhello");
    peer_expect(waiting, "hello");
    peer_finish(waiting);
    other = connect_from(PROXY);
    peer_exchange(other, UNKNOWN);
    peer_finish(other);
    peer_expect_reset((peer_send(other = connect_from(OTHER), "hello"), other));
    echod_stop(&e);
}
END_TEST

/* The reset of one that was handed over reaches the peer, too. */
START_TEST(faulty_header_after_a_reload_is_refused)
{
    int fd;

    start("");
    fd = pass_on_text("PROXY ");
    echod_reload(&e);
    peer_send(fd, "nothing");
    peer_expect_reset(fd);
    echod_stop(&e);
}
END_TEST

/* A stop does not wait for what may never come: not even as long as it takes to be late. */
START_TEST(stop_does_not_wait_for_headers)
{
    int fd;

    start("drain_timeout = 3600;" LOG_ALL);
    fd = pass_on_text("PROXY ");
    ck_assert_msg(!peer_is_readable(fd, 0), "an answer");
    peer_finish(
        pass_on_text(UNKNOWN)); /* By now the other is accepted, by this worker or another. */
    echod_signal(&e, SIGTERM);
    peer_expect_loss(fd);
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_ptr_null(strstr(echod_errors(&e), "no whole header"));
}
END_TEST

/* inetd. */

static int start_inetd(const char *more)
{
    int listener = peer_listen(e.host, e.port), peer = connect_from(PROXY);
    int fd = accept(listener, NULL, NULL);

    ck_assert_int_ge(fd, 0);
    (void)close(listener);
    echod_configure(&e, "proxy_protocol = [ \"" PROXY "\" ]; %s", more);
    e.arguments[0] = "--inetd";
    e.input = e.output = fd;
    echod_spawn(&e);
    (void)close(fd);
    return peer;
}

START_TEST(inetd_reads_the_header)
{
    int fd = start_inetd("access: { allow = [ \"" CLIENT "\" ]; };");

    peer_send(fd, V1(CLIENT) "hel");
    peer_expect(fd, "hel");
    peer_exchange(fd, "lo");
    peer_finish(fd);
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_str_eq(echod_errors(&e), "");
}
END_TEST

START_TEST(inetd_refuses_who_is_denied)
{
    int fd = start_inetd("access: { allow = [ \"" PROXY "\" ]; };");

    peer_send(fd, V1(CLIENT));
    peer_expect_reset(fd);
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), CLIENT ":4711: access.deny"));
}
END_TEST

START_TEST(inetd_refuses_a_faulty_header)
{
    int fd = start_inetd("");

    peer_send(fd, "hello");
    peer_expect_reset(fd);
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "proxy_protocol: no PROXY header"));
}
END_TEST

START_TEST(inetd_refuses_a_late_header)
{
    int fd = start_inetd("");

    peer_send(fd, "PROXY ");
    peer_expect_reset(fd);
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "proxy_protocol: no whole header"));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, client_is_served_and_named, 1, 3);
    tcase_add_test(tcase, ipv6_client_comes_through_an_ipv4_proxy);
    tcase_add_loop_test(tcase, header_may_come_byte_by_byte, 1, 3);
    tcase_add_test(tcase, payload_may_come_with_the_header);
    tcase_add_test(tcase, payload_and_end_may_come_with_the_header);
    tcase_add_test(tcase, long_stream_follows);
    tcase_add_test(tcase, others_headers_are_echoed);
    tcase_add_test(tcase, unix_peers_headers_are_echoed);
    tcase_add_test(tcase, client_is_asked_for_not_the_proxy);
    tcase_add_test(tcase, proxys_own_connections_are_let_in);
    tcase_add_test(tcase, limit_of_a_source_is_the_clients);
    tcase_add_test(tcase, waiting_takes_a_place);
    tcase_add_loop_test(tcase, faulty_header_is_refused_with_its_reason, 0, FAULTY);
    tcase_add_test(tcase, end_within_the_header_is_refused);
    tcase_add_test(tcase, end_before_the_header_is_ordinary);
    tcase_add_test(tcase, late_header_is_refused);
    tcase_add_test(tcase, client_may_be_silent_for_no_longer_than_others);
    tcase_add_test(tcase, reload_in_the_middle_of_a_header_loses_nothing);
    tcase_add_test(tcase, reload_is_for_new_connections);
    tcase_add_test(tcase, faulty_header_after_a_reload_is_refused);
    tcase_add_test(tcase, stop_does_not_wait_for_headers);
    tcase_add_test(tcase, inetd_reads_the_header);
    tcase_add_test(tcase, inetd_refuses_who_is_denied);
    tcase_add_test(tcase, inetd_refuses_a_faulty_header);
    tcase_add_test(tcase, inetd_refuses_a_late_header);
}

int main(void)
{
    TCase *tcase = harness_suite("check_proxy");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    add_tests(tcase);
    return harness_run();
}
