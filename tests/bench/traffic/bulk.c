/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic/connection.h"
#include "traffic/fail.h"
#include "traffic/modes.h"
#include "traffic/window.h"

/*
 * What is sent is a pattern whose period is a prime number of bytes, so what is lost, doubled or
 * swapped shows. (sendfile(2) and splice(2) are no cheaper for the load, and would have all servers
 * read bytes that never leave their cache, which no network does.)
 */
enum { PERIOD = 65521, CHUNK = 128 * 1024 };

struct stream {
    int fd;
    uint32_t number;
    uint64_t sent, received;
    bool sent_all;
};

struct bulk {
    const struct options *options;
    struct stream *streams;
    uint8_t *pattern; /* PERIOD + CHUNK bytes: CHUNK bytes from any offset of the period */
    uint8_t *buffer;  /* CHUNK bytes */
    struct window window;
    int epoll;
    int64_t end_nsec;
    unsigned running; /* streams */
};

/* ---- the pattern ---- */

static void pattern_make(struct bulk *all)
{
    uint32_t state = 1;

    all->pattern = malloc(PERIOD + CHUNK);
    all->buffer = malloc(CHUNK);
    if (!all->pattern || !all->buffer)
        fail("no memory");
    for (size_t i = 0; i < PERIOD; i++) {
        state = state * 1664525 + 1013904223;
        all->pattern[i] = (uint8_t)(state >> 24);
    }
    for (size_t i = PERIOD; i < PERIOD + CHUNK; i++)
        all->pattern[i] = all->pattern[i - PERIOD];
}

/* ---- the streams ---- */

/* Level-triggered: each stream gets a step at a time. */
static void stream_watch(struct bulk *all, struct stream *stream, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = stream};

    if (epoll_ctl(all->epoll, operation, stream->fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
}

static void stream_open(struct bulk *all, uint32_t number)
{
    struct stream *stream = &all->streams[number];
    struct connection connection = {.number = number};

    connection_open(&connection, all->options);
    *stream = (struct stream){.fd = connection.fd, .number = number};
    stream_watch(all, stream, 0, EPOLL_CTL_ADD);
}

static void streams_open(struct bulk *all)
{
    all->epoll = epoll_create1(EPOLL_CLOEXEC);
    all->streams = calloc(all->options->connections, sizeof(*all->streams));
    if (all->epoll < 0 || !all->streams)
        fail("no memory for the streams");
    for (uint32_t i = 0; i < all->options->connections; i++)
        stream_open(all, i);
}

static void streams_close(struct bulk *all)
{
    for (unsigned i = 0; i < all->options->connections; i++)
        close(all->streams[i].fd);
    close(all->epoll);
    free(all->streams);
    free(all->pattern);
    free(all->buffer);
}

static bool may_send(const struct bulk *all, const struct stream *stream)
{
    return stream->sent < all->options->bytes && now_nsec() < all->end_nsec;
}

static void stream_send(struct bulk *all, struct stream *stream)
{
    uint64_t left = all->options->bytes - stream->sent;
    ssize_t n = send(stream->fd, all->pattern + stream->sent % PERIOD, left < CHUNK ? left : CHUNK,
                     MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN)
        fail("send on connection %u: %s", stream->number, strerror(errno));
    if (n > 0)
        stream->sent += (uint64_t)n;
}

static void stream_receive(struct bulk *all, struct stream *stream)
{
    ssize_t n = recv(stream->fd, all->buffer, CHUNK, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0)
        fail("recv on connection %u: %s", stream->number, strerror(errno));
    if (n == 0)
        fail("connection %u: closed by the server", stream->number);
    if (memcmp(all->buffer, all->pattern + stream->received % PERIOD, (size_t)n) != 0)
        fail("connection %u: wrong bytes after %llu", stream->number,
             (unsigned long long)stream->received);
    stream->received += (uint64_t)n;
    all->window.bytes += (uint64_t)n;
    if (stream->received > stream->sent)
        fail("connection %u: more came back than was sent", stream->number);
}

static void stream_step(struct bulk *all, struct stream *stream)
{
    if (!stream->sent_all && may_send(all, stream))
        stream_send(all, stream);
    else if (!stream->sent_all) {
        stream->sent_all = true;
        stream_watch(all, stream, EPOLLIN, EPOLL_CTL_MOD);
    }
    stream_receive(all, stream);
    if (stream->sent_all && stream->received == stream->sent)
        all->running--;
}

/* ---- the run ---- */

static void stream_begin(struct bulk *all, struct stream *stream)
{
    stream->sent = stream->received = 0;
    stream->sent_all = false;
    stream_watch(all, stream, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

static void run_for(struct bulk *all, double seconds)
{
    struct epoll_event events[64];

    all->end_nsec = now_nsec() + (int64_t)(seconds * 1e9);
    all->running = all->options->connections;
    for (unsigned i = 0; i < all->options->connections; i++)
        stream_begin(all, &all->streams[i]);
    while (all->running) {
        int count = epoll_wait(all->epoll, events, 64, PATIENCE_S * 1000);

        if (count < 0 && errno != EINTR)
            fail("epoll_wait: %s", strerror(errno));
        if (count == 0)
            fail("%u streams stand still for %d s", all->running, PATIENCE_S);
        for (int i = 0; i < count; i++)
            stream_step(all, events[i].data.ptr);
    }
}

void bulk(const struct options *options)
{
    struct bulk all = {.options = options, .window.options = options};

    pattern_make(&all);
    streams_open(&all);
    run_for(&all, options->warmup);
    window_begin(&all.window);
    run_for(&all, options->seconds);
    window_end(&all.window);
    window_report(&all.window);
    streams_close(&all);
}
