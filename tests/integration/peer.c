/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections. */

static struct addrinfo *address_of(const char *host, int port)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *addr;
    char service[16];

    (void)snprintf(service, sizeof(service), "%d", port);
    ck_assert_int_eq(getaddrinfo(host, service, &hints, &addr), 0);
    return addr;
}

static int peer_socket(const struct addrinfo *addr)
{
    const struct timeval limit = {.tv_sec = DEADLINE_MS / 1000};
    int fd = socket(addr->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
    return fd;
}

static void bind_to(int fd, const char *host)
{
    struct addrinfo *addr = address_of(host, 0);

    ck_assert_msg(bind(fd, addr->ai_addr, addr->ai_addrlen) == 0, "%s: %s", host, strerror(errno));
    freeaddrinfo(addr);
}

int peer_try(const char *host, int port, int *ret_fd)
{
    return peer_try_from(NULL, host, port, ret_fd);
}

int peer_try_from(const char *source, const char *host, int port, int *ret_fd)
{
    struct addrinfo *addr = address_of(host, port);
    int fd = peer_socket(addr), error = 0;

    if (source)
        bind_to(fd, source);
    if (connect(fd, addr->ai_addr, addr->ai_addrlen) < 0)
        error = errno;
    freeaddrinfo(addr);
    if (error)
        (void)close(fd);
    else
        *ret_fd = fd;
    return error;
}

int peer_connect_to(const char *host, int port)
{
    int fd = -1, error = peer_try(host, port, &fd);

    ck_assert_msg(error == 0, "connect to %s port %d: %s", host, port, strerror(error));
    return fd;
}

int peer_connect(const struct echod *e)
{
    return peer_connect_to(e->host, e->port);
}

int peer_begin_connect(const struct echod *e)
{
    struct addrinfo *addr = address_of(e->host, e->port);
    int fd = peer_socket(addr), flags = fcntl(fd, F_GETFL);

    ck_assert_int_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    ck_assert(connect(fd, addr->ai_addr, addr->ai_addrlen) == 0 || errno == EINPROGRESS);
    ck_assert_int_eq(fcntl(fd, F_SETFL, flags), 0);
    freeaddrinfo(addr);
    return fd;
}

bool peer_is_connected(int fd, int within_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, within_ms) == 1;
}

int peer_listen(const char *host, int port)
{
    struct addrinfo *addr = address_of(host, port);
    int fd = socket(addr->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    ck_assert_int_eq(bind(fd, addr->ai_addr, addr->ai_addrlen), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    freeaddrinfo(addr);
    return fd;
}

static struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    ck_assert_uint_lt(strlen(path), sizeof(addr.sun_path));
    (void)strcpy(addr.sun_path, path);
    return addr;
}

int peer_listen_unix(const char *path)
{
    struct sockaddr_un addr = unix_address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

int peer_connect_unix(const char *path)
{
    struct sockaddr_un addr = unix_address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_msg(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0, "%s: %s", path,
                  strerror(errno));
    return fd;
}

struct place {
    const char *host;
    int port;
};

static bool is_refused(void *context)
{
    const struct place *place = context;
    int fd = -1, error = peer_try(place->host, place->port, &fd);

    if (fd >= 0)
        (void)close(fd);
    return error == ECONNREFUSED;
}

void peer_await_refusal(const char *host, int port)
{
    struct place place = {.host = host, .port = port};

    harness_await(is_refused, &place, "connects that are refused");
}

/* What is said. */

void peer_send(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static bool receive(int fd, const char *text)
{
    char answer[256];
    size_t size = strlen(text);
    ssize_t n = recv(fd, answer, size, MSG_WAITALL);

    ck_assert_uint_lt(size, sizeof(answer));
    ck_assert_msg(n >= 0 || errno == ECONNRESET || errno == EPIPE, "recv: %s", strerror(errno));
    if (n < 0 || (n == 0 && size > 0))
        return false;
    answer[n] = '\0';
    ck_assert_str_eq(answer, text);
    return true;
}

void peer_expect(int fd, const char *text)
{
    ck_assert_msg(receive(fd, text), "the connection ended before: %s", text);
}

void peer_exchange(int fd, const char *text)
{
    ck_assert_msg(peer_tries_exchange(fd, text), "the connection ended before: %s", text);
}

bool peer_tries_exchange(int fd, const char *text)
{
    ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);

    ck_assert_msg(n >= 0 || errno == ECONNRESET || errno == EPIPE, "send: %s", strerror(errno));
    return n >= 0 && receive(fd, text);
}

/* Its end. */

static ssize_t receive_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    int error = errno;

    (void)close(fd);
    errno = error;
    return n;
}

void peer_expect_end(int fd)
{
    ssize_t n = receive_end(fd);

    ck_assert_msg(n == 0, "not the end of the connection: %s", n < 0 ? strerror(errno) : "data");
}

void peer_expect_reset(int fd)
{
    ssize_t n = receive_end(fd);

    ck_assert_msg(n < 0 && errno == ECONNRESET, "no reset: %s",
                  n < 0    ? strerror(errno)
                  : n == 0 ? "an end"
                           : "data");
}

void peer_expect_refusal_from(const char *source, const char *host, int port)
{
    int fd = -1, error = peer_try_from(source, host, port, &fd);

    ck_assert_msg(error == 0 || error == ECONNRESET, "%s: %s", host, strerror(error));
    if (error == 0)
        peer_expect_reset(fd);
}

void peer_expect_refusal(const struct echod *e)
{
    peer_expect_refusal_from(NULL, e->host, e->port);
}

void peer_expect_loss(int fd)
{
    ssize_t n = receive_end(fd);

    ck_assert_msg(n == 0 || (n < 0 && errno == ECONNRESET), "the connection goes on");
}

bool peer_is_readable(int fd, int within_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, within_ms) == 1;
}

