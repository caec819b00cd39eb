/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "sandbox.h"

/* Where echod listens: its own addresses, and what a service manager or inetd passes. */

#define SOMAXCONN_FILE "/proc/sys/net/core/somaxconn"

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void configure_host(const char *host)
{
    (void)snprintf(e.host, sizeof(e.host), "%s", host);
    echod_configure(&e, "workers = 2;");
}

static void assert_served_at(const char *host)
{
    int fd = peer_connect_to(host, e.port);

    peer_exchange(fd, host);
    peer_finish(fd);
}

/* Addresses. */

START_TEST(host_is_an_ipv4_address)
{
    sandbox_network();
    configure_host("127.0.0.3");
    echod_start(&e);
    assert_served_at("127.0.0.3");
    peer_await_refusal("127.0.0.1", e.port);
    echod_stop(&e);
}
END_TEST

START_TEST(host_is_an_ipv6_address)
{
    sandbox_network();
    configure_host("::1");
    echod_start(&e);
    assert_served_at("::1");
    peer_await_refusal("127.0.0.1", e.port);
    echod_stop(&e);
}
END_TEST

START_TEST(empty_host_is_every_address_of_both_families)
{
    sandbox_network();
    configure_host("");
    echod_start(&e);
    assert_served_at("127.0.0.1");
    assert_served_at("127.1.2.3");
    assert_served_at("::1");
    echod_stop(&e);
}
END_TEST

START_TEST(host_is_a_name)
{
    sandbox_network();
    configure_host("localhost");
    echod_start(&e);
    assert_served_at("127.0.0.1");
    peer_await_refusal("127.0.0.2", e.port);
    echod_stop(&e);
}
END_TEST

/* Failures: an exit status, one line with the address, and the service manager knows. */

static void assert_start_fails(int status, const char *named, int error)
{
    char line[16];

    echod_spawn(&e);
    (void)snprintf(line, sizeof(line), "ERRNO=%d", error);
    (void)echod_await(&e, line);
    ck_assert_ptr_nonnull(strstr(echod_value(&e, "STATUS="), named));
    ck_assert_int_eq(echod_wait(&e), status);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), named));
    ck_assert_ptr_eq(strchr(echod_errors(&e), '\n') + 1, strchr(echod_errors(&e), '\0'));
}

START_TEST(port_in_use_is_exit_1)
{
    int other = peer_listen(e.host, e.port);
    char address[96];

    (void)snprintf(address, sizeof(address), "%s:%d", e.host, e.port);
    assert_start_fails(1, address, EADDRINUSE);
    (void)close(other);
}
END_TEST

START_TEST(address_of_another_machine_is_exit_1)
{
    configure_host("192.0.2.1");
    assert_start_fails(1, "192.0.2.1", EADDRNOTAVAIL);
}
END_TEST

START_TEST(unknown_host_is_exit_1)
{
    sandbox_network(); /* else a name server may take its time */
    configure_host("no-such-host.invalid");
    assert_start_fails(1, "echod.conf:1", EADDRNOTAVAIL);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "no-such-host.invalid"));
}
END_TEST

static void drop_bind_capability(void)
{
    (void)prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE, 0, 0, 0);
}

START_TEST(port_that_needs_permission_is_exit_4)
{
    sandbox_network(); /* there the ports below 1024 do */
    e.port = 7;
    configure_host("127.0.0.1");
    e.prepare = drop_bind_capability;
    assert_start_fails(4, "127.0.0.1:7", EACCES);
}
END_TEST

START_TEST(backlog_that_kernel_caps_is_told)
{
    sandbox_network();
    sandbox_set_sysctl(SOMAXCONN_FILE, 16);
    configure_host("127.0.0.1");
    echod_configure(&e, "backlog = 100;");
    echod_start(&e);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "somaxconn"));
    echod_stop(&e);

    echod_init(&e);
    configure_host("127.0.0.1");
    echod_configure(&e, "backlog = 16;");
    echod_start(&e);
    ck_assert_ptr_null(strstr(echod_errors(&e), "somaxconn"));
    echod_stop(&e);
}
END_TEST

/* Socket activation. */

static void pass(int fd)
{
    e.passed[e.passed_count++] = fd;
}

