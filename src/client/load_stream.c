/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "client/deadline.h"
#include "client/load_socket.h"
#include "client/load_state.h"

/* Begins what may begin, but no more than one send(2) can take. */
static void begin(struct load_thread *thread, struct load_connection *c)
{
    const uint64_t size = thread->plan->size;

    while (c->next * size - c->sent < LOAD_BUFFER && load_may_begin(thread, c))
        load_begin(thread, c);
}

/* Of what was begun and not sent, a message that lacks its first byte has not begun. */
static void take_back(struct load_thread *thread, struct load_connection *c)
{
    const uint64_t size = thread->plan->size;

    c->next = (c->sent + size - 1) / size;
}

bool load_stream_send(struct load_thread *thread, struct load_connection *c)
{
    for (;;) {
        uint64_t left;
        size_t part;
        ssize_t n;

        begin(thread, c);
        left = c->next * thread->plan->size - c->sent;
        if (left == 0)
            return true;
        part = left < LOAD_BUFFER ? (size_t)left : LOAD_BUFFER;
        n = load_send(c->fd, load_pad_at(thread->pad, c->number, c->sent), part);
        if (n > 0)
            c->sent += (uint64_t)n;
        if (n == (ssize_t)part && part < LOAD_BUFFER)
            return true; /* All that may begin now has left. */
        if (n == (ssize_t)part) {
            thread->now = clock_nsec(); /* That took a while. */
            continue;
        }
        take_back(thread, c);
        if (n >= 0 || errno == EAGAIN || errno == EINTR)
            return true;
        return load_fail_errno(thread, -errno, LOAD_RESET);
    }
}

/* Compares LENGTH bytes that came with the pad, as much of them as the plan wants. */
static bool verify(struct load_thread *thread, const struct load_connection *c, size_t length)
{
    const uint64_t size = thread->plan->size;
    uint64_t message = c->first;
    size_t done = 0;

    while (done < length) {
        uint64_t at = c->received + done, offset = at - message * size;
        size_t rest = length - done < size - offset ? length - done : (size_t)(size - offset);
        size_t wanted = load_verify_length(thread, message, offset, rest);

        if (memcmp(load_pad_at(thread->pad, c->number, at), thread->in + done, wanted) != 0)
            return false;
        done += rest;
        message++;
    }
    return true;
}

bool load_stream_receive(struct load_thread *thread, struct load_connection *c, bool *ret_more)
{
    const uint64_t size = thread->plan->size;
    ssize_t n = load_receive(c->fd, thread->in, LOAD_BUFFER);

    *ret_more = n == LOAD_BUFFER;
    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR)
            return true;
        return load_fail_errno(thread, -errno, LOAD_RESET);
    }
    if (n == 0)
        return load_fail(thread, LOAD_CLOSED);
    if ((uint64_t)n > c->sent - c->received)
        return load_fail(thread, LOAD_SURPLUS);
    if (thread->plan->verify != LOAD_VERIFY_NONE && !verify(thread, c, (size_t)n))
        return load_fail(thread, LOAD_WRONG);
    thread->now = clock_nsec();
    c->received += (uint64_t)n;
    while (c->first < c->next && c->received >= (c->first + 1) * size)
        load_answered(thread, c, c->first++);
    return true;
}
