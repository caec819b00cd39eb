/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

/* Both calls are the test's own: datagrams come from a list, and failures by plan. */

enum { FD = 1234, OUR_PORT = 7000, CLIENT = 40000, SENT_MAX = 200 };

static struct listener listeners[2];
static struct listener_set own = {.list = listeners, .count = 2};
static struct acl acl;
static struct judge judge;
static struct stats stats;
static struct datagram_io io;

/* -- What comes. -- */

struct coming {
    struct addr peer;
    size_t size;
    int flags;
    uint8_t tos;
    bool to_many;
};

static struct {
    struct coming list[DATAGRAM_BATCH + 1];
    unsigned count;
    int error;
    unsigned number; /* of the datagram that comes next: its bytes tell it */
} coming;

static uint8_t byte_at(unsigned number, size_t at)
{
    return (uint8_t)(number * 31 + at * 7 + at / 251);
}

static void put_control(struct msghdr *header, const struct coming *c)
{
    struct cmsghdr *item = header->msg_control;
    struct in_pktinfo info = {.ipi_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (c->to_many)
        info.ipi_addr.s_addr = htonl(INADDR_BROADCAST);
    ck_assert_uint_eq(header->msg_controllen, WAY_BACK_MAX);
    *item = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
    memcpy(CMSG_DATA(item), &info, sizeof(info));
    item = (void *)((char *)item + CMSG_SPACE(sizeof(info)));
    *item = (struct cmsghdr){CMSG_LEN(1), IPPROTO_IP, IP_TOS};
    *CMSG_DATA(item) = c->tos;
    header->msg_controllen = CMSG_SPACE(sizeof(info)) + CMSG_LEN(1);
}

static void deliver(struct mmsghdr *message, const struct coming *c)
{
    struct msghdr *header = &message->msg_hdr;
    size_t room = header->msg_iov->iov_len;
    uint8_t *to = header->msg_iov->iov_base;

    ck_assert_uint_eq(header->msg_iovlen, 1);
    ck_assert_uint_eq(room, DATAGRAM_MAX);
    ck_assert_uint_ge(header->msg_namelen, c->peer.len);
    memcpy(header->msg_name, &c->peer.sa, c->peer.len);
    header->msg_namelen = c->peer.len;
    for (size_t i = 0; i < c->size; i++)
        to[i] = byte_at(coming.number, i);
    coming.number++;
    message->msg_len = (unsigned)c->size;
    header->msg_flags = c->flags;
    if (listeners[0].addr.sa.sa_family == AF_INET)
        put_control(header, c);
    else
        ck_assert_uint_eq(header->msg_controllen, 0); /* or descriptors would come in it */
}

static int script_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                           struct timespec *timeout)
{
    unsigned n = coming.count < count ? coming.count : count;

    ck_assert_int_eq(fd, FD);
    ck_assert_uint_eq(count, DATAGRAM_BATCH);
    ck_assert_int_eq(flags, MSG_DONTWAIT);
    ck_assert_ptr_null(timeout);
    errno = coming.error ? coming.error : EAGAIN;
    if (n == 0)
        return -1;
    for (unsigned i = 0; i < n; i++)
        deliver(&messages[i], &coming.list[i]);
    coming.count -= n;
    memmove(coming.list, coming.list + n, coming.count * sizeof(coming.list[0]));
    return (int)n;
}

/* -- What is sent. -- */

static struct {
    struct addr to[SENT_MAX];
    unsigned number[SENT_MAX]; /* of the datagram that has these bytes */
    size_t size[SENT_MAX];
    int tos[SENT_MAX];
    unsigned count;
    unsigned calls, messages;
    int fails_with; /* and so do those that fails() chooses */
    bool (*fails)(unsigned number, bool joined);
} sent;

static size_t segment_of(struct msghdr *header, int *ret_tos)
{
    size_t segment = 0;

    *ret_tos = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
            segment = *(uint16_t *)CMSG_DATA(c);
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
            *ret_tos = *CMSG_DATA(c);
    }
    return segment;
}

/* Whose bytes these are: datagrams of a test differ in the first one, or are empty. */
static unsigned number_of(const struct iovec *bytes)
{
    const uint8_t *at = bytes->iov_base;
    unsigned number = 0;

    if (bytes->iov_len == 0)
        return UINT_MAX;
    while (number < coming.number && byte_at(number, 0) != at[0])
        number++;
    for (size_t i = 0; i < bytes->iov_len; i++)
        ck_assert_uint_eq(at[i], byte_at(number, i));
    return number;
}