void peer_reset(int fd)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    (void)close(fd);
}

void peer_finish(int fd)
{
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    peer_expect_end(fd);
}

void peer_allow_descriptors(unsigned count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_msg(limit.rlim_max >= count + 100, "this needs \"ulimit -Hn\" of %u at least",
                  count + 100);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A long stream: the byte at an offset is the pattern's at that offset modulo a prime. */

enum { PATTERN = 999983, CHUNK = 1 << 18 };

static const uint8_t *pattern(void)
{
    static uint8_t bytes[PATTERN + CHUNK];
    static size_t made;
    uint64_t x = 88172645463325252; /* xorshift */

    for (; made < sizeof(bytes); made++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[made] = made < PATTERN ? (uint8_t)x : bytes[made - PATTERN];
    }
    return bytes;
}

static const uint8_t *pattern_at(uint64_t offset)
{
    return pattern() + offset % PATTERN;
}

struct flow flow_begin(int fd)
{
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return (struct flow){.fd = fd};
}

static void flow_send(struct flow *flow, uint64_t limit)
{
    uint64_t left = limit - flow->sent;
    ssize_t n = send(flow->fd, pattern_at(flow->sent), left < CHUNK ? left : CHUNK, MSG_NOSIGNAL);

    ck_assert_msg(n >= 0 || errno == EAGAIN, "send at %llu: %s", (unsigned long long)flow->sent,
                  strerror(errno));
    flow->sent += n > 0 ? (uint64_t)n : 0;
}

/* False at the end of the stream. */
static bool flow_receive(struct flow *flow)
{
    static uint8_t bytes[CHUNK];
    ssize_t n = recv(flow->fd, bytes, sizeof(bytes), 0);

    ck_assert_msg(n >= 0 || errno == EAGAIN, "recv at %llu: %s", (unsigned long long)flow->received,
                  strerror(errno));
    if (n <= 0)
        return n < 0;
    ck_assert_msg(memcmp(bytes, pattern_at(flow->received), (size_t)n) == 0,
                  "what came back is wrong, somewhere in the %zd bytes from %llu on", n,
                  (unsigned long long)flow->received);
    flow->received += (uint64_t)n;
    ck_assert_uint_le(flow->received, flow->sent);
    return true;
}

void flow_step(struct flow *flow, uint64_t limit, int wait_ms)
{
    short out = flow->sent < limit ? POLLOUT : 0;
    struct pollfd p = {.fd = flow->fd, .events = (short)(POLLIN | out)};

    if (poll(&p, 1, wait_ms) <= 0)
        return;
    if (p.revents & out)
        flow_send(flow, limit);
    if (p.revents & ~POLLOUT)
        ck_assert_msg(flow_receive(flow), "the stream ended at %llu",
                      (unsigned long long)flow->received);
}

void flow_stuff(struct flow *flows, unsigned count, uint64_t limit)
{
    enum { FLOWS_MAX = 32, TAKE_NO_MORE_MS = 200 };
    struct pollfd p[FLOWS_MAX];

    ck_assert_uint_le(count, FLOWS_MAX);
    for (unsigned i = 0; i < count; i++)
        p[i] = (struct pollfd){.fd = flows[i].fd, .events = POLLOUT};
    while (poll(p, count, TAKE_NO_MORE_MS) > 0)
        for (unsigned i = 0; i < count; i++) {
            if (p[i].revents)
                flow_send(&flows[i], limit);
            if (flows[i].sent == limit)
                p[i].fd = -1;
        }
}

void flow_finish(struct flow *flow, uint64_t total)
{
    while (flow->sent < total) {
        uint64_t before = flow->sent + flow->received;

        flow_step(flow, total, DEADLINE_MS);
        ck_assert_msg(flow->sent + flow->received > before || peer_is_readable(flow->fd, 0),
                      "the stream stands still at %llu", (unsigned long long)flow->received);
    }
    ck_assert_int_eq(shutdown(flow->fd, SHUT_WR), 0);
    while (peer_is_readable(flow->fd, DEADLINE_MS) && flow_receive(flow))
        ;
    ck_assert_uint_eq(flow->received, total);
    peer_expect_end(flow->fd);
}
