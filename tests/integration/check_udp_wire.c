/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datagrams.h"
#include "harness.h"
#include "wire.h"

/*
 * Two hosts, an echod on each. A datagram whose sender's address is forged sets them against each
 * other, as CERT CA-1996-01 has it: the traffic has to die out by itself.
 */

/*
 * A loop outlives any rate that it does not reach. With one a second it dies out as long as one
 * turn takes less than that, which it does on the busiest machine, too.
 */
#define LOW_RATE 1

enum {
    FORGED = 100,
    QUIET_MS = 1000,
    TURNS = 20, /* of each: without a loop it would be one */
};

static struct echod here, there;

static void set_up(void)
{
    wire_lay();
    echod_init(&here);
    echod_init(&there);
    (void)snprintf(here.host, sizeof(here.host), "%s", WIRE_NEAR);
    (void)snprintf(there.host, sizeof(there.host), "%s", WIRE_FAR);
}

static void configure(struct echod *e, int rate)
{
    echod_configure(e,
                    "workers = 1; protocols = [ \"udp\" ];\n"
                    "limits: { datagram_rate_per_source = %d; };\n",
                    rate);
}

static void start_both(int port_here, int port_there, int rate)
{
    here.port = port_here;
    there.port = port_there;
    configure(&here, rate);
    configure(&there, rate);
    echod_start(&here);
    wire_go_far();
    echod_spawn(&there);
    wire_come_back();
    (void)echod_await(&there, "READY=1");
}

static void stop_both(void)
{
    echod_stop(&here);
    echod_stop(&there);
}

/* Both answer others, so whatever becomes of the forged ones is not for want of a connection. */
static void assert_both_answer(void)
{
    int fd = datagram_connect(&there);

    datagram_insist(fd, 100, 1);
    (void)close(fd);
    wire_go_far();
    fd = datagram_connect(&here);
    wire_come_back();
    datagram_insist(fd, 100, 2);
    (void)close(fd);
}

/* From here to there, as if the one here had sent it. */
static void forge(unsigned count)
{
    struct addr from = datagram_addr(here.host, here.port);
    struct addr to = datagram_addr(there.host, there.port);

    for (unsigned i = 0; i < count; i++)
        wire_forge(&from, &to);
}

/* How many packets there were, and since when there were no more. */
struct silence {
    uint64_t packets, since_ms;
};

static bool is_quiet(void *context)
{
    struct silence *silence = context;
    uint64_t packets = wire_packets();

    if (packets != silence->packets)
        *silence = (struct silence){packets, harness_now_ms()};
    return harness_now_ms() >= silence->since_ms + QUIET_MS;
}

static void assert_dies_out(void)
{
    struct silence silence = {wire_packets(), harness_now_ms()};

    harness_await(is_quiet, &silence, "the wire is quiet");
}

static void assert_counted(struct echod *e, const char *text)
{
    echod_signal(e, SIGUSR1);
    echod_await_error(e, text);
}

START_TEST(echo_ports_do_not_answer_each_other)
{
    start_both(7, 7, 0);
    assert_both_answer();
    forge(FORGED);
    assert_dies_out();
    assert_counted(&there, "that would loop 100");
    stop_both();
}
END_TEST

START_TEST(two_echods_on_one_port_do_not_answer_each_other)
{
    start_both(5000, 5000, 0);
    assert_both_answer();
    forge(FORGED);
    assert_dies_out();
    assert_counted(&there, "that would loop 100");
    stop_both();
}
END_TEST

static bool is_looping(void *context)
{
    return wire_packets() > *(const uint64_t *)context + TURNS * FORGED;
}

/* With different ports neither can know the other for what it is. Shown to loop without a rate. */
START_TEST(the_rate_ends_a_loop_between_any_ports)
{
    uint64_t before;

    start_both(5000, 6000, 0);
    assert_both_answer();
    before = wire_packets();
    forge(FORGED);
    harness_await(is_looping, &before, "there is a loop");
    configure(&here, LOW_RATE);
    echod_reload(&here);
    assert_dies_out();
    assert_counted(&here, "over the rate");
    assert_both_answer();
    stop_both();
}
END_TEST