static void take(struct mmsghdr *message)
{
    struct msghdr *header = &message->msg_hdr;
    int tos;
    size_t segment = segment_of(header, &tos);

    ck_assert_uint_eq(segment, header->msg_iovlen > 1 ? header->msg_iov[0].iov_len : 0);
    for (size_t i = 0; i < header->msg_iovlen; i++) {
        ck_assert_uint_lt(sent.count, SENT_MAX);
        if (segment)
            ck_assert_uint_eq(header->msg_iov[i].iov_len, segment);
        sent.to[sent.count].len = header->msg_namelen;
        memcpy(&sent.to[sent.count].sa, header->msg_name, header->msg_namelen);
        sent.number[sent.count] = number_of(&header->msg_iov[i]);
        sent.size[sent.count] = header->msg_iov[i].iov_len;
        sent.tos[sent.count++] = tos;
    }
}

static int script_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned i = 0;

    ck_assert_int_eq(fd, FD);
    ck_assert_int_eq(flags, MSG_DONTWAIT | MSG_NOSIGNAL);
    ck_assert_uint_gt(count, 0);
    sent.calls++;
    for (; i < count; i++) {
        struct msghdr *header = &messages[i].msg_hdr;

        if (sent.fails && sent.fails(number_of(header->msg_iov), header->msg_iovlen > 1))
            break;
        take(&messages[i]);
        sent.messages++;
    }
    errno = sent.fails_with;
    return i > 0 ? (int)i : -1;
}

/* -- The tests' words. -- */

static struct addr client(uint16_t number)
{
    return addr_loopback(AF_INET, (uint16_t)(CLIENT + number));
}

static void come(struct coming c)
{
    coming.list[coming.count++] = c;
}

static void come_from(uint16_t number, size_t size)
{
    come((struct coming){.peer = client(number), .size = size});
}

static void assert_sent(unsigned at, uint16_t client_number, unsigned number)
{
    struct addr to = client(client_number);

    ck_assert_uint_lt(at, sent.count);
    ck_assert(addr_equal(&sent.to[at], &to));
    ck_assert_uint_eq(sent.number[at], number);
}

static unsigned step(void)
{
    return datagram_step(&listeners[0], &io);
}

static void assert_counted(uint64_t datagrams, uint64_t answered, enum drop why, uint64_t dropped)
{
    ck_assert_uint_eq(stats_read(&stats.datagrams), datagrams);
    ck_assert_uint_eq(stats_read(&stats.answered), answered);
    ck_assert_uint_eq(stats_read(&stats.dropped[why]), dropped);
    ck_assert_uint_eq(stats_dropped(&stats), dropped);
    ck_assert_uint_eq(io.drops[why].count, dropped);
    ck_assert(io.dropped == (dropped > 0));
    if (dropped > 0)
        ck_assert(addr_equal(&io.drops[why].local, &listeners[0].addr));
}

static void make_io(void)
{
    static const struct datagram_calls calls = {.recvmmsg = script_recvmmsg,
                                                .sendmmsg = script_sendmmsg};
    struct networks all = {0}, none = {0};
    struct network any;

    ck_assert_int_eq(network_parse("0.0.0.0/0", &any), NETWORK_SOUND);
    ck_assert_int_eq(networks_add(&all, &any), 0);
    ck_assert_int_eq(acl_init(&acl, &all, &none), 0);
    networks_deinit(&all);
    judge = (struct judge){.acl = &acl};
    ports_init(&judge.ports);
    listeners[0] =
        (struct listener){.fd = FD, .type = SOCK_DGRAM, .addr = addr_loopback(AF_INET, OUR_PORT)};
    listeners[1] = (struct listener){.fd = -1, .type = SOCK_DGRAM};
    ck_assert_int_eq(addr_unix("/run/ours", &listeners[1].addr), 0);
    ck_assert_int_eq(addr_unix("/run/ours.4711", &listeners[1].local), 0);
    io = (struct datagram_io){.calls = &calls, .judge = &judge, .own = &own, .stats = &stats};
    ck_assert_int_eq(datagram_io_init(&io), 0);
}

static void drop_io(void)
{
    datagram_io_deinit(&io);
    acl_deinit(&acl);
}

/* -- The tests. -- */

