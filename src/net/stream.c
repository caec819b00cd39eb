/* SPDX-License-Identifier: MIT */
#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
    /*
     * splice(2) hands 16 pages at a time to the socket. Data begins anywhere in a page, so that 15
     * pages' worth lie in 16; a 17th would be sent alone, for the price of all the others.
     */
    MOVE_BYTES = 15 * 4096,
    MOVE_LEAST = MOVE_BYTES / 2,
    PIPE_BYTES = 4 * STREAM_BUFFER, /* room for pieces that are smaller than a page */
};

const struct stream_calls *stream_syscalls(void)
{
    static const struct stream_calls calls = {.recv = recv, .send = send, .splice = splice};

    return &calls;
}

void stream_open_pipe(int ret[static 2])
{
    if (pipe2(ret, O_CLOEXEC | O_NONBLOCK) < 0)
        ret[0] = ret[1] = -1;
    else
        (void)fcntl(ret[1], F_SETPIPE_SZ, PIPE_BYTES); /* If not, less fits at a time. */
}

void stream_reset(int fd)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    (void)connect(fd, &nowhere, sizeof(nowhere)); /* A Unix socket cannot: closing has to do. */
}

void stream_count_received(struct slot *slot, struct stream_io *io, size_t size)
{
    slot->active_ms = io->now_ms;
    atomic_signal_fence(memory_order_release); /* not before what is owed of them is kept */
    slot->received += size;
    stats_add(&io->stats->received, size);
}

/* What a call that writes to the socket answered: bytes sent, 0 if it takes none now, or -1. */
static ssize_t count_sent(struct slot *slot, struct stream_io *io, ssize_t n)
{
    if (n < 0)
        return stream_is_transient(errno) ? 0 : -1;
    slot->sent += (uint64_t)n;
    stats_add(&io->stats->sent, (uint64_t)n);
    return n;
}

static ssize_t send_some(struct slot *slot, struct stream_io *io, const uint8_t *bytes, size_t size)
{
    return count_sent(slot, io,
                      io->calls->send(slot->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT));
}

/* The spill buffer has this many bytes now, which the peer is owed. */
static void owe(struct slot *slot, size_t size)
{
    slot->spill_begin = 0;
    slot->spill_end = (uint32_t)size;
}

void stream_drop(struct slot *slot, struct stream_io *io)
{
    if (slot->spill_end == 0)
        return;
    slot->spill_begin = slot->spill_end = 0;
    atomic_signal_fence(memory_order_release); /* The slot never tells of bytes that are gone. */
    spill_release(io->spill, slot->number);
}

/* What comes next when of SIZE bytes so many were sent. */
static enum stream_next after_sending(ssize_t sent, size_t size)
{
    if (sent < 0)
        return STREAM_BROKEN;
    return (size_t)sent < size ? STREAM_WRITE : STREAM_READ;
}

static enum stream_next step_write(struct slot *slot, struct stream_io *io)
{
    const uint8_t *bytes = spill_at(io->spill, slot->number);
    ssize_t n = send_some(slot, io, bytes + slot->spill_begin, slot->spill_end - slot->spill_begin);

    if (n < 0)
        return STREAM_BROKEN;
    if (n > 0)
        slot->active_ms = io->now_ms;
    slot->spill_begin += (uint32_t)n;
    if (slot->spill_begin < slot->spill_end)
        return STREAM_WRITE;
    stream_drop(slot, io);
    return STREAM_READ;
}

/* Reads SIZE bytes that are in the pipe. */
static int empty_pipe(const struct stream_io *io, uint8_t *to, size_t size)
{
    while (size > 0) {
        ssize_t n = read(io->pipe[0], to, size);

        if (n <= 0)
            return -1;
        to += n;
        size -= (size_t)n;
    }
    return 0;
}

static enum stream_next step_copy(struct slot *slot, struct stream_io *io)
{
    ssize_t got = io->calls->recv(slot->fd, io->buffer, STREAM_BUFFER, MSG_DONTWAIT);
    ssize_t sent;

    if (got < 0)
        return stream_is_transient(errno) ? STREAM_READ : STREAM_BROKEN;
    if (got == 0)
        return STREAM_FINISHED;
    slot->bulk = got == STREAM_BUFFER && io->pipe[0] >= 0;
    sent = send_some(slot, io, io->buffer, (size_t)got);
    if (sent >= 0 && sent < got) {
        memcpy(spill_at(io->spill, slot->number), io->buffer + sent, (size_t)(got - sent));
        owe(slot, (size_t)(got - sent));
    }
    stream_count_received(slot, io, (size_t)got);
    return after_sending(sent, (size_t)got);
}

/*
 * What is left in the pipe is nobody's any more: above all not that of who comes next. Others may
 * have copies of the pipe, so it is the same one that goes on, empty, if it can be emptied.
 */
static void clear_pipe(struct stream_io *io)
{
    ssize_t n;

    do
        n = read(io->pipe[0], io->buffer, STREAM_BUFFER);
    while (n > 0);
    if (n < 0 && errno == EAGAIN)
        return;
    closep(&io->pipe[0]);
    closep(&io->pipe[1]);
}

/*
 * What is in the pipe goes back; what the socket does not take is owed. The pipe is empty then.
 * What cannot be kept is lost, and the connection with it.
 */
static enum stream_next send_pipe(struct slot *slot, struct stream_io *io, size_t size)
{
    ssize_t sent =
        count_sent(slot, io, io->calls->splice(io->pipe[0], NULL, slot->fd, NULL, size, 0));
    size_t left = size - (size_t)(sent > 0 ? sent : 0);
    bool kept = empty_pipe(io, spill_at(io->spill, slot->number), left) == 0;
    int error = errno;

    if (kept && left > 0)
        owe(slot, left);
    stream_count_received(slot, io, size);
    atomic_signal_fence(memory_order_release); /* Until then it tells where they are. */
    slot->piped = false;
    if (!kept)
        clear_pipe(io);
    errno = error;
    return after_sending(kept ? sent : -1, size);
}

/* Whether splice(2) says that this kind of socket, or this process, cannot do it. */
static bool cannot_move(int error)
{
    return error == EINVAL || error == EOPNOTSUPP || error == ENOSYS || error == EPERM;
}

/*
 * A pipe holds references to the pieces in which the data came. Small pieces are not worth it, and
 * keep memory that nobody accounts for: when little comes, it is copied again. Where there is
 * nothing to move, recv(2) has the last word: splice(2) stops for good in front of an urgent byte,
 * and says then that there is nothing, or even that this is the end.
 */
static enum stream_next step_move(struct slot *slot, struct stream_io *io)
{
    ssize_t got;

    slot->piped = true;
    got = io->calls->splice(slot->fd, NULL, io->pipe[1], NULL, MOVE_BYTES, 0);
    if (got > 0) {
        slot->bulk = got >= MOVE_LEAST;
        return send_pipe(slot, io, (size_t)got);
    }
    slot->piped = false;
    if (got < 0 && !stream_is_transient(errno) && !cannot_move(errno))
        return STREAM_BROKEN;
    slot->bulk = got < 0 && stream_is_transient(errno);
    return step_copy(slot, io);
}

enum stream_next stream_step(struct slot *slot, struct stream_io *io)
{
    if (stream_owes(slot))
        return step_write(slot, io);
    return slot->bulk && io->pipe[0] >= 0 ? step_move(slot, io) : step_copy(slot, io);
}
