/* SPDX-License-Identifier: MIT */
#include "datagrams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATA_MAX = 65536, INSIST_MS = 100 };

struct addr datagram_addr(const char *host, int port)
{
    struct addr addr = addr_loopback(strchr(host, ':') ? AF_INET6 : AF_INET, (uint16_t)port);
    void *to = addr.sa.sa_family == AF_INET ? (void *)&addr.in.sin_addr : &addr.in6.sin6_addr;

    ck_assert_msg(inet_pton(addr.sa.sa_family, host, to) == 1, "%s", host);
    return addr;
}

int datagram_open(const char *host, int port)
{
    const struct timeval limit = {.tv_sec = DEADLINE_MS / 1000};
    struct addr addr = datagram_addr(host, port);
    int fd = socket(addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    ck_assert_msg(bind(fd, &addr.sa, addr.len) == 0, "bind to %s port %d: %s", host, port,
                  strerror(errno));
    return fd;
}

int datagram_connect_from(const char *source, const char *host, int port)
{
    struct addr addr = datagram_addr(host, port);
    int fd = datagram_open(source ? source : addr.sa.sa_family == AF_INET6 ? "::" : "0.0.0.0", 0);

    ck_assert_msg(connect(fd, &addr.sa, addr.len) == 0, "%s: %s", host, strerror(errno));
    return fd;
}

int datagram_connect(const struct echod *e)
{
    return datagram_connect_from(NULL, e->host, e->port);
}

void datagram_fill(uint8_t *bytes, size_t size, unsigned number)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i < sizeof(number) ? number >> 8 * i : number + i * 7 + i / 251);
}

void datagram_send(int fd, size_t size, unsigned number)
{
    uint8_t bytes[DATA_MAX];

    datagram_fill(bytes, size, number);
    ck_assert_msg(send(fd, bytes, size, 0) == (ssize_t)size, "send: %s", strerror(errno));
}

static bool is_datagram(const uint8_t *bytes, ssize_t n, size_t size, unsigned number)
{
    uint8_t expected[DATA_MAX];

    datagram_fill(expected, size, number);
    return n == (ssize_t)size && memcmp(bytes, expected, size) == 0;
}

void datagram_expect(int fd, size_t size, unsigned number)
{
    uint8_t bytes[DATA_MAX];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

    ck_assert_msg(n >= 0, "no answer of %zu bytes: %s", size, strerror(errno));
    ck_assert_msg(is_datagram(bytes, n, size, number), "another answer, of %zd bytes for %zu", n,
                  size);
}

void datagram_exchange(int fd, size_t size, unsigned number)
{
    datagram_send(fd, size, number);
    datagram_expect(fd, size, number);
}

static bool comes(int fd, size_t size, unsigned number)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t bytes[DATA_MAX];

    while (poll(&p, 1, INSIST_MS) > 0)
        if (is_datagram(bytes, recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT), size, number))
            return true;
    return false;
}

/* Before the listener is there again, send(2) may tell of what met nobody. */
void datagram_insist(int fd, size_t size, unsigned number)
{
    uint64_t deadline = harness_now_ms() + DEADLINE_MS;
    uint8_t bytes[DATA_MAX];

    datagram_fill(bytes, size, number);
    do {
        ck_assert_msg(harness_now_ms() < deadline, "no answer, however often it is sent");
        (void)send(fd, bytes, size, 0);
    } while (!comes(fd, size, number));
}

unsigned datagram_count(int fd)
{
    uint8_t bytes[DATA_MAX];
    unsigned count = 0;

    while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
        count++;
    ck_assert_int_eq(errno, EAGAIN);
    return count;
}

void datagram_expect_nothing(const struct echod *e, int fd)
{
    int other = datagram_connect(e);

    datagram_exchange(other, 10, 1);
    (void)close(other);
    ck_assert_uint_eq(datagram_count(fd), 0);
}
