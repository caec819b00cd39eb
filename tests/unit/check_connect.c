/* SPDX-License-Identifier: MIT */
#include "client/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "client/deadline.h"
#include "suite.h"

/* Places to connect to, on ports of the kernel's choice: each is one address. */

enum { PLACES = 3, QUEUED = 3 };

static int listeners[PLACES], queued[PLACES][QUEUED];
static struct addr places[PLACES];

static int bound(int family, int type)
{
    struct addr addr = addr_loopback(family, 0);
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, &addr.sa, addr.len) < 0)
        closep(&fd);
    return fd;
}

/* Nobody answers: bound, but no listener. Returns false where the machine lacks the family. */
static bool place_refusing(int place, int family)
{
    listeners[place] = bound(family, SOCK_STREAM);
    return listeners[place] >= 0 && addr_of_socket(listeners[place], &places[place]) == 0;
}

static bool place_listening(int place, int family)
{
    return place_refusing(place, family) && listen(listeners[place], 16) == 0;
}

/* A queue that is full: the kernel drops what knocks, as a firewall may. */
static bool place_silent(int place, int family)
{
    if (!place_refusing(place, family) || listen(listeners[place], 0) < 0)
        return false;
    for (int i = 0; i < QUEUED; i++) {
        queued[place][i] = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(queued[place][i], &places[place].sa, places[place].len);
    }
    return true;
}

static void set_up(void)
{
    memset(listeners, -1, sizeof(listeners));
    memset(queued, -1, sizeof(queued));
}

static void tear_down(void)
{
    for (int place = 0; place < PLACES; place++) {
        closep(&listeners[place]);
        for (int i = 0; i < QUEUED; i++)
            closep(&queued[place][i]);
    }
}

/* Connects to the first COUNT places; the winner's number, or -errno. */
static int connect_to(size_t count, int type, int64_t timeout_nsec)
{
    const struct addr_list list = {.addr = places, .count = count};
    struct connection connection = {.fd = -1};
    int r = connect_first(&list, type, &(struct dial_options){0}, clock_nsec() + timeout_nsec,
                          &connection);
    struct addr peer;

    if (r < 0) {
        ck_assert_int_eq(connection.fd, -1);
        return r;
    }
    ck_assert_int_eq(addr_of_peer(connection.fd, &peer), 0);
    ck_assert(addr_equal(&peer, &connection.peer));
    ck_assert_int_ge(connection.connect_nsec, 0);
    closep(&connection.fd);
    for (int place = 0; place < PLACES; place++)
        if (addr_equal(&peer, &places[place]))
            return place;
    ck_abort_msg("connected to nowhere");
}

START_TEST(one)
{
    ck_assert(place_listening(0, AF_INET));
    ck_assert_int_eq(connect_to(1, SOCK_STREAM, 60 * NSEC_PER_SEC), 0);
}
END_TEST

START_TEST(none)
{
    ck_assert_int_eq(connect_to(0, SOCK_STREAM, 60 * NSEC_PER_SEC), -EADDRNOTAVAIL);
}
END_TEST

START_TEST(next_after_a_refusal)
{
    ck_assert(place_refusing(0, AF_INET) && place_refusing(1, AF_INET));
    ck_assert_int_eq(connect_to(2, SOCK_STREAM, 60 * NSEC_PER_SEC), -ECONNREFUSED);
    ck_assert(place_listening(2, AF_INET));
    ck_assert_int_eq(connect_to(3, SOCK_STREAM, 60 * NSEC_PER_SEC), 2);
}
END_TEST

/* The silent one is not waited for: it would take until the deadline. */
START_TEST(next_after_silence)
{
    ck_assert(place_silent(0, AF_INET) && place_silent(1, AF_INET) && place_listening(2, AF_INET));
    ck_assert_int_eq(connect_to(2, SOCK_STREAM, NSEC_PER_SEC / 10), -ETIMEDOUT);
    ck_assert_int_eq(connect_to(3, SOCK_STREAM, 60 * NSEC_PER_SEC), 2);
}
END_TEST

