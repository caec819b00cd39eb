/* SPDX-License-Identifier: MIT */
#include "net/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

const struct stream_calls *stream_syscalls(void)
{
    static const struct stream_calls calls = {.recv = recv, .send = send};

    return &calls;
}

static bool is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Sends what the socket takes: the bytes sent, 0 if it takes none now, or -1 and errno. */
static ssize_t send_some(struct slot *slot, struct stream_io *io, const uint8_t *bytes, size_t size)
{
    ssize_t n = io->calls->send(slot->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0)
        return is_transient(errno) ? 0 : -1;
    slot->sent += (uint64_t)n;
    stats_add(&io->stats->sent, (uint64_t)n);
    return n;
}

static enum stream_next keep(struct slot *slot, struct stream_io *io, const uint8_t *bytes,
                             size_t size)
{
    memcpy(spill_at(io->spill, slot->number), bytes, size);
    slot->spill_begin = 0;
    slot->spill_end = (uint32_t)size;
    return STREAM_WRITE;
}

void stream_drop(struct slot *slot, struct stream_io *io)
{
    if (slot->spill_end == 0)
        return;
    slot->spill_begin = slot->spill_end = 0;
    spill_release(io->spill, slot->number);
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

static enum stream_next step_read(struct slot *slot, struct stream_io *io)
{
    ssize_t got = io->calls->recv(slot->fd, io->buffer, STREAM_BUFFER, MSG_DONTWAIT);
    ssize_t sent;

    if (got < 0)
        return is_transient(errno) ? STREAM_READ : STREAM_BROKEN;
    if (got == 0)
        return STREAM_FINISHED;
    slot->active_ms = io->now_ms;
    slot->received += (uint64_t)got;
    stats_add(&io->stats->received, (uint64_t)got);
    sent = send_some(slot, io, io->buffer, (size_t)got);
    if (sent < 0)
        return STREAM_BROKEN;
    if (sent == got)
        return STREAM_READ;
    return keep(slot, io, io->buffer + sent, (size_t)(got - sent));
}

enum stream_next stream_step(struct slot *slot, struct stream_io *io)
{
    return stream_owes(slot) ? step_write(slot, io) : step_read(slot, io);
}
