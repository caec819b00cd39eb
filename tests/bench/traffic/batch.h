/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* Datagrams that are sent, or received, by one system call: sendmmsg(2), recvmmsg(2). */

struct datagram {
    struct sockaddr_in remote; /* the server */
    struct in_addr local;      /* our address; 0.0.0.0: whichever the kernel chooses */
    size_t size;
    uint8_t *bytes;
};

struct batch {
    unsigned room, count; /* datagrams */
    size_t size;          /* bytes, of the largest datagram */
    struct datagram *datagrams;
    struct envelope *envelopes; /* how the kernel wants them */
    struct mmsghdr *headers;
};

/* A socket that takes datagrams for any address of this host; recv waits so long at most. */
int batch_socket(double patience_seconds);

/* Room for so many datagrams of so many bytes each. */
void batch_init(struct batch *batch, unsigned room, size_t size);
void batch_free(struct batch *batch);

/* The next datagram, to be filled in; there has to be room for it. */
struct datagram *batch_add(struct batch *batch);

/* Sends all of them; then it is empty. */
void batch_send(struct batch *batch, int fd);

/* Takes what is there; waits for the first, unless FLAGS have MSG_DONTWAIT. It may stay empty. */
void batch_receive(struct batch *batch, int fd, int flags);
