/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic/connection.h"
#include "traffic/fail.h"
#include "traffic/modes.h"
#include "traffic/window.h"

struct pingpong {
    const struct options *options;
    struct connection *connections;
    struct window window;
    int epoll;
    int64_t end_nsec;   /* from then on no message is sent */
    unsigned under_way; /* messages */
};

/* ---- one connection: what a user's client does ---- */

/* MSG_DONTWAIT: looks again and again, and so never has to be woken. */
static void pingpong_one(struct pingpong *all, int flags)
{
    const size_t size = all->options->size;
    struct connection *connection = &all->connections[0];
    int64_t now = now_nsec();

    while (now < all->end_nsec) {
        connection_next(connection, size, now);
        connection_send(connection, size, 0);
        while (!connection_receive(connection, size, flags))
            ;
        now = now_nsec();
        histogram_add(&all->window.histogram, now - connection->begun_nsec);
    }
}

/* ---- many connections ---- */

/* Edge-triggered, so that the load takes less than a server that is level-triggered. */
static void watch(struct pingpong *all)
{
    all->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (all->epoll < 0)
        fail("epoll_create1: %s", strerror(errno));
    for (unsigned i = 0; i < all->options->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                    .data.ptr = &all->connections[i]};

        if (epoll_ctl(all->epoll, EPOLL_CTL_ADD, all->connections[i].fd, &event) < 0)
            fail("epoll_ctl: %s", strerror(errno));
    }
}

static void begin(struct pingpong *all, struct connection *connection, int64_t now)
{
    const size_t size = all->options->size;

    connection_next(connection, size, now);
    connection_send(connection, size, MSG_DONTWAIT);
}

static void handle(struct pingpong *all, struct connection *connection)
{
    const size_t size = all->options->size;
    int64_t now;

    if (connection->received == size) /* Its last message is done. */
        return;
    if (connection->sent < size)
        connection_send(connection, size, MSG_DONTWAIT);
    if (!connection_receive(connection, size, MSG_DONTWAIT))
        return;
    now = now_nsec();
    histogram_add(&all->window.histogram, now - connection->begun_nsec);
    if (now < all->end_nsec)
        begin(all, connection, now);
    else
        all->under_way--;
}

static void pingpong_many(struct pingpong *all)
{
    struct epoll_event events[256];

    all->under_way = all->options->connections;
    for (unsigned i = 0; i < all->options->connections; i++)
        begin(all, &all->connections[i], now_nsec());
    while (all->under_way) {
        int count = epoll_wait(all->epoll, events, 256, PATIENCE_S * 1000);

        if (count < 0 && errno != EINTR)
            fail("epoll_wait: %s", strerror(errno));
        if (count == 0)
            fail("%u answers are missing after %d s", all->under_way, PATIENCE_S);
        for (int i = 0; i < count; i++)
            handle(all, events[i].data.ptr);
    }
}

/* ---- both ---- */

static void run_for(struct pingpong *all, double seconds)
{
    all->end_nsec = now_nsec() + (int64_t)(seconds * 1e9);
    if (all->options->connections > 1)
        pingpong_many(all);
    else
        pingpong_one(all, all->options->spin ? MSG_DONTWAIT : 0);
}

void pingpong(const struct options *options)
{
    struct pingpong all = {.options = options, .window.options = options, .epoll = -1};

    all.connections = connections_open(options);
    if (options->connections > 1)
        watch(&all);
    run_for(&all, options->warmup);
    window_begin(&all.window);
    run_for(&all, options->seconds);
    window_end(&all.window);
    window_report(&all.window);
    connections_free(all.connections, options->connections);
    if (all.epoll >= 0)
        close(all.epoll);
}