START_TEST(passed_listener_is_served_and_configured_address_is_not)
{
    int port = e.port;

    pass(peer_listen(e.host, e.port));
    e.port += 100;
    echod_configure(&e, "workers = 1;");
    echod_start(&e);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "service manager"));
    peer_await_refusal(e.host, e.port);
    e.port = port;
    assert_served_at(e.host);
    echod_stop(&e);
}
END_TEST

START_TEST(passed_listeners_of_all_families_are_served)
{
    int fd;

    sandbox_network();
    (void)strcpy(e.host, "127.0.0.1");
    pass(peer_listen("127.0.0.1", e.port));
    pass(peer_listen("::1", e.port));
    pass(peer_listen_unix(echod_path(&e, "sock")));
    e.passed_names = "four:six:unix";
    echod_start(&e);
    assert_served_at("127.0.0.1");
    assert_served_at("::1");
    fd = peer_connect_unix(echod_path(&e, "sock"));
    peer_exchange(fd, "by a path");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* Unix sockets do not inherit what makes urgent bytes ordinary ones. */
START_TEST(urgent_byte_comes_back_over_a_unix_socket)
{
    int fd;

    pass(peer_listen_unix(echod_path(&e, "sock")));
    echod_start(&e);
    fd = peer_connect_unix(echod_path(&e, "sock"));
    peer_exchange(fd, "before");
    if (send(fd, "urgent", 6, MSG_OOB) == 6) /* else the kernel has no urgent bytes here */
        peer_expect(fd, "urgent");
    peer_exchange(fd, "after");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* Bound to no address. */
static int make_datagram_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int make_packet_socket(void)
{
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static int make_socket_that_does_not_listen(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_connected_socket(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    return pair[0];
}

static int make_pipe(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    return ends[0];
}

static int (*const wrong_kinds[])(void) = {
    make_datagram_socket,  make_packet_socket, make_socket_that_does_not_listen,
    make_connected_socket, make_pipe,
};

enum { WRONG_KINDS = sizeof(wrong_kinds) / sizeof(wrong_kinds[0]) };

START_TEST(passed_descriptor_of_wrong_kind_is_named_and_refused)
{
    pass(peer_listen(e.host, e.port));
    pass(wrong_kinds[_i]());
    e.passed_names = "good:odd-one";
    assert_start_fails(1, "odd-one", EINVAL);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "descriptor 4"));
}
END_TEST

/* What an earlier process left. */

static bool was_removed_from_store(const char *name)
{
    char message[64];

    (void)snprintf(message, sizeof(message), "FDSTOREREMOVE=1\nFDNAME=%s\n", name);
    ck_assert_int_eq(fflush(e.history_stream), 0);
    return strstr(e.history, message) != NULL;
}

/* Whoever waits in the queue of a listener that is still wanted is served; it counts as our own. */
START_TEST(listener_of_an_earlier_process_is_used_again)
{
    int waiting;

    pass(peer_listen(e.host, e.port));
    pass(peer_listen(e.host, e.port + 100));
    e.passed_names = "echod-listener-5:echod-listener-6";
    waiting = peer_connect(&e);
    echod_start(&e);
    peer_exchange(waiting, "patience");
    peer_finish(waiting);
    ck_assert_ptr_null(strstr(echod_errors(&e), "service manager"));
    ck_assert(was_removed_from_store("echod-listener-6"));
    (void)close(e.passed[1]);
    peer_await_refusal(e.host, e.port + 100);
    echod_stop(&e);
}
END_TEST

/* As another version may leave it. */
START_TEST(unknown_descriptor_of_ours_is_dropped)
{
    pass(make_pipe());
    pass(make_packet_socket());
    e.passed_names = "echod-something:echod-listener-1";
    echod_start(&e);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "echod-something"));
    ck_assert(was_removed_from_store("echod-something"));
    ck_assert(was_removed_from_store("echod-listener-1"));
    assert_served_at(e.host);
    echod_stop(&e);
}
END_TEST

/* inetd. */

static void start_inetd(int connection)
{
    e.arguments[0] = "--inetd";
    e.input = e.output = connection;
    echod_spawn(&e);
    (void)close(connection);
}

/* Serves one end of a connection; returns the other one. */
static int start_inetd_on_pair(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    start_inetd(pair[1]);
    return pair[0];
}

