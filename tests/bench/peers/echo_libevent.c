/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

/*
 * An echo server on libevent, with an event for reading and one for writing per connection, as the
 * first server of its book has it. (Its bufferevents take at most 4 KiB at a time and ask with an
 * ioctl(2) before each read: that was twice the CPU per message, and a tenth of the rate in bulk.)
 */

static char buffer[65536];

struct peer {
    struct event *readable, *writable;
    char *rest; /* what send did not take; then nothing is read */
    size_t rest_size;
};

static void peer_free(struct peer *peer)
{
    int fd = event_get_fd(peer->readable);

    event_free(peer->readable);
    event_free(peer->writable);
    evutil_closesocket(fd);
    free(peer->rest);
    free(peer);
}

/* Sends what the socket takes, keeps the rest and waits to write. */
static void peer_send(struct peer *peer, int fd, const char *bytes, size_t size)
{
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    char *rest;

    if (sent < 0 && errno != EAGAIN) {
        peer_free(peer);
        return;
    }
    sent = sent < 0 ? 0 : sent;
    if ((size_t)sent == size)
        return;
    rest = malloc(size - (size_t)sent);
    if (!rest) {
        peer_free(peer);
        return;
    }
    peer->rest_size = size - (size_t)sent;
    peer->rest = memcpy(rest, bytes + sent, peer->rest_size);
    event_del(peer->readable);
    event_add(peer->writable, NULL);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
    ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

    (void)events;
    if (got > 0)
        peer_send(arg, fd, buffer, (size_t)got);
    else if (got == 0 || errno != EAGAIN)
        peer_free(arg);
}

static void on_writable(evutil_socket_t fd, short events, void *arg)
{
    struct peer *peer = arg;
    char *rest = peer->rest;

    (void)events;
    peer->rest = NULL;
    event_add(peer->readable, NULL);
    peer_send(peer, fd, rest, peer->rest_size);
    free(rest);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *addr, int length, void *unused)
{
    struct event_base *base = evconnlistener_get_base(listener);
    struct peer *peer = calloc(1, sizeof(*peer));

    (void)addr;
    (void)length;
    (void)unused;
    if (!peer) {
        evutil_closesocket(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    peer->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, peer);
    peer->writable = event_new(base, fd, EV_WRITE, on_writable, peer);
    event_add(peer->readable, NULL);
}

/* ---- datagrams: it has nothing of its own for them, so the two calls are ours ---- */

static void on_datagram(evutil_socket_t fd, short events, void *unused)
{
    struct sockaddr_in from;
    socklen_t from_size = sizeof(from);
    ssize_t got = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &from_size);

    (void)events;
    (void)unused;
    if (got >= 0)
        (void)sendto(fd, buffer, (size_t)got, 0, (const struct sockaddr *)&from, from_size);
}

static void echo_datagrams(struct event_base *base, const struct sockaddr_in *addr)
{
    evutil_socket_t fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0) {
        perror("UDP");
        exit(1);
    }
    event_add(event_new(base, fd, EV_READ | EV_PERSIST, on_datagram, NULL), NULL);
}

/* ---- both ---- */

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Puts the port that the kernel has chosen, if it was to choose, into ADDR. */
static void get_port(evutil_socket_t fd, struct sockaddr_in *addr)
{
    socklen_t size = sizeof(*addr);

    if (getsockname(fd, (struct sockaddr *)addr, &size) < 0) {
        perror("getsockname");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0))};
    struct event_base *base = event_base_new();
    struct evconnlistener *listener;

    raise_descriptors();
    listener = evconnlistener_new_bind(base, on_connection, NULL,
                                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, SOMAXCONN,
                                       (struct sockaddr *)&addr, sizeof(addr));
    if (!listener) {
        perror("bind");
        return 1;
    }
    get_port(evconnlistener_get_fd(listener), &addr);
    echo_datagrams(base, &addr);
    printf("%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return event_base_dispatch(base);
}
