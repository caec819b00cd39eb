/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/socket_file.h"

/*
 * Listening sockets: socket(2), bind(2), and for streams listen(2) with a backlog. Accepted
 * connections inherit from them what is set here: non-blocking apart, all of the options of tcp(7)
 * and socket(7). A datagram socket tells of each datagram the address and interface that it came
 * to and its type of service (IP_PKTINFO, IP_RECVTOS, ip(7); IPV6_PKTINFO, IPV6_TCLASS, ipv6(7));
 * not of one that came to a passed socket before it was taken over.
 */

struct listener {
    int fd;
    int type;    /* SOCK_STREAM or SOCK_DGRAM */
    bool passed; /* by the service manager: its address and backlog are not ours to change */
    int backlog;
    struct addr addr;
    struct addr local; /* what getsockname(2) says, of its connections, too: see socket_file.h */
    struct socket_file file;     /* of a Unix socket that has a path and was not passed */
    struct socket_access access; /* of that file */
    char name[64];               /* FileDescriptorName= of a passed one, else "" */
    uint32_t stored;             /* its number in the service manager's store, 0: it is not there */
};

struct listener_set {
    struct listener *list;
    size_t count;
};

/* An address to listen on. */
struct listener_wanted {
    int type; /* SOCK_STREAM or SOCK_DGRAM */
    struct addr addr;
    bool optional;               /* where the machine does not have its family, go on without it */
    int backlog;                 /* connections; of a stream */
    struct socket_access access; /* of a Unix socket with a path */
    int tag;                     /* the caller's */
};

/* What went wrong where, for the one who tells people. */
struct listener_fault {
    struct listener_wanted wanted;
    const char *what; /* "bind", ... or what is wrong with a passed descriptor */
    bool ours;        /* it is in the way of another one that is wanted */
};

/*
 * Listens on each wanted address. What POOL has for an address is used again, same socket and
 * queue; the others are opened, also where an address overlaps one of the pool that will go
 * (127.0.0.1 and then 0.0.0.0). Permissions and owners of sockets are changed where they are to be
 * others. Optional ones that cannot be had are left out.
 * 0, or -errno with *ret_fault set: then everything is as it was before.
 * On success the sets share descriptors: end one of them with listeners_close_except(), the pool
 * when it is replaced, or RET with listeners_undo() when it is not to be after all.
 */
int listeners_open(const struct listener_wanted *wanted, size_t count,
                   const struct listener_set *pool, struct listener_set *ret,
                   struct listener_fault *ret_fault);

/* Takes back what listeners_open() did. */
void listeners_undo(struct listener_set *set, const struct listener_set *pool);

/*
 * Takes over a descriptor that the service manager passed. -EINVAL with *ret_fault set when it
 * is neither a listening stream socket nor a bound datagram socket of a known family, else -errno.
 * The descriptor stays open then.
 */
int listener_adopt(int fd, const char *name, struct listener_set *set,
                   struct listener_fault *ret_fault);

/*
 * Makes a listener of a descriptor that an earlier process of ours opened: with a set of these for
 * a pool listeners_open() goes on where that one was. STORED is its number in the store, 0 for
 * none; FILE is the file that a Unix socket with a path had. -EINVAL as above, -ESTALE when it has
 * lost its file or listeners_retire() was there, else -errno, with *ret_fault set. The descriptor
 * stays open then.
 */
int listener_recover(int fd, uint32_t stored, const struct socket_file *file,
                     struct listener_set *set, struct listener_fault *ret_fault);

/* listen(2) again, with the backlog of each stream that was not passed. */
void listeners_set_backlogs(const struct listener_set *set);

/* The backlog in force, which the kernel caps at net.core.somaxconn; -errno where it can't tell. */
int listener_backlog(const struct listener *listener);

/* The listener with this type and address, or NULL. */
const struct listener *listeners_find(const struct listener_set *set, int type,
                                      const struct addr *addr);

/* The listener that a connection or datagram with this local address came to, or NULL. */
const struct listener *listeners_serving(const struct listener_set *set, int type,
                                         const struct addr *local);

/*
 * Datagrams are for others from now on, such as a socket that overlaps: those that KEEP does not
 * have get no more, and can be read and answered to their end. They are connected to themselves.
 */
void listeners_retire(const struct listener_set *set, const struct listener_set *keep);

/* Adds a copy to a set. 0 or -ENOMEM. */
int listeners_add(struct listener_set *set, const struct listener *listener);

/* A second set of the same descriptors. 0 or -ENOMEM. */
int listeners_copy(const struct listener_set *set, struct listener_set *ret);

/*
 * Closes all and removes their files; the set stays, to say what connections came to, until
 * listeners_close_except() frees it.
 */
void listeners_close(struct listener_set *set);

/*
 * Closes what KEEP (NULL: nothing) does not have, too, removes the files of those sockets, and
 * frees the set.
 */
void listeners_close_except(struct listener_set *set, const struct listener_set *keep);

/* Closes all and frees the set; the files of those that are in the store stay. */
void listeners_leave(struct listener_set *set);

/*
 * Of a stream: keepalive, no delay, urgent data in line: for a listener, and so for what it
 * accepts; but Unix sockets inherit nothing, so there it is for each connection.
 */
int listener_set_stream_options(int fd, int family);

/* Of a datagram socket: see above. */
int listener_set_datagram_options(int fd, int family);

/* The one that this type of socket needs. */
int listener_set_options(int fd, int type, int family);
