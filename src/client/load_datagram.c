/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "client/deadline.h"
#include "client/load_socket.h"
#include "client/load_state.h"

/*
 * A datagram begins with its message's number, little-endian, and goes on with the pad: so
 * answers may be lost, come twice, and overtake each other. The window moves on when its oldest
 * message is answered or given up; LOAD_ANSWERED marks the others that were.
 */
enum { NUMBER = sizeof(uint64_t), AT_ONCE = 64 };

static void fill(struct load_thread *thread, const struct load_connection *c)
{
    const uint64_t size = thread->plan->size;
    uint64_t number = htole64(c->next);

    memcpy(thread->out, &number, NUMBER);
    memcpy(thread->out + NUMBER, load_pad_at(thread->pad, c->number, c->next * size + NUMBER),
           size - NUMBER);
}

bool load_datagram_send(struct load_thread *thread, struct load_connection *c)
{
    while (load_may_begin(thread, c)) {
        fill(thread, c);
        if (load_send(c->fd, thread->out, thread->plan->size) < 0) {
            if (errno == EAGAIN || errno == EINTR)
                return true;
            return load_fail_errno(thread, -errno, LOAD_RESET);
        }
        load_begin(thread, c);
    }
    return true;
}

static void move_on(struct load_thread *thread, struct load_connection *c)
{
    while (c->first < c->next && *load_begun(thread, c, c->first) == LOAD_ANSWERED)
        c->first++;
}

static bool is_under_way(struct load_thread *thread, const struct load_connection *c,
                         uint64_t message)
{
    return message >= c->first && message < c->next &&
           *load_begun(thread, c, message) != LOAD_ANSWERED;
}

static bool is_intact(struct load_thread *thread, const struct load_connection *c, uint64_t message)
{
    const uint64_t size = thread->plan->size;
    /* The number is compared already: a sample is of what follows it. */
    size_t wanted = load_verify_length(thread, message, 0, size - NUMBER);

    return memcmp(load_pad_at(thread->pad, c->number, message * size + NUMBER), thread->in + NUMBER,
                  wanted) == 0;
}

/* One datagram of LENGTH bytes. None of its faults makes the socket useless. */
static void take(struct load_thread *thread, struct load_connection *c, size_t length)
{
    uint64_t message = 0;

    if (length < NUMBER) {
        (void)load_fail(thread, LOAD_CUT);
        return;
    }
    memcpy(&message, thread->in, NUMBER);
    message = le64toh(message);
    if (!is_under_way(thread, c, message)) {
        (void)load_fail(thread, message < c->next ? LOAD_STRAY : LOAD_WRONG);
        return;
    }
    if (length == thread->plan->size && is_intact(thread, c, message)) {
        load_answered(thread, c, message);
    } else {
        thread->counts->lost++;
        (void)load_fail(thread, length < thread->plan->size   ? LOAD_CUT
                                : length > thread->plan->size ? LOAD_SURPLUS
                                                              : LOAD_WRONG);
    }
    *load_begun(thread, c, message) = LOAD_ANSWERED;
    move_on(thread, c);
}

bool load_datagram_receive(struct load_thread *thread, struct load_connection *c, bool *ret_more)
{
    *ret_more = false;
    for (unsigned i = 0; i < AT_ONCE; i++) {
        ssize_t n = load_receive(c->fd, thread->in, LOAD_BUFFER);

        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR)
                return true;
            return load_fail_errno(thread, -errno, LOAD_RESET);
        }
        thread->now = clock_nsec();
        take(thread, c, (size_t)n);
        if (c->first == c->next) /* Nothing else is to come. */
            return true;
    }
    *ret_more = true;
    return true;
}

void load_datagram_expire(struct load_thread *thread, struct load_connection *c, int64_t time)
{
    while (c->first < c->next && *load_begun(thread, c, c->first) <= time) {
        if (*load_begun(thread, c, c->first) != LOAD_ANSWERED) {
            thread->counts->lost++;
            (void)load_fail(thread, LOAD_TIMED_OUT);
        }
        c->first++;
    }
}