START_TEST(answers_each_with_its_bytes)
{
    come_from(0, 100);
    come_from(1, 1);
    come_from(2, 65507);
    come_from(0, 0);
    ck_assert_uint_eq(step(), 4);
    ck_assert_uint_eq(sent.count, 4);
    assert_sent(0, 0, 0);
    assert_sent(1, 1, 1);
    assert_sent(2, 2, 2);
    assert_sent(3, 0, UINT_MAX);
    ck_assert_uint_eq(sent.size[0], 100);
    ck_assert_uint_eq(sent.size[1], 1);
    ck_assert_uint_eq(sent.size[2], 65507);
    ck_assert_uint_eq(sent.size[3], 0);
    ck_assert_uint_eq(sent.calls, 1);
    assert_counted(4, 4, DROP_LOOP, 0);
    ck_assert_uint_eq(stats_read(&stats.received), 100 + 1 + 65507);
    ck_assert_uint_eq(stats_read(&stats.sent), 100 + 1 + 65507);
}
END_TEST

START_TEST(does_nothing_where_nothing_is)
{
    ck_assert_uint_eq(step(), 0);
    coming.error = ECONNREFUSED; /* of an answer that met nobody */
    ck_assert_uint_eq(step(), 0);
    ck_assert_uint_eq(sent.calls, 0);
    assert_counted(0, 0, DROP_LOOP, 0);
}
END_TEST

START_TEST(takes_a_batch_at_a_time)
{
    for (unsigned i = 0; i < DATAGRAM_BATCH + 1; i++)
        come_from((uint16_t)i, i + 1);
    ck_assert_uint_eq(step(), DATAGRAM_BATCH);
    ck_assert_uint_eq(sent.count, DATAGRAM_BATCH);
    ck_assert_uint_eq(step(), 1);
    ck_assert_uint_eq(sent.count, DATAGRAM_BATCH + 1);
    ck_assert_uint_eq(sent.size[DATAGRAM_BATCH], DATAGRAM_BATCH + 1);
    ck_assert_uint_eq(step(), 0);
}
END_TEST

/* What a longer one, or one with an address, left behind is not the next one's. */
START_TEST(begins_each_step_afresh)
{
    for (unsigned round = 0; round < 3; round++) {
        come_from((uint16_t)round, 1000 / (round + 1));
        ck_assert_uint_eq(step(), 1);
        assert_sent(round, (uint16_t)round, round);
        ck_assert_uint_eq(sent.size[round], 1000 / (round + 1));
    }
}
END_TEST

START_TEST(joins_what_goes_the_same_way)
{
    for (unsigned i = 0; i < DATAGRAM_BATCH; i++)
        come_from(0, 64);
    ck_assert_uint_eq(step(), DATAGRAM_BATCH);
    ck_assert_uint_eq(sent.messages, 1);
    ck_assert_uint_eq(sent.count, DATAGRAM_BATCH);
    for (unsigned i = 0; i < DATAGRAM_BATCH; i++)
        assert_sent(i, 0, i);
    assert_counted(DATAGRAM_BATCH, DATAGRAM_BATCH, DROP_LOOP, 0);
    ck_assert_uint_eq(stats_read(&stats.sent), DATAGRAM_BATCH * 64);
}
END_TEST

START_TEST(joins_no_more_than_the_kernel_takes)
{
    for (unsigned i = 0; i < DATAGRAM_BATCH; i++)
        come_from(0, 1232);
    (void)step();
    ck_assert_uint_eq(sent.count, DATAGRAM_BATCH);
    ck_assert_uint_eq(sent.messages, 2); /* 64 * 1,232 bytes are more than 65,535 */
}
END_TEST

/* The same size, but for one of them; who sent it; its class; too long for any link; empty. */
static const struct {
    struct coming list[3];
    unsigned messages;
} unlike[] = {
    {{{.size = 64}, {.size = 63}, {.size = 64}}, 3},
    {{{.size = 64}, {.size = 64}, {.size = 63}}, 2},
    {{{.size = 64, .tos = 8}, {.size = 64}, {.size = 64}}, 2},
    {{{.size = 64}, {.size = 64, .to_many = true}, {.size = 64}}, 1},
    {{{.size = 1233}, {.size = 1233}, {.size = 1233}}, 3},
    {{{.size = 0}, {.size = 0}, {.size = 0}}, 3},
};