START_TEST(late_refusal_of_the_last)
{
    ck_assert(place_silent(0, AF_INET) && place_refusing(1, AF_INET));
    /* One that still may answer is waited for, whatever the others said. */
    ck_assert_int_eq(connect_to(2, SOCK_STREAM, NSEC_PER_SEC / 2), -ETIMEDOUT);
}
END_TEST

START_TEST(ipv6_first)
{
    ck_assert(place_listening(0, AF_INET) && place_listening(1, AF_INET));
    if (!place_listening(2, AF_INET6))
        return;
    ck_assert_int_eq(connect_to(3, SOCK_STREAM, 60 * NSEC_PER_SEC), 2);
}
END_TEST

START_TEST(families_in_turn)
{
    ck_assert(place_listening(2, AF_INET));
    if (!place_silent(0, AF_INET6) || !place_silent(1, AF_INET6))
        return;
    ck_assert_int_eq(connect_to(3, SOCK_STREAM, 60 * NSEC_PER_SEC), 2);
}
END_TEST

START_TEST(no_way_tells_less_than_a_refusal)
{
    struct addr refusing;

    ck_assert(place_refusing(0, AF_INET));
    refusing = places[0];
    places[1] = places[2] = refusing;
    places[0].sa.sa_family = places[2].sa.sa_family = AF_APPLETALK; /* EAFNOSUPPORT */
    ck_assert_int_eq(connect_to(1, SOCK_STREAM, 60 * NSEC_PER_SEC), -EAFNOSUPPORT);
    ck_assert_int_eq(connect_to(3, SOCK_STREAM, 60 * NSEC_PER_SEC), -ECONNREFUSED);
}
END_TEST

/* Places for datagrams: one that says nothing, one where nobody listens, one that echoes. */

static void place_mute(int place)
{
    listeners[place] = bound(AF_INET, SOCK_DGRAM);
    ck_assert_int_eq(addr_of_socket(listeners[place], &places[place]), 0);
}

/* A socket that is connected to another peer is nobody for all others: they get an ICMP error. */
static void place_unreachable(int place)
{
    place_mute(place);
    ck_assert_int_eq(connect(listeners[place], &places[place].sa, places[place].len), 0);
}

static void *echo_datagrams(void *socket)
{
    for (;;) {
        struct addr peer = {.len = sizeof(peer) - offsetof(struct addr, sa)};
        char byte;
        ssize_t n = recvfrom(*(int *)socket, &byte, 1, 0, &peer.sa, &peer.len);

        if (n >= 0)
            (void)sendto(*(int *)socket, &byte, (size_t)n, 0, &peer.sa, peer.len);
    }
    return NULL;
}

static void place_echoing(int place, pthread_t *thread)
{
    place_mute(place);
    ck_assert_int_eq(fcntl(listeners[place], F_SETFL, 0), 0);
    ck_assert_int_eq(pthread_create(thread, NULL, echo_datagrams, &listeners[place]), 0);
}

static void end(pthread_t thread)
{
    (void)pthread_cancel(thread);
    (void)pthread_join(thread, NULL);
}

START_TEST(datagrams)
{
    place_unreachable(0); /* a single one is not asked */
    ck_assert_int_eq(connect_to(1, SOCK_DGRAM, 60 * NSEC_PER_SEC), 0);
}
END_TEST

START_TEST(datagrams_to_who_answers)
{
    pthread_t thread;

    place_unreachable(0);
    place_mute(1);
    place_echoing(2, &thread);
    ck_assert_int_eq(connect_to(3, SOCK_DGRAM, 60 * NSEC_PER_SEC), 2);
    end(thread);
}
END_TEST