START_TEST(the_rate_lets_not_even_one_go_round)
{
    start_both(5000, 6000, LOW_RATE);
    assert_both_answer();
    forge(1);
    assert_dies_out();
    assert_both_answer();
    stop_both();
}
END_TEST

/* -- What needs two hosts as well. -- */

START_TEST(broadcasts_get_no_answer)
{
    struct addr to = datagram_addr(WIRE_BROADCAST, 5000);
    int fd;

    (void)snprintf(there.host, sizeof(there.host), "%s", "");
    start_both(5001, 5000, 0);
    (void)snprintf(there.host, sizeof(there.host), "%s", WIRE_FAR);
    assert_both_answer();
    fd = datagram_open(WIRE_NEAR, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &(int){1}, sizeof(int)), 0);
    ck_assert_int_eq(sendto(fd, "x", 1, 0, &to.sa, to.len), 1);
    datagram_expect_nothing(&there, fd);
    (void)close(fd);
    assert_counted(&there, "sent to many 1");
    stop_both();
}
END_TEST

/* A whole network, if the answer went there: the socket was passed, and may send so. */
START_TEST(a_sender_that_is_many_gets_no_answer)
{
    struct addr from = datagram_addr(WIRE_BROADCAST, 5555), to = datagram_addr(WIRE_FAR, 5000);
    int near, passed;

    near = datagram_open("0.0.0.0", 5555);
    wire_go_far();
    passed = datagram_open("0.0.0.0", 5000);
    wire_come_back();
    ck_assert_int_eq(setsockopt(passed, SOL_SOCKET, SO_BROADCAST, &(int){1}, sizeof(int)), 0);
    there.passed[there.passed_count++] = passed;
    start_both(5001, 5000, 0);
    assert_both_answer();
    wire_forge(&from, &to);
    datagram_expect_nothing(&there, near);
    stop_both();
}
END_TEST

START_TEST(multicast_gets_no_answer)
{
    struct addr to = datagram_addr("ff02::1", 5000); /* all hosts of the link */
    int fd;

    (void)snprintf(there.host, sizeof(there.host), "%s", "::");
    start_both(5001, 5000, 0);
    (void)snprintf(there.host, sizeof(there.host), "%s", WIRE_FAR_IPV6);
    datagram_insist(datagram_connect(&there), 100, 1);
    fd = datagram_open("::", 0);
    to.in6.sin6_scope_id = wire_interface();
    ck_assert_int_eq(sendto(fd, "x", 1, 0, &to.sa, to.len), 1);
    datagram_expect_nothing(&there, fd);
    (void)close(fd);
    assert_counted(&there, "sent to many 1");
    stop_both();
}
END_TEST

/* The address alone does not say on which link it is. */
START_TEST(link_local_peers_are_answered)
{
    struct addr to = datagram_addr(WIRE_FAR_LINK_LOCAL, 5000), from = {.len = sizeof(from.in6)};
    int fd;

    (void)snprintf(there.host, sizeof(there.host), "%s", "::");
    start_both(5001, 5000, 0);
    fd = datagram_open("::", 0);
    to.in6.sin6_scope_id = wire_interface();
    ck_assert_int_eq(connect(fd, &to.sa, to.len), 0);
    datagram_insist(fd, 100, 1);
    datagram_send(fd, 10, 2);
    ck_assert_int_eq(recvfrom(fd, &(char){0}, 1, 0, &from.sa, &from.len), 1);
    ck_assert(addr_equal(&from, &to));
    stop_both();
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("udp_wire");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    if (harness_may(wire_may_be_had(), "two network namespaces, and ip(8)")) {
        tcase_add_test(tcase, echo_ports_do_not_answer_each_other);
        tcase_add_test(tcase, two_echods_on_one_port_do_not_answer_each_other);
        tcase_add_test(tcase, the_rate_ends_a_loop_between_any_ports);
        tcase_add_test(tcase, the_rate_lets_not_even_one_go_round);
        tcase_add_test(tcase, broadcasts_get_no_answer);
        tcase_add_test(tcase, a_sender_that_is_many_gets_no_answer);
        tcase_add_test(tcase, multicast_gets_no_answer);
        tcase_add_test(tcase, link_local_peers_are_answered);
    }
    return harness_run();
}
