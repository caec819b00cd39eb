/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datagrams.h"
#include "harness.h"
#include "peer.h"
#include "processes.h"
#include "sandbox.h"

/* The echo of datagrams over IPv4 and IPv6: what comes back, from where, and to whom nothing. */

/* A burst is more than a batch, and less than the queue of a client takes. */
enum { DATA_MAX = 65507, BATCH = 64, BURST = BATCH + 8 };

#define NO_RATE "limits: { datagram_rate_per_source = 0; };"

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void start_with(const char *more)
{
    echod_configure(&e, "protocols = [ \"udp\" ];\n%s", more);
    echod_start(&e);
}

static void start_at(const char *host)
{
    (void)snprintf(e.host, sizeof(e.host), "%s", host);
    start_with("workers = 1;");
}

/* What is sent meanwhile is received as one batch. */
static void hold_workers(void)
{
    process_stop_children(e.pid);
}

static void let_workers_go(void)
{
    process_continue_children(e.pid);
}

/* -- What comes back. -- */

static const size_t sizes[] = {0,    1,    64,   1232, 1233, 1472,         1473,
                               1500, 2048, 2049, 8192, 9000, DATA_MAX - 1, DATA_MAX};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void exchange_sizes(int fd)
{
    for (unsigned i = 0; i < SIZES; i++)
        datagram_exchange(fd, sizes[i], i);
    (void)close(fd);
}

START_TEST(every_size_comes_back_whole)
{
    start_with("");
    exchange_sizes(datagram_connect(&e));
    echod_stop(&e);
}
END_TEST

START_TEST(every_size_comes_back_whole_over_ipv6)
{
    sandbox_network();
    start_at("::1");
    exchange_sizes(datagram_connect(&e));
    echod_stop(&e);
}
END_TEST

static void burst(int fd, size_t size)
{
    for (unsigned i = 0; i < BURST; i++)
        datagram_send(fd, size, i);
}

static const size_t burst_sizes[] = {0, 1, 64, 1232, 1233};

