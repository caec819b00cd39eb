/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "client/dial.h"

/* The socket of a ping, which may have to be made anew, and the kernel's time stamps on it. */

enum ping_link_state {
    PING_LINK_DOWN,
    PING_LINK_CONNECTING, /* POLLOUT, then ping_link_finish() */
    PING_LINK_UP,
};

struct ping_link {
    struct addr addr;
    int type; /* SOCK_STREAM, SOCK_DGRAM */
    const struct dial_options *dial;
    int fd; /* -1: down */
    enum ping_link_state state;
    int64_t began_nsec, connect_nsec; /* when connecting began; how long it took */
};

/* Takes a connected socket over. */
void ping_link_adopt(struct ping_link *link, int fd, int64_t connect_nsec);

/* Begins to connect. 0 or -errno, and then it is down. */
int ping_link_begin(struct ping_link *link);

/* How that went: 0, or -errno, and then it is down. */
int ping_link_finish(struct ping_link *link);

void ping_link_close(struct ping_link *link);

/* send(2): what it took, or -errno. */
ssize_t ping_link_send(const struct ping_link *link, const void *data, size_t size);

/* What a message on a socket's queues is accompanied by. */
struct ping_arrival {
    int64_t kernel_nsec; /* CLOCK_REALTIME when the kernel got it, 0: not known */
    size_t
        fragment_size; /* it came in fragments, of which the largest was as large; 0: it did not */
};

/* recvmsg(2): what it got (0: the end of a stream), or -errno. */
ssize_t ping_link_receive(const struct ping_link *link, void *buffer, size_t size,
                          struct ping_arrival *ret_arrival);

/* What the error queue has to say of what was sent. */
struct ping_notice {
    int error;           /* negative errno; 0: it is a time stamp */
    uint32_t key;        /* of a time stamp: which datagram since the socket was made, from 0; in a
                            stream, the number of its last byte */
    int64_t kernel_nsec; /* of a time stamp: when it left */
    uint32_t mtu;        /* with -EMSGSIZE: the largest packet that would pass, 0: not known */
    bool from_afar;      /* somebody on the way said it: ICMP */
    size_t length;       /* of the buffer: the beginning of what was sent */
};

/* 0, or -errno: -EAGAIN when there is nothing. */
int ping_link_notice(const struct ping_link *link, void *buffer, size_t size,
                     struct ping_notice *ret_notice);
