/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/addr.h"
#include "client/path.h"

/* One socket on its way to one address: what all modes do alike, whoever waits for it. */

/* How, beside where to. */
struct dial_options {
    struct addr source; /* the own address, its port 0; len is 0: the kernel's choice */
    unsigned proxy;     /* 1, 2: begin streams with a PROXY header of this version; 0: do not */
    struct path_options path;
};

/*
 * Makes a socket of TYPE (SOCK_STREAM, SOCK_DGRAM), non-blocking and CLOEXEC, and begins to connect
 * it. Returns the descriptor, which is the caller's, or -errno; -EAGAIN is a Unix listener whose
 * queue is full. POLLOUT says that it has come to an end: then call dial_finish().
 *
 * Datagram sockets are connected, too, so that ICMP errors become errors of send(2) and recv(2);
 * one of a Unix address binds itself to an abstract name (unix(7), autobind), or nobody could
 * answer.
 */
int dial_begin(const struct addr *addr, int type, const struct dial_options *options);

/* How it went: 0 when connected (and a PROXY header was sent), or -errno. */
int dial_finish(int fd, const struct addr *addr, const struct dial_options *options);