START_TEST(a_burst_comes_back_one_by_one_and_in_order)
{
    size_t size = burst_sizes[_i];
    int fd;

    start_with("workers = 1;");
    fd = datagram_connect(&e);
    hold_workers();
    burst(fd, size);
    let_workers_go();
    for (unsigned i = 0; i < BURST; i++)
        datagram_expect(fd, size, i);
    (void)close(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(many_clients_get_what_is_theirs)
{
    enum { CLIENTS = 500, ROUNDS = 4 };
    static int fd[CLIENTS];

    start_with("workers = 3;" NO_RATE);
    for (unsigned i = 0; i < CLIENTS; i++)
        fd[i] = datagram_connect(&e);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < CLIENTS; i++) {
            datagram_send(fd[i], i * 13 % 1500, i * ROUNDS + round);
            if (i % BATCH == BATCH - 1) /* No more than the socket's queue has room for. */
                datagram_expect(fd[i], i * 13 % 1500, i * ROUNDS + round);
        }
        for (unsigned i = 0; i < CLIENTS; i++)
            if (i % BATCH != BATCH - 1)
                datagram_expect(fd[i], i * 13 % 1500, i * ROUNDS + round);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        ck_assert_uint_eq(datagram_count(fd[i]), 0);
    echod_stop(&e);
}
END_TEST

START_TEST(tcp_and_udp_share_address_and_port)
{
    int fd;

    echod_configure(&e, "protocols = [ \"tcp\", \"udp\" ];");
    echod_start(&e);
    fd = datagram_connect(&e);
    datagram_exchange(fd, 100, 1);
    (void)close(fd);
    fd = peer_connect(&e);
    peer_exchange(fd, "and TCP");
    datagram_exchange(datagram_connect(&e), 100, 2);
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* -- From where, and how. -- */

static void assert_answered_from(const char *host)
{
    struct addr to = datagram_addr(host, e.port), from = {.len = sizeof(from.in6)};
    int fd = datagram_open(to.sa.sa_family == AF_INET6 ? "::" : "0.0.0.0", 0);
    char byte = 'x';

    ck_assert_int_eq(sendto(fd, &byte, 1, 0, &to.sa, to.len), 1);
    ck_assert_int_eq(recvfrom(fd, &byte, 1, 0, &from.sa, &from.len), 1);
    ck_assert_msg(addr_equal(&from, &to), "the answer comes from elsewhere");
    (void)close(fd);
}

START_TEST(answers_come_from_the_address_that_was_asked)
{
    sandbox_network();
    start_at("");
    assert_answered_from("127.0.0.1");
    assert_answered_from("127.0.0.2");
    assert_answered_from("127.200.100.50");
    assert_answered_from("::1");
    echod_stop(&e);
}
END_TEST

static int class_of(struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
            return *CMSG_DATA(c);
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
            return *(int *)CMSG_DATA(c);
    }
    return -1;
}

static int receive_class(int fd)
{
    union {
        struct cmsghdr alignment;
        char bytes[128];
    } control;
    char byte;
    struct iovec body = {.iov_base = &byte, .iov_len = 1};
    struct msghdr header = {.msg_iov = &body,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};

    ck_assert_int_eq(recvmsg(fd, &header, 0), 1);
    return class_of(&header);
}

static void turn_on(int fd, int level, int option)
{
    ck_assert_int_eq(setsockopt(fd, level, option, &(int){1}, sizeof(int)), 0);
}

static void assert_class_returned(const char *host, int class, int expected)
{
    bool ipv6 = strchr(host, ':');
    int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int fd = datagram_connect_from(NULL, host, e.port);

    turn_on(fd, level, ipv6 ? IPV6_RECVTCLASS : IP_RECVTOS);
    ck_assert_int_eq(setsockopt(fd, level, ipv6 ? IPV6_TCLASS : IP_TOS, &class, sizeof(class)), 0);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    ck_assert_int_eq(receive_class(fd), expected);
    (void)close(fd);
}

static void assert_classes_returned(const char *host)
{
    assert_class_returned(host, 0, 0);
    assert_class_returned(host, 46 << 2, 46 << 2);
    assert_class_returned(host, 8 << 2 | 1, 8 << 2); /* "congestion" is not ours to say */
    assert_class_returned(host, 3, 0);
}

START_TEST(answers_have_the_class_of_what_they_answer)
{
    sandbox_network();
    start_at("");
    assert_classes_returned("127.0.0.1");
    assert_classes_returned("::1");
    echod_stop(&e);
}
END_TEST

/* -- What a service manager passes. -- */

static int open_passed(const char *host)
{
    int fd = socket(datagram_addr(host, 0).sa.sa_family, SOCK_DGRAM, 0);
    struct addr addr = datagram_addr(host, e.port);

    if (addr.sa.sa_family == AF_INET6)
        ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int)), 0);
    ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
    return fd;
}

static void start_passed(int fd)
{
    e.passed[e.passed_count++] = fd;
    echod_start(&e);
    (void)close(fd);
}

START_TEST(one_socket_may_be_for_both_families)
{
    sandbox_network();
    start_passed(open_passed("::"));
    assert_answered_from("127.0.0.1");
    assert_answered_from("127.0.0.2");
    assert_answered_from("::1");
    assert_classes_returned("127.0.0.2");
    assert_classes_returned("::1");
    echod_stop(&e);
}
END_TEST

static const char *const everywhere[] = {"0.0.0.0", "::"};

/* The one that activates the service came before echod could ask for where it came to. */
START_TEST(what_came_before_the_start_is_answered)
{
    struct addr from = {.len = sizeof(from.in)}, to;
    char bytes[8];
    int fd, passed;

    sandbox_network();
    to = datagram_addr("127.0.0.2", e.port);
    passed = open_passed(everywhere[_i]);
    fd = datagram_open("0.0.0.0", 0);
    ck_assert_int_eq(sendto(fd, "waiting", 7, 0, &to.sa, to.len), 7);
    start_passed(passed);
    ck_assert_int_eq(recvfrom(fd, bytes, sizeof(bytes), 0, &from.sa, &from.len), 7);
    ck_assert(addr_equal(&from, &to));
    echod_stop(&e);
}
END_TEST

