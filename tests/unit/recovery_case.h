/* SPDX-License-Identifier: MIT */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "net/recovery.h"
#include "net/spill.h"
#include "net/stream.h"

/*
 * A connection over TCP whose worker dies, again and again, and what must be true after each
 * recovery. It is one and the same from the beginning of a test to its end: whatever goes wrong
 * with a byte shows in those behind it.
 */

/* A buffer that gives its memory back, between two that must not be touched. */
enum { NUMBER = 70, BUFFERS = NUMBER + 2 };

struct shared {
    struct slot slot;
    struct stats stats;
    _Alignas(4096) uint8_t buffer[STREAM_BUFFER];
    _Alignas(4096) uint8_t spill[(size_t)BUFFERS * SPILL_BYTES];
};

static struct shared *shared;
static struct stream_io io; /* of the worker that will die */
static int peer = -1, served = -1;
static uint64_t asked, answered; /* bytes that the peer sent and got back */

/* What byte the peer sends at an offset of its stream: no period is a power of two. */
static inline uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 7 + at / 251 + at / 65521);
}

/* ---- the connection ---- */

static inline void set_option(int fd, int level, int option, int value)
{
    ck_assert_int_eq(setsockopt(fd, level, option, &value, sizeof(value)), 0);
}

static inline void connect_pair(bool urgent_inline)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct addr addr = addr_loopback(AF_INET, 0);

    ck_assert_int_ge(listener, 0);
    set_option(listener, SOL_SOCKET, SO_OOBINLINE, urgent_inline);
    ck_assert_int_eq(bind(listener, &addr.sa, addr.len), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(addr_of_socket(listener, &addr), 0);
    peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(peer, 0);
    ck_assert_int_eq(connect(peer, &addr.sa, addr.len), 0);
    served = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_int_ge(served, 0);
    set_option(served, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(peer, IPPROTO_TCP, TCP_NODELAY, 1);
    ck_assert_int_eq(close(listener), 0);
    asked = answered = 0;
}

static inline void make_slot(void)
{
    struct addr addr = {.len = 0};

    shared->slot = (struct slot){.fd = served, .number = NUMBER};
    ck_assert_int_eq(addr_of_peer(served, &addr), 0);
    slot_set_peer(&shared->slot, &addr);
}

static inline void make_case(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    ck_assert_int_eq(mprotect(shared->spill, (size_t)NUMBER * SPILL_BYTES, PROT_NONE), 0);
    ck_assert_int_eq(mprotect(spill_at(shared->spill, NUMBER + 1), SPILL_BYTES, PROT_NONE), 0);
    io = (struct stream_io){
        .calls = stream_syscalls(),
        .buffer = shared->buffer,
        .spill = shared->spill,
        .pipe = {-1, -1},
        .stats = &shared->stats,
    };
    connect_pair(true);
    make_slot();
}

static inline void close_pipe(void)
{
    for (int i = 0; i < 2 && io.pipe[i] >= 0; i++)
        ck_assert_int_eq(close(io.pipe[i]), 0);
    io.pipe[0] = io.pipe[1] = -1;
}

static inline void drop_case(void)
{
    close_pipe();
    (void)close(peer);
    (void)close(served);
    ck_assert_int_eq(munmap(shared, sizeof(*shared)), 0);
}

static inline size_t unread(void)
{
    int count = -1;

    ck_assert_int_eq(ioctl(served, FIONREAD, &count), 0);
    return (size_t)count;
}

/* All bytes have arrived when this returns. */
static inline void peer_sends(size_t size)
{
    static uint8_t bytes[STREAM_BUFFER];
    size_t before = unread();

    ck_assert_uint_le(size, sizeof(bytes));
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(asked++);
    ck_assert_int_eq(send(peer, bytes, size, 0), (ssize_t)size);
    while (unread() < before + size)
        (void)sched_yield();
}

/* What the peer gets back is what it sent, in order. False: nothing is there, or it was the end. */
static inline bool peer_hears(void)
{
    static uint8_t bytes[STREAM_BUFFER];
    ssize_t n = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT);

    for (ssize_t i = 0; i < n; i++)
        if (bytes[i] != byte_at(answered++))
            ck_abort_msg("byte %zd of an answer is wrong", i);
    return n > 0;
}