START_TEST(joins_nothing_else)
{
    unsigned answered = 0;

    for (unsigned i = 0; i < 3; i++) {
        struct coming c = unlike[_i].list[i];

        c.peer = client(0);
        come(c);
        answered += !c.to_many;
    }
    ck_assert_uint_eq(step(), 3);
    ck_assert_uint_eq(sent.messages, unlike[_i].messages);
    ck_assert_uint_eq(sent.count, answered);
    for (unsigned i = 0; i < answered && answered == 3; i++)
        ck_assert_int_eq(sent.tos[i], unlike[_i].list[i].tos);
}
END_TEST

START_TEST(joins_no_peers)
{
    for (unsigned i = 0; i < 10; i++)
        come_from(i % 2, 64);
    ck_assert_uint_eq(step(), 10);
    ck_assert_uint_eq(sent.messages, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_sent(i, i % 2, i);
}
END_TEST

static bool third_fails(unsigned number, bool joined)
{
    return number == 2 && !joined;
}

START_TEST(goes_on_behind_one_that_fails)
{
    static const int errors[] = {EAGAIN, ECONNREFUSED, EMSGSIZE, EPERM, ENETUNREACH, EINVAL};
    struct addr third = client(2);

    sent.fails = third_fails;
    sent.fails_with = errors[_i];
    for (unsigned i = 0; i < 10; i++)
        come_from((uint16_t)i, 100 + i);
    ck_assert_uint_eq(step(), 10);
    ck_assert_uint_eq(sent.count, 9);
    assert_sent(1, 1, 1);
    assert_sent(2, 3, 3);
    assert_sent(8, 9, 9);
    assert_counted(10, 9, DROP_UNSENDABLE, 1);
    ck_assert(addr_equal(&io.drops[DROP_UNSENDABLE].peer, &third));
}
END_TEST

static bool first_and_last_fail(unsigned number, bool joined)
{
    (void)joined;
    return number == 0 || number == 4;
}

START_TEST(goes_on_behind_the_first_and_stops_at_the_last)
{
    sent.fails = first_and_last_fail;
    sent.fails_with = EPERM;
    for (unsigned i = 0; i < 5; i++)
        come_from((uint16_t)i, 100 + i);
    ck_assert_uint_eq(step(), 5);
    ck_assert_uint_eq(sent.count, 3);
    assert_counted(5, 3, DROP_UNSENDABLE, 2);
}
END_TEST

static bool joined_fail(unsigned number, bool joined)
{
    return joined || number == 1;
}

START_TEST(what_fails_together_is_tried_alone)
{
    sent.fails = joined_fail;
    sent.fails_with = EIO;
    for (unsigned i = 0; i < 4; i++)
        come_from(0, 64);
    come_from(1, 64);
    ck_assert_uint_eq(step(), 5);
    ck_assert_uint_eq(sent.count, 4);
    assert_sent(0, 0, 0);
    assert_sent(1, 0, 2);
    assert_sent(2, 0, 3);
    assert_sent(3, 1, 4);
    assert_counted(5, 4, DROP_UNSENDABLE, 1);
}
END_TEST

static unsigned interruptions;

static bool interrupted_once(unsigned number, bool joined)
{
    (void)joined;
    return number == 0 && interruptions++ == 0;
}

START_TEST(an_interruption_costs_nothing)
{
    sent.fails = interrupted_once;
    sent.fails_with = EINTR;
    come_from(0, 64);
    ck_assert_uint_eq(step(), 1);
    ck_assert_uint_eq(sent.count, 1);
    assert_counted(1, 1, DROP_UNSENDABLE, 0);
}
END_TEST

START_TEST(answers_none_that_would_loop)
{
    ports_add(&judge.ports, OUR_PORT);
    come((struct coming){.peer = addr_loopback(AF_INET, 7), .size = 10});
    come_from(0, 10);
    come((struct coming){.peer = addr_loopback(AF_INET, OUR_PORT), .size = 10});
    ck_assert_uint_eq(step(), 3);
    ck_assert_uint_eq(sent.count, 1);
    assert_sent(0, 0, 1);
    assert_counted(3, 1, DROP_LOOP, 2);
    ck_assert_uint_eq(addr_port(&io.drops[DROP_LOOP].peer), OUR_PORT);
    ck_assert_uint_eq(stats_read(&stats.received), 30);
    ck_assert_uint_eq(stats_read(&stats.sent), 10);
}
END_TEST

START_TEST(answers_none_that_went_to_many)
{
    come((struct coming){.peer = client(0), .size = 10, .to_many = true});
    ck_assert_uint_eq(step(), 1);
    ck_assert_uint_eq(sent.calls, 0);
    assert_counted(1, 0, DROP_MULTICAST, 1);
}
END_TEST

START_TEST(answers_none_that_was_cut)
{
    come((struct coming){.peer = client(0), .size = DATAGRAM_MAX, .flags = MSG_TRUNC});
    come_from(1, DATAGRAM_MAX);
    ck_assert_uint_eq(step(), 2);
    ck_assert_uint_eq(sent.count, 1);
    assert_sent(0, 1, 1);
    assert_counted(2, 1, DROP_TOO_LONG, 1);
}
END_TEST

static struct addr unix_peer(const char *name)
{
    struct addr addr = {.len = 0}; /* as recvmsg(2) tells of one without */

    if (name)
        ck_assert_int_eq(addr_unix(name, &addr), 0);
    return addr;
}

START_TEST(answers_unix_sockets_that_have_a_name_and_are_not_ours)
{
    ck_assert_int_eq(addr_unix("/run/here", &listeners[0].addr), 0);
    come((struct coming){.peer = unix_peer("/run/them"), .size = 10});
    come((struct coming){.peer = unix_peer("@them"), .size = 11});
    come((struct coming){.peer = unix_peer("/run/them"), .size = 12});
    ck_assert_uint_eq(step(), 3);
    ck_assert_uint_eq(sent.count, 3);
    come((struct coming){.peer = unix_peer(NULL), .size = 10});
    ck_assert_uint_eq(step(), 1);
    assert_counted(4, 3, DROP_UNNAMED, 1);
    ck_assert_int_eq(io.drops[DROP_UNNAMED].peer.sa.sa_family, AF_UNIX);
    come((struct coming){.peer = unix_peer("/run/ours.4711"), .size = 10});
    ck_assert_uint_eq(step(), 1);
    ck_assert_uint_eq(stats_read(&stats.dropped[DROP_LOOP]), 1);
    ck_assert_uint_eq(sent.count, 3);
}
END_TEST

START_TEST(joins_nothing_of_unix_sockets)
{
    ck_assert_int_eq(addr_unix("/run/here", &listeners[0].addr), 0);
    for (unsigned i = 0; i < 3; i++)
        come((struct coming){.peer = unix_peer("/run/them"), .size = 64});
    ck_assert_uint_eq(step(), 3);
    ck_assert_uint_eq(sent.messages, 3);
}
END_TEST

/* One after the other, with one batch for both. */
START_TEST(serves_sockets_of_both_kinds)
{
    struct addr inet = listeners[0].addr;

    for (unsigned round = 0; round < 3; round++) {
        ck_assert_int_eq(addr_unix("/run/here", &listeners[0].addr), 0);
        come((struct coming){.peer = unix_peer("/run/them"), .size = 10});
        ck_assert_uint_eq(step(), 1);
        listeners[0].addr = inet;
        come_from(0, 64);
        come_from(1, 64);
        ck_assert_uint_eq(step(), 2);
    }
    assert_counted(9, 9, DROP_LOOP, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("datagram");

    tcase_add_checked_fixture(tcase, make_io, drop_io);
    tcase_add_test(tcase, answers_each_with_its_bytes);
    tcase_add_test(tcase, does_nothing_where_nothing_is);
    tcase_add_test(tcase, takes_a_batch_at_a_time);
    tcase_add_test(tcase, begins_each_step_afresh);
    tcase_add_test(tcase, joins_what_goes_the_same_way);
    tcase_add_test(tcase, joins_no_more_than_the_kernel_takes);
    tcase_add_loop_test(tcase, joins_nothing_else, 0, sizeof(unlike) / sizeof(unlike[0]));
    tcase_add_test(tcase, joins_no_peers);
    tcase_add_loop_test(tcase, goes_on_behind_one_that_fails, 0, 6);
    tcase_add_test(tcase, goes_on_behind_the_first_and_stops_at_the_last);
    tcase_add_test(tcase, what_fails_together_is_tried_alone);
    tcase_add_test(tcase, an_interruption_costs_nothing);
    tcase_add_test(tcase, answers_none_that_would_loop);
    tcase_add_test(tcase, answers_none_that_went_to_many);
    tcase_add_test(tcase, answers_none_that_was_cut);
    tcase_add_test(tcase, answers_unix_sockets_that_have_a_name_and_are_not_ours);
    tcase_add_test(tcase, joins_nothing_of_unix_sockets);
    tcase_add_test(tcase, serves_sockets_of_both_kinds);
    return suite_run("datagram", tcase);
}
