/* SPDX-License-Identifier: MIT */
#include "echo_servers.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

int listen_on(struct addr addr, int backlog, char target[static ADDR_TEXT_MAX])
{
    int fd = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
    if (backlog >= 0)
        ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(addr_of_socket(fd, &addr), 0);
    (void)addr_format(&addr, target);
    return fd;
}

static void *server_thread(void *argument)
{
    const struct server *server = argument;
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) {
        server->serve(server, fd);
        (void)close(fd);
    }
    return NULL;
}

void server_start(struct server *server)
{
    if (server->addr.len == 0)
        server->addr = addr_loopback(AF_INET, 0);
    server->listener = listen_on(server->addr, 1, server->target);
    ck_assert_int_eq(pipe2(server->finish, O_CLOEXEC), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, server_thread, server), 0);
}

void server_stop(struct server *server)
{
    (void)close(server->finish[1]);
    (void)shutdown(server->listener, SHUT_RDWR); /* wakes accept(2), should nobody have come */
    ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
    (void)close(server->finish[0]);
    (void)close(server->listener);
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

/* Reads exactly this much, and forgets it but for the last part. */
static bool read_exactly(int fd, char *data, size_t size)
{
    return recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

static void hold(const struct server *server)
{
    (void)poll(&(struct pollfd){.fd = server->finish[0], .events = POLLIN}, 1, -1);
}

void serve_echo(const struct server *server, int fd)
{
    char data[65536];
    ssize_t n;

    (void)server;
    while ((n = recv(fd, data, sizeof(data), 0)) > 0 && write_all(fd, data, (size_t)n))
        ;
}

void serve_slowly(const struct server *server, int fd)
{
    char data[10000];
    ssize_t n;

    (void)server;
    while ((n = recv(fd, data, sizeof(data), 0)) > 0 && write_all(fd, data, (size_t)n))
        ;
}

void serve_bytewise(const struct server *server, int fd)
{
    char byte;

    (void)server;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    while (recv(fd, &byte, 1, 0) == 1 && write_all(fd, &byte, 1))
        ;
}

void serve_flipped(const struct server *server, int fd)
{
    size_t done = 0;
    char data[65536];
    ssize_t n;

    while ((n = recv(fd, data, sizeof(data), 0)) > 0) {
        if (server->at >= done && server->at < done + (size_t)n)
            data[server->at - done] ^= 1;
        done += (size_t)n;
        if (!write_all(fd, data, (size_t)n))
            break;
    }
}

void serve_with_a_gap(const struct server *server, int fd)
{
    char data[12];

    if (read_exactly(fd, data, sizeof(data)) && write_all(fd, data, server->at))
        (void)write_all(fd, data + server->at + 1, sizeof(data) - server->at - 1);
}

void serve_short(const struct server *server, int fd)
{
    char data[12];

    /* Read to the last byte: closing with something unread would be a reset. */
    if (read_exactly(fd, data, sizeof(data)))
        (void)write_all(fd, data, server->at);
}

void serve_reset(const struct server *server, int fd)
{
    struct linger linger = {.l_onoff = 1};
    char data[12];

    (void)read_exactly(fd, data, server->at);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void serve_surplus_at_once(const struct server *server, int fd)
{
    char data[13];

    (void)server;
    if (read_exactly(fd, data, 12)) {
        data[12] = '!';
        (void)write_all(fd, data, sizeof(data));
    }
    hold(server);
}

void serve_surplus_at_the_end(const struct server *server, int fd)
{
    serve_echo(server, fd);
    (void)write_all(fd, "!", 1);
}

void serve_silence(const struct server *server, int fd)
{
    char data[65536];

    while (recv(fd, data, sizeof(data), 0) > 0)
        ;
    hold(server);
}

void serve_nothing(const struct server *server, int fd)
{
    (void)fd;
    hold(server);
}

void serve_echo_and_hold(const struct server *server, int fd)
{
    serve_echo(server, fd);
    hold(server);
}

void serve_echo_and_reset(const struct server *server, int fd)
{
    struct linger linger = {.l_onoff = 1};

    serve_echo(server, fd);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void *datagram_thread(void *argument)
{
    const struct datagram_server *server = argument;
    struct pollfd pollfds[] = {{.fd = server->fd, .events = POLLIN},
                               {.fd = server->finish[0], .events = POLLIN}};
    static unsigned char data[65536]; /* one server at a time */
    unsigned number = 0;

    while (poll(pollfds, 2, -1) > 0 && !pollfds[1].revents) {
        struct addr peer;
        ssize_t n;

        peer.len = sizeof(peer) - offsetof(struct addr, sa);
        n = recvfrom(server->fd, data, sizeof(data), 0, &peer.sa, &peer.len);
        n = n > 0 ? (ssize_t)server->answer(number++, data, (size_t)n) : 0;
        if (n > 0)
            (void)sendto(server->fd, data, (size_t)n, 0, &peer.sa, peer.len);
    }
    return NULL;
}

void datagram_server_start(struct datagram_server *server)
{
    char text[ADDR_TEXT_MAX];

    if (server->addr.len == 0)
        server->addr = addr_loopback(AF_INET, 0);
    server->fd = socket(server->addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(server->fd, 0);
    ck_assert_int_eq(bind(server->fd, &server->addr.sa, server->addr.len), 0);
    ck_assert_int_eq(addr_of_socket(server->fd, &server->addr), 0);
    (void)addr_format(&server->addr, text);
    if (server->addr.sa.sa_family == AF_UNIX)
        (void)snprintf(server->target, sizeof(server->target), "unixgram:%s", text + 5);
    else
        (void)snprintf(server->target, sizeof(server->target), "udp://%s", text);
    ck_assert_int_eq(pipe2(server->finish, O_CLOEXEC), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, datagram_thread, server), 0);
}

void datagram_server_stop(struct datagram_server *server)
{
    (void)close(server->finish[1]);
    ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
    (void)close(server->finish[0]);
    (void)close(server->fd);
}

size_t answer_all(unsigned number, unsigned char *data, size_t length)
{
    (void)number;
    (void)data;
    return length;
}

size_t answer_some(unsigned number, unsigned char *data, size_t length)
{
    (void)data;
    return number == 0 || number == 2 ? 0 : length;
}

size_t answer_none(unsigned number, unsigned char *data, size_t length)
{
    (void)number;
    (void)data;
    (void)length;
    return 0;
}

size_t answer_cut(unsigned number, unsigned char *data, size_t length)
{
    (void)number;
    (void)data;
    return length < 2048 ? length : 2048;
}

size_t answer_changed(unsigned number, unsigned char *data, size_t length)
{
    (void)number;
    data[length - 1] ^= 1;
    return length;
}

size_t answer_surplus(unsigned number, unsigned char *data, size_t length)
{
    (void)number;
    data[length] = '!';
    return length + 1;
}