/* ---- a socket that takes no more than it is told to ---- */

static size_t takes = SIZE_MAX; /* of what is sent */

static inline ssize_t take_nothing(void)
{
    errno = EAGAIN;
    return -1;
}

static inline ssize_t sparing_send(int fd, const void *from, size_t size, int flags)
{
    return takes == 0 ? take_nothing() : send(fd, from, size < takes ? size : takes, flags);
}

static inline ssize_t sparing_splice(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                                     unsigned flags)
{
    size_t most = to == served && size > takes ? takes : size;

    return most == 0 ? take_nothing() : splice(from, from_at, to, to_at, most, flags);
}

static inline ssize_t failing_splice(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                                     unsigned flags)
{
    (void)from;
    (void)from_at;
    (void)to;
    (void)to_at;
    (void)size;
    (void)flags;
    return take_nothing();
}

/* ---- recovery ---- */

static inline struct wreck wreck_of_step(void)
{
    return (struct wreck){
        .number = NUMBER, .spill = shared->spill, .buffer = shared->buffer, .pipe = io.pipe[0]};
}

static inline enum recovery recover(void)
{
    const struct wreck wreck = wreck_of_step();

    return recovery_of_stream(&shared->slot, served, &wreck);
}

/* The slot tells the truth: this is how many bytes were read, and these are owed. */
static inline void assert_exact(void)
{
    const struct slot *slot = &shared->slot;
    const uint8_t *spill = spill_at(shared->spill, NUMBER);

    ck_assert_uint_eq(slot->received, asked - unread());
    ck_assert_uint_le(slot->spill_begin, slot->spill_end);
    ck_assert_uint_le(slot->spill_end, SPILL_BYTES);
    ck_assert_uint_eq(slot->received - slot->sent, slot->spill_end - slot->spill_begin);
    ck_assert(!slot->piped);
    for (uint32_t at = slot->spill_begin; at < slot->spill_end; at++)
        if (spill[at] != byte_at(slot->sent + at - slot->spill_begin))
            ck_abort_msg("byte %u of the spill buffer is wrong", at);
}

/* The next worker goes on, which has another buffer and another pipe. */
static inline enum stream_next next_worker_steps(void)
{
    static uint8_t buffer[STREAM_BUFFER];
    static struct stats stats;
    struct stream_io next = {.calls = stream_syscalls(),
                             .buffer = buffer,
                             .spill = shared->spill,
                             .pipe = {-1, -1},
                             .stats = &stats};

    return stream_step(&shared->slot, &next);
}

/* Until the peer has everything back. */
static inline void serve_all(void)
{
    while (answered < asked) {
        struct pollfd p = {.fd = peer, .events = POLLIN};

        ck_assert_int_ne(next_worker_steps(), STREAM_BROKEN);
        if (!peer_hears() && !stream_owes(&shared->slot) && unread() == 0)
            ck_assert_int_eq(poll(&p, 1, -1), 1);
    }
    ck_assert_uint_eq(answered, asked);
}

/* The peer says that this was all: after the last byte comes the end, and nothing else. */
static inline void end_stream(void)
{
    struct pollfd p = {.fd = served, .events = POLLIN};
    uint8_t byte;

    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    serve_all();
    ck_assert_int_eq(poll(&p, 1, -1), 1);
    ck_assert_int_eq(next_worker_steps(), STREAM_FINISHED);
    ck_assert_int_eq(shutdown(served, SHUT_RDWR), 0);
    ck_assert_int_eq(recv(peer, &byte, 1, 0), 0);
}