START_TEST(inetd_serves_unix_connection)
{
    int fd = start_inetd_on_pair();

    peer_exchange(fd, "Hello, world");
    peer_finish(fd);
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_str_eq(echod_errors(&e), "");
}
END_TEST

START_TEST(inetd_serves_tcp_connection)
{
    int listener = peer_listen(e.host, e.port);
    struct flow flow = flow_begin(peer_connect(&e));

    start_inetd(accept(listener, NULL, NULL));
    (void)close(listener);
    flow_stuff(&flow, 1, 16 << 20);
    flow_finish(&flow, 16 << 20);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

START_TEST(inetd_obeys_idle_timeout)
{
    int fd;

    echod_configure(&e, "idle_timeout = 1;");
    fd = start_inetd_on_pair();
    peer_exchange(fd, "silent from here on");
    peer_expect_end(fd);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

START_TEST(inetd_ends_when_peer_resets)
{
    int listener = peer_listen(e.host, e.port), fd = peer_connect(&e);

    start_inetd(accept(listener, NULL, NULL));
    peer_exchange(fd, "known");
    peer_reset(fd);
    (void)echod_wait(&e);
}
END_TEST

static void connect_standard_error(void)
{
    (void)dup2(STDIN_FILENO, STDERR_FILENO);
}

START_TEST(inetd_tells_peer_nothing)
{
    int fd;

    echod_write(&e, "echod.conf", "port = 0;");
    e.prepare = connect_standard_error;
    fd = start_inetd_on_pair();
    ck_assert_int_eq(echod_wait(&e), 6);
    peer_expect_end(fd);
}
END_TEST

static int make_listener(void)
{
    return peer_listen(e.host, e.port);
}

static int (*const no_connections[])(void) = {make_datagram_socket, make_listener, make_pipe};

enum { NO_CONNECTIONS = sizeof(no_connections) / sizeof(no_connections[0]) };

START_TEST(inetd_refuses_what_is_no_connection)
{
    e.arguments[0] = "--inetd";
    e.input = no_connections[_i]();
    ck_assert_int_eq(echod_run(&e), 1);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "--inetd"));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, port_in_use_is_exit_1);
    tcase_add_test(tcase, address_of_another_machine_is_exit_1);
    tcase_add_test(tcase, passed_listener_is_served_and_configured_address_is_not);
    tcase_add_loop_test(tcase, passed_descriptor_of_wrong_kind_is_named_and_refused, 0,
                        WRONG_KINDS);
    tcase_add_test(tcase, inetd_serves_unix_connection);
    tcase_add_test(tcase, inetd_serves_tcp_connection);
    tcase_add_test(tcase, inetd_obeys_idle_timeout);
    tcase_add_test(tcase, inetd_ends_when_peer_resets);
    tcase_add_test(tcase, inetd_tells_peer_nothing);
    tcase_add_loop_test(tcase, inetd_refuses_what_is_no_connection, 0, NO_CONNECTIONS);
}

static void add_network_tests(TCase *tcase)
{
    tcase_add_test(tcase, host_is_an_ipv4_address);
    tcase_add_test(tcase, host_is_an_ipv6_address);
    tcase_add_test(tcase, empty_host_is_every_address_of_both_families);
    tcase_add_test(tcase, host_is_a_name);
    tcase_add_test(tcase, unknown_host_is_exit_1);
    tcase_add_test(tcase, port_that_needs_permission_is_exit_4);
    tcase_add_test(tcase, passed_listeners_of_all_families_are_served);
    tcase_add_test(tcase, listener_of_an_earlier_process_is_used_again);
    tcase_add_test(tcase, unknown_descriptor_of_ours_is_dropped);
    tcase_add_test(tcase, urgent_byte_comes_back_over_a_unix_socket);
}

int main(void)
{
    TCase *tcase = harness_suite("check_listen");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    add_tests(tcase);
    if (harness_may(sandbox_may_have_network(), "a network namespace"))
        add_network_tests(tcase);
    if (harness_may(sandbox_may_set_sysctl(SOMAXCONN_FILE, 16), "a somaxconn of its own"))
        tcase_add_test(tcase, backlog_that_kernel_caps_is_told);
    return harness_run();
}