/* A client with this address and port, which has sent something. */
static int client_at(const char *host, int port)
{
    struct addr to = datagram_addr(e.host, e.port);
    int fd = datagram_open(host, port);

    ck_assert_int_eq(sendto(fd, "x", 1, 0, &to.sa, to.len), 1);
    return fd;
}

/* inetd keeps the socket, and starts the service again for what comes later. */
START_TEST(inetd_has_its_socket_served_until_nothing_comes)
{
    int fd;

    e.arguments[0] = "--inetd";
    echod_configure(&e, "idle_timeout = 1;");
    e.input = e.output = datagram_open(e.host, e.port);
    fd = datagram_connect(&e);
    datagram_send(fd, 100, 1);
    echod_spawn(&e);
    datagram_expect(fd, 100, 1);
    datagram_exchange(fd, DATA_MAX, 2);
    datagram_expect_nothing(&e, client_at("127.0.0.1", e.port)); /* its own port */
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

/* -- To whom nothing comes back. -- */

/* Drops are counted before what came later is answered; answers, after they are sent. */
static void assert_counted(const char *text)
{
    echod_signal(&e, SIGUSR1);
    echod_await_error(&e, text);
}

START_TEST(ports_that_answer_by_themselves_get_nothing)
{
    static const int ports[] = {7, 19, 53, 123, 11211};

    sandbox_network();
    start_with("workers = 1;");
    for (unsigned i = 0; i < 5; i++)
        datagram_expect_nothing(&e, client_at("127.0.0.1", ports[i]));
    datagram_exchange(datagram_connect(&e), 10, 1);
    assert_counted("that would loop 5");
    echod_stop(&e);
}
END_TEST

/* Whether it is the one that was sent to or another: what sits there is an echo. */
START_TEST(ports_of_our_own_get_nothing)
{
    int other = e.port + 1000, passed[2];

    sandbox_network();
    passed[0] = datagram_open(e.host, e.port);
    passed[1] = datagram_open(e.host, other);
    for (unsigned i = 0; i < 2; i++)
        e.passed[e.passed_count++] = passed[i];
    start_with("workers = 1;");
    datagram_expect_nothing(&e, client_at("127.0.0.1", e.port));
    datagram_expect_nothing(&e, client_at("127.0.0.1", other));
    assert_counted("that would loop 2");
    echod_stop(&e);
}
END_TEST

START_TEST(what_went_to_many_gets_nothing)
{
    struct addr to;
    int fd;

    sandbox_network();
    (void)snprintf(e.host, sizeof(e.host), "%s", "");
    start_with("workers = 1;");
    (void)snprintf(e.host, sizeof(e.host), "%s", "127.0.0.1");
    fd = datagram_open("127.0.0.1", 0);
    turn_on(fd, SOL_SOCKET, SO_BROADCAST);
    to = datagram_addr("127.255.255.255", e.port);
    ck_assert_int_eq(sendto(fd, "x", 1, 0, &to.sa, to.len), 1);
    datagram_expect_nothing(&e, fd);
    assert_counted("sent to many 1");
    echod_stop(&e);
}
END_TEST

/* Of IPv4 an IPv6 socket tells less, and this one may even send to broadcast addresses. */
START_TEST(what_went_to_many_gets_nothing_on_a_socket_for_both_families)
{
    struct addr to;
    int fd, passed;

    sandbox_network();
    passed = open_passed("::");
    turn_on(passed, SOL_SOCKET, SO_BROADCAST);
    echod_configure(&e, "workers = 1;");
    start_passed(passed);
    (void)snprintf(e.host, sizeof(e.host), "%s", "127.0.0.1");
    fd = datagram_open("127.0.0.1", 0);
    turn_on(fd, SOL_SOCKET, SO_BROADCAST);
    to = datagram_addr("127.255.255.255", e.port);
    ck_assert_int_eq(sendto(fd, "x", 1, 0, &to.sa, to.len), 1);
    datagram_expect_nothing(&e, fd);
    assert_counted("sent to many 1");
    echod_stop(&e);
}
END_TEST

START_TEST(who_is_denied_gets_nothing)
{
    start_with("workers = 1; access: { deny = [ \"127.0.0.2\" ]; };");
    datagram_expect_nothing(&e, client_at("127.0.0.2", 0));
    datagram_exchange(datagram_connect_from("127.0.0.3", e.host, e.port), 10, 1);
    assert_counted("denied 1;");
    echod_stop(&e);
}
END_TEST

/* All of a batch come at the same time: the rate lets exactly one second's worth through. */
START_TEST(a_source_is_held_to_its_rate_and_others_are_not)
{
    enum { RATE = 10 };
    int offender, other;

    start_with("workers = 1; limits: { datagram_rate_per_source = 10; };");
    offender = datagram_connect_from("127.0.0.2", e.host, e.port);
    other = datagram_connect_from("127.0.0.3", e.host, e.port);
    hold_workers();
    for (unsigned i = 0; i < BATCH - 1; i++)
        datagram_send(offender, 10, i);
    datagram_send(other, 10, 7);
    let_workers_go();
    datagram_expect(other, 10, 7);
    for (unsigned i = 0; i < RATE; i++)
        datagram_expect(offender, 10, i);
    ck_assert_uint_eq(datagram_count(offender), 0);
    assert_counted("over the rate 53;");
    datagram_insist(offender, 10, 1000); /* It recovers by itself. */
    echod_stop(&e);
}
END_TEST

START_TEST(one_bad_one_does_not_cost_the_others)
{
    int fd[BATCH];

    start_with("workers = 1;");
    for (unsigned i = 0; i < BATCH; i++)
        fd[i] = i == 5 ? datagram_open("127.0.0.1", e.port) : datagram_connect(&e);
    hold_workers();
    for (unsigned i = 0; i < BATCH; i++)
        if (i == 5)
            (void)close(client_at("127.0.0.9", e.port)); /* a loop, were it answered */
        else
            datagram_send(fd[i], 10, i);
    (void)close(fd[6]); /* nobody is there any more */
    let_workers_go();
    for (unsigned i = 0; i < BATCH; i++)
        if (i != 5 && i != 6)
            datagram_expect(fd[i], 10, i);
    echod_stop(&e);
}
END_TEST

/* -- What is said about it. -- */

static unsigned count_lines_with(const char *text)
{
    unsigned count = 0;

    for (const char *at = echod_errors(&e); (at = strstr(at, text)); at++)
        count++;
    return count;
}

START_TEST(drops_are_told_with_a_count)
{
    int fd;

    start_with("workers = 1;");
    hold_workers();
    fd = client_at("127.0.0.1", e.port);
    for (unsigned i = 1; i < 1000; i++)
        (void)close(fd), fd = client_at("127.0.0.1", e.port);
    let_workers_go();
    echod_await_error(&e, "source answers by itself");
    datagram_expect_nothing(&e, fd);
    ck_assert_uint_le(count_lines_with("source answers by itself"), 10); /* as with any flood */
    assert_counted("that would loop 1000");
    echod_stop(&e);
}
END_TEST

START_TEST(drops_are_not_told_to_who_does_not_want_to_hear)
{
    start_with("workers = 1; log: { connections = \"none\"; };");
    datagram_expect_nothing(&e, client_at("127.0.0.1", e.port));
    assert_counted("that would loop 1");
    echod_stop(&e);
    ck_assert_uint_eq(count_lines_with("source answers by itself"), 0);
}
END_TEST

/* -- While workers come and go. -- */

START_TEST(a_stopped_worker_keeps_nobody_waiting)
{
    struct children workers;
    int fd;

    start_with("workers = 2;");
    workers = process_await_children(e.pid, 2, NULL);
    fd = datagram_connect(&e);
    for (unsigned i = 0; i < 20; i++) {
        process_stop(workers.pid[i % 2]);
        datagram_exchange(fd, 100, i);
        process_continue(workers.pid[i % 2]);
    }
    echod_stop(&e);
}
END_TEST

START_TEST(reloads_lose_no_datagram)
{
    enum { RELOADS = 20 };
    struct children old;
    unsigned number = 0;
    int fd;

    start_with("workers = 2;" NO_RATE);
    fd = datagram_connect(&e);
    for (unsigned i = 0; i < RELOADS; i++) {
        old = process_await_children(e.pid, 2, NULL);
        echod_signal(&e, SIGHUP);
        do
            datagram_exchange(fd, 100, number++);
        while (echod_count_messages(&e, "READY=1", 0) == 0);
        ck_assert(!process_has_child_of(e.pid, &old));
    }
    echod_stop(&e);
}
END_TEST

START_TEST(killed_workers_are_survived)
{
    int fd;

    start_with("workers = 2;");
    fd = datagram_connect(&e);
    for (unsigned i = 0; i < 4; i++) { /* Replacements come later each time. */
        struct children workers = process_await_children(e.pid, 0, NULL);

        ck_assert_int_eq(kill(workers.pid[i % workers.count], SIGKILL), 0);
        datagram_insist(fd, 100, i);
    }
    echod_stop(&e);
}
END_TEST

START_TEST(what_waits_at_a_stop_is_answered)
{
    int fd;

    start_with("workers = 2;");
    fd = datagram_connect(&e);
    hold_workers();
    burst(fd, 100);
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    let_workers_go();
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_uint_eq(datagram_count(fd), BURST);
}
END_TEST

START_TEST(what_waits_at_a_listener_that_goes_is_answered)
{
    int fd;

    start_with("workers = 1;");
    fd = datagram_connect(&e);
    hold_workers();
    burst(fd, 100);
    e.port++;
    echod_configure(&e, "protocols = [ \"udp\" ];");
    echod_signal(&e, SIGHUP);
    echod_await_error(&e, "Closed listener");
    let_workers_go();
    for (unsigned i = 0; i < BURST; i++)
        datagram_expect(fd, 100, i);
    datagram_insist(datagram_connect(&e), 100, 1);
    echod_stop(&e);
}
END_TEST

static void add_tests_of_namespaces(TCase *tcase)
{
    if (!harness_may(sandbox_may_have_network(), "a network namespace"))
        return;
    tcase_add_test(tcase, every_size_comes_back_whole_over_ipv6);
    tcase_add_test(tcase, answers_come_from_the_address_that_was_asked);
    tcase_add_test(tcase, answers_have_the_class_of_what_they_answer);
    tcase_add_test(tcase, one_socket_may_be_for_both_families);
    tcase_add_loop_test(tcase, what_came_before_the_start_is_answered, 0, 2);
    tcase_add_test(tcase, ports_that_answer_by_themselves_get_nothing);
    tcase_add_test(tcase, ports_of_our_own_get_nothing);
    tcase_add_test(tcase, what_went_to_many_gets_nothing);
    tcase_add_test(tcase, what_went_to_many_gets_nothing_on_a_socket_for_both_families);
}

int main(void)
{
    TCase *tcase = harness_suite("udp");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, every_size_comes_back_whole);
    tcase_add_loop_test(tcase, a_burst_comes_back_one_by_one_and_in_order, 0,
                        sizeof(burst_sizes) / sizeof(burst_sizes[0]));
    tcase_add_test(tcase, many_clients_get_what_is_theirs);
    tcase_add_test(tcase, tcp_and_udp_share_address_and_port);
    tcase_add_test(tcase, inetd_has_its_socket_served_until_nothing_comes);
    tcase_add_test(tcase, who_is_denied_gets_nothing);
    tcase_add_test(tcase, a_source_is_held_to_its_rate_and_others_are_not);
    tcase_add_test(tcase, one_bad_one_does_not_cost_the_others);
    tcase_add_test(tcase, drops_are_told_with_a_count);
    tcase_add_test(tcase, drops_are_not_told_to_who_does_not_want_to_hear);
    tcase_add_test(tcase, a_stopped_worker_keeps_nobody_waiting);
    tcase_add_test(tcase, reloads_lose_no_datagram);
    tcase_add_test(tcase, killed_workers_are_survived);
    tcase_add_test(tcase, what_waits_at_a_stop_is_answered);
    tcase_add_test(tcase, what_waits_at_a_listener_that_goes_is_answered);
    add_tests_of_namespaces(tcase);
    return harness_run();
}
