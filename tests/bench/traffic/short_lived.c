/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic/connection.h"
#include "traffic/fail.h"
#include "traffic/modes.h"
#include "traffic/window.h"

/*
 * A connection is closed as clients close it: FIN, without waiting for the server's. That leaves
 * a TIME_WAIT over here, which would soon occupy all ports; so the connections come from many
 * addresses of the loopback network in turn.
 */
enum { SOURCES = 16384 };

struct short_lived {
    const struct options *options;
    struct connection *workers;
    struct window window;
    int epoll;
    uint32_t source;
    int64_t end_nsec; /* from then on no connection is opened */
    unsigned running; /* workers */
};

static struct sockaddr_in next_source(struct short_lived *all)
{
    all->source = (all->source + 1) % SOURCES;
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(0x7f100001 + all->source)};
}

static int open_socket(struct short_lived *all)
{
    struct sockaddr_in source = next_source(all);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        fail("socket: %s", strerror(errno));
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int)) < 0)
        fail("setsockopt: %s", strerror(errno));
    if (bind(fd, (const struct sockaddr *)&source, sizeof(source)) < 0)
        fail("bind to a source address: %s", strerror(errno));
    return fd;
}

static void begin(struct short_lived *all, struct connection *worker)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = worker};
    const struct sockaddr_in *target = &all->options->target;
    const size_t size = all->options->size;

    connection_next(worker, size, now_nsec());
    worker->fd = open_socket(all);
    if (connect(worker->fd, (const struct sockaddr *)target, sizeof(*target)) < 0 &&
        errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    /* On the loopback device the handshake is over by now, as a rule: that saves a wake-up. */
    connection_send(worker, size, MSG_DONTWAIT);
    if (epoll_ctl(all->epoll, EPOLL_CTL_ADD, worker->fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
}

static void end(struct short_lived *all, struct connection *worker)
{
    int64_t now;

    close(worker->fd);
    worker->fd = -1;
    now = now_nsec();
    histogram_add(&all->window.histogram, now - worker->begun_nsec);
    if (now < all->end_nsec)
        begin(all, worker);
    else
        all->running--;
}

static void handle(struct short_lived *all, struct connection *worker)
{
    const size_t size = all->options->size;

    if (worker->sent < size)
        connection_send(worker, size, MSG_DONTWAIT);
    if (connection_receive(worker, size, MSG_DONTWAIT))
        end(all, worker);
}

static void run_for(struct short_lived *all, double seconds)
{
    struct epoll_event events[256];

    all->end_nsec = now_nsec() + (int64_t)(seconds * 1e9);
    all->running = all->options->connections;
    for (unsigned i = 0; i < all->options->connections; i++)
        begin(all, &all->workers[i]);
    while (all->running) {
        int count = epoll_wait(all->epoll, events, 256, PATIENCE_S * 1000);

        if (count < 0 && errno != EINTR)
            fail("epoll_wait: %s", strerror(errno));
        if (count == 0)
            fail("%u connections got no answer for %d s", all->running, PATIENCE_S);
        for (int i = 0; i < count; i++)
            handle(all, events[i].data.ptr);
    }
}

void short_lived(const struct options *options)
{
    struct short_lived all = {.options = options, .window.options = options};

    all.workers = connections_new(options->connections, options->size);
    all.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (all.epoll < 0)
        fail("epoll_create1: %s", strerror(errno));
    run_for(&all, options->warmup);
    window_begin(&all.window);
    run_for(&all, options->seconds);
    window_end(&all.window);
    window_report(&all.window);
    connections_free(all.workers, options->connections);
    close(all.epoll);
}