START_TEST(datagrams_to_nobody)
{
    place_unreachable(0);
    place_unreachable(1);
    ck_assert_int_eq(connect_to(2, SOCK_DGRAM, 60 * NSEC_PER_SEC), -ECONNREFUSED);
    place_mute(2);
    ck_assert_int_eq(connect_to(3, SOCK_DGRAM, 60 * NSEC_PER_SEC), 2);
    ck_assert_int_eq(connect_to(3, SOCK_DGRAM, NSEC_PER_SEC / 10), -ETIMEDOUT);
}
END_TEST

/* The answer to the question who is there is nobody else's. */
START_TEST(datagrams_begin_anew)
{
    const struct addr_list list = {.addr = places, .count = 2};
    struct connection connection;
    struct pollfd pollfd;
    pthread_t thread;

    place_unreachable(0);
    place_echoing(1, &thread);
    ck_assert_int_eq(connect_first(&list, SOCK_DGRAM, &(struct dial_options){0},
                                   clock_nsec() + 60 * NSEC_PER_SEC, &connection),
                     0);
    ck_assert_int_eq(send(connection.fd, "x", 1, 0), 1);
    pollfd = (struct pollfd){.fd = connection.fd, .events = POLLIN};
    ck_assert_int_eq(poll(&pollfd, 1, -1), 1);
    ck_assert_int_eq(recv(connection.fd, (char[1]){0}, 1, 0), 1);
    ck_assert_int_eq(recv(connection.fd, (char[1]){0}, 1, 0), -1);
    closep(&connection.fd);
    end(thread);
}
END_TEST

/* A datagram socket of a Unix address has a name of its own, or it could not be answered. */
START_TEST(unix_datagrams)
{
    struct addr name = {.un.sun_family = AF_UNIX, .len = sizeof(sa_family_t)}, own;
    const struct addr_list list = {.addr = places, .count = 1};
    struct connection connection;

    listeners[0] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listeners[0], &name.sa, name.len), 0);
    ck_assert_int_eq(addr_of_socket(listeners[0], &places[0]), 0);
    ck_assert_int_eq(connect_first(&list, SOCK_DGRAM, &(struct dial_options){0},
                                   clock_nsec() + 60 * NSEC_PER_SEC, &connection),
                     0);
    ck_assert_int_eq(addr_of_socket(connection.fd, &own), 0);
    closep(&connection.fd);
    ck_assert_uint_gt(own.len, sizeof(sa_family_t));
}
END_TEST

START_TEST(source)
{
    const struct addr_list list = {.addr = places, .count = 1};
    struct dial_options options = {.source = addr_loopback(AF_INET, 0)};
    struct connection connection;
    struct addr own;

    options.source.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 41);
    ck_assert(place_listening(0, AF_INET));
    ck_assert_int_eq(
        connect_first(&list, SOCK_STREAM, &options, clock_nsec() + 60 * NSEC_PER_SEC, &connection),
        0);
    ck_assert_int_eq(addr_of_socket(connection.fd, &own), 0);
    closep(&connection.fd);
    ck_assert_uint_eq(own.in.sin_addr.s_addr, options.source.in.sin_addr.s_addr);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("connect");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, one);
    tcase_add_test(tcase, none);
    tcase_add_test(tcase, next_after_a_refusal);
    tcase_add_test(tcase, next_after_silence);
    tcase_add_test(tcase, late_refusal_of_the_last);
    tcase_add_test(tcase, ipv6_first);
    tcase_add_test(tcase, families_in_turn);
    tcase_add_test(tcase, no_way_tells_less_than_a_refusal);
    tcase_add_test(tcase, datagrams);
    tcase_add_test(tcase, datagrams_to_who_answers);
    tcase_add_test(tcase, datagrams_to_nobody);
    tcase_add_test(tcase, datagrams_begin_anew);
    tcase_add_test(tcase, unix_datagrams);
    tcase_add_test(tcase, source);
    return suite_run("connect", tcase);
}
