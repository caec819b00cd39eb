/* SPDX-License-Identifier: MIT */
#include "traffic/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "traffic/fail.h"

enum { RECEIVE_BUFFER = 8 * 1024 * 1024 };

struct envelope {
    struct iovec iov;
    union {
        struct cmsghdr header; /* for its alignment */
        uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
};

int batch_socket(double patience_seconds)
{
    struct timeval patience = {.tv_sec = (time_t)patience_seconds};
    struct sockaddr_in any = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    patience.tv_usec = (suseconds_t)((patience_seconds - (double)patience.tv_sec) * 1e6);
    if (fd < 0)
        fail("socket: %s", strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &(int){1}, sizeof(int)) < 0)
        fail("setsockopt: %s", strerror(errno));
    /* Who is not root gets less, and sees it as loss if it is too little. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){RECEIVE_BUFFER}, sizeof(int)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){RECEIVE_BUFFER}, sizeof(int));
    if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
        fail("bind: %s", strerror(errno));
    return fd;
}

/* To receive; who sends overwrites it. */
static void prepare(struct batch *batch, unsigned i)
{
    struct datagram *datagram = &batch->datagrams[i];
    struct envelope *envelope = &batch->envelopes[i];

    envelope->iov = (struct iovec){.iov_base = datagram->bytes, .iov_len = batch->size};
    batch->headers[i].msg_hdr = (struct msghdr){.msg_name = &datagram->remote,
                                                .msg_namelen = sizeof(datagram->remote),
                                                .msg_iov = &envelope->iov,
                                                .msg_iovlen = 1,
                                                .msg_control = &envelope->control,
                                                .msg_controllen = sizeof(envelope->control)};
}

void batch_init(struct batch *batch, unsigned room, size_t size)
{
    *batch = (struct batch){.room = room,
                            .size = size,
                            .datagrams = calloc(room, sizeof(*batch->datagrams)),
                            .envelopes = calloc(room, sizeof(*batch->envelopes)),
                            .headers = calloc(room, sizeof(*batch->headers))};
    if (!batch->datagrams || !batch->envelopes || !batch->headers)
        fail("no memory for %u datagrams", room);
    for (unsigned i = 0; i < room; i++) {
        batch->datagrams[i].bytes = malloc(size);
        if (!batch->datagrams[i].bytes)
            fail("no memory for %u datagrams of %zu bytes", room, size);
        prepare(batch, i);
    }
}

void batch_free(struct batch *batch)
{
    for (unsigned i = 0; i < batch->room; i++)
        free(batch->datagrams[i].bytes);
    free(batch->datagrams);
    free(batch->envelopes);
    free(batch->headers);
}

struct datagram *batch_add(struct batch *batch)
{
    return &batch->datagrams[batch->count++];
}

/* ---- out ---- */

static void address(struct batch *batch, unsigned i)
{
    struct datagram *datagram = &batch->datagrams[i];
    struct envelope *envelope = &batch->envelopes[i];
    struct msghdr *header = &batch->headers[i].msg_hdr;
    const struct in_pktinfo from = {.ipi_spec_dst = datagram->local};

    envelope->iov = (struct iovec){.iov_base = datagram->bytes, .iov_len = datagram->size};
    *header = (struct msghdr){.msg_name = &datagram->remote,
                              .msg_namelen = sizeof(datagram->remote),
                              .msg_iov = &envelope->iov,
                              .msg_iovlen = 1};
    if (datagram->local.s_addr == INADDR_ANY)
        return;
    envelope->control.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(from)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    memcpy(CMSG_DATA(&envelope->control.header), &from, sizeof(from));
    header->msg_control = &envelope->control;
    header->msg_controllen = sizeof(envelope->control);
}

void batch_send(struct batch *batch, int fd)
{
    for (unsigned i = 0; i < batch->count; i++)
        address(batch, i);
    for (unsigned sent = 0; sent < batch->count;) {
        int n = sendmmsg(fd, batch->headers + sent, batch->count - sent, 0);

        if (n < 0)
            fail("sendmmsg: %s", strerror(errno));
        sent += (unsigned)n;
    }
    batch->count = 0;
}

/* ---- in ---- */

static void open_envelope(struct batch *batch, unsigned i)
{
    const struct cmsghdr *control = CMSG_FIRSTHDR(&batch->headers[i].msg_hdr);
    struct datagram *datagram = &batch->datagrams[i];
    struct in_pktinfo to;

    if (!control || control->cmsg_type != IP_PKTINFO)
        fail("the kernel does not say where a datagram was sent to");
    memcpy(&to, CMSG_DATA(control), sizeof(to));
    datagram->local = to.ipi_addr;
    datagram->size = batch->headers[i].msg_len;
}

void batch_receive(struct batch *batch, int fd, int flags)
{
    int n;

    for (unsigned i = 0; i < batch->count; i++) /* of the last time: the others still are */
        prepare(batch, i);
    n = recvmmsg(fd, batch->headers, batch->room, flags | MSG_WAITFORONE, NULL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        fail("recvmmsg: %s", strerror(errno));
    batch->count = n < 0 ? 0 : (unsigned)n;
    for (unsigned i = 0; i < batch->count; i++)
        open_envelope(batch, i);
}
