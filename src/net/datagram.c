/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"

enum {
    /* Datagrams up to here go as they are over any IPv6 link (RFC 8200), and surely IPv4's. */
    JOINED_MOST = 1280 - 40 - 8,
    JOINED_BYTES = 65000, /* all together they have to fit into what the kernel takes for one */
};

union control {
    struct cmsghdr header;
    uint8_t bytes[WAY_BACK_MAX + CMSG_SPACE(sizeof(uint16_t))];
};

/* Of answers only heads are made: names, control data and bytes stay where they were received. */
struct datagram_batch {
    struct mmsghdr received[DATAGRAM_BATCH];
    struct mmsghdr answers[DATAGRAM_BATCH];
    struct iovec room[DATAGRAM_BATCH];  /* of what is received */
    struct iovec bytes[DATAGRAM_BATCH]; /* of the answers, without gaps */
    struct addr peer[DATAGRAM_BATCH];
    union control control[DATAGRAM_BATCH];
    unsigned used;       /* of these, by the last step */
    size_t control_room; /* for each, as of then */
    uint8_t data[DATAGRAM_BATCH][DATAGRAM_MAX + 1];
};

const struct datagram_calls *datagram_syscalls(void)
{
    static const struct datagram_calls calls = {.recvmmsg = recvmmsg, .sendmmsg = sendmmsg};

    return &calls;
}

int datagram_io_init(struct datagram_io *io)
{
    void *memory = mmap(NULL, sizeof(*io->batch), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return -errno;
    io->batch = memory;
    io->batch->used = DATAGRAM_BATCH;
    for (unsigned i = 0; i < DATAGRAM_BATCH; i++)
        io->batch->room[i] =
            (struct iovec){.iov_base = io->batch->data[i], .iov_len = DATAGRAM_MAX};
    return 0;
}

void datagram_io_deinit(struct datagram_io *io)
{
    if (io->batch)
        (void)munmap(io->batch, sizeof(*io->batch)); /* Cannot fail for what was mapped. */
    io->batch = NULL;
}

static void make_room(struct datagram_batch *batch, unsigned i)
{
    batch->peer[i].sa.sa_family = AF_UNIX; /* and so it stays where the sender has no address */
    batch->received[i].msg_hdr = (struct msghdr){
        .msg_name = &batch->peer[i].sa,
        .msg_namelen = sizeof(struct addr) - offsetof(struct addr, sa),
        .msg_iov = &batch->room[i],
        .msg_iovlen = 1,
        .msg_control = &batch->control[i],
        .msg_controllen = batch->control_room,
    };
}

/* Of a Unix socket control data would be descriptors, to fill our table with. */
static unsigned receive(const struct listener *listener, struct datagram_io *io)
{
    struct datagram_batch *batch = io->batch;
    size_t control_room = listener->addr.sa.sa_family == AF_UNIX ? 0 : WAY_BACK_MAX;
    int n;

    if (batch->control_room != control_room)
        batch->used = DATAGRAM_BATCH;
    batch->control_room = control_room;
    for (unsigned i = 0; i < batch->used; i++)
        make_room(batch, i);
    n = io->calls->recvmmsg(listener->fd, batch->received, DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
    batch->used = n > 0 ? (unsigned)n : 0; /* Whatever failed, there is nothing to answer. */
    return batch->used;
}

static void drop(struct datagram_io *io, const struct listener *listener, const struct addr *peer,
                 enum drop why)
{
    struct datagram_drops *drops = &io->drops[why];

    io->dropped = true;
    drops->count++;
    drops->peer = *peer;
    drops->local = listener->addr;
    stats_add(&io->stats->dropped[why], 1);
}

/* Whether a Unix socket of ours sent it: it would answer the answer. */
static bool is_own(const struct datagram_io *io, const struct addr *peer)
{
    return peer->sa.sa_family == AF_UNIX && listeners_serving(io->own, SOCK_DGRAM, peer);
}

static enum drop judge(const struct datagram_io *io, struct mmsghdr *message,
                       const struct addr *peer, uint64_t now_usec)
{
    if (message->msg_hdr.msg_flags & MSG_TRUNC)
        return DROP_TOO_LONG;
    if (!way_back_turn(&message->msg_hdr))
        return DROP_MULTICAST;
    if (is_own(io, peer))
        return DROP_LOOP;
    return judge_sender(io->judge, peer, now_usec);
}

/* Enters what is answered in the answers, one by one; returns their number. */
static unsigned choose(const struct listener *listener, struct datagram_io *io, unsigned received)
{
    struct datagram_batch *batch = io->batch;
    uint64_t now_usec = clock_usec(), bytes = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < received; i++) {
        struct mmsghdr *message = &batch->received[i];
        enum drop why;

        batch->peer[i].len = message->msg_hdr.msg_namelen;
        bytes += message->msg_len;
        why = judge(io, message, &batch->peer[i], now_usec);
        if (why != DROP_NONE) {
            drop(io, listener, &batch->peer[i], why);
            continue;
        }
        batch->bytes[count] = (struct iovec){batch->data[i], message->msg_len};
        batch->answers[count] = *message;
        batch->answers[count].msg_hdr.msg_iov = &batch->bytes[count];
        count++;
    }
    stats_add(&io->stats->datagrams, received);
    stats_add(&io->stats->received, bytes);
    return count;
}

static bool same_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* Whether two datagrams are equally long, and of one peer to one address of ours, in one class. */
static bool may_join(const struct msghdr *a, const struct msghdr *b)
{
    size_t size = a->msg_iov[0].iov_len;

    return size > 0 && size <= JOINED_MOST && size == b->msg_iov[0].iov_len &&
           ((struct sockaddr *)a->msg_name)->sa_family != AF_UNIX &&
           same_bytes(a->msg_name, a->msg_namelen, b->msg_name, b->msg_namelen) &&
           same_bytes(a->msg_control, a->msg_controllen, b->msg_control, b->msg_controllen);
}

/*
 * Answers in a row that only differ in their bytes travel through the kernel as one, and are cut
 * into datagrams again behind all that costs time: UDP_SEGMENT, udp(7). Returns the number of
 * messages that are left.
 */
static unsigned join(struct datagram_batch *batch, unsigned count)
{
    struct mmsghdr *messages = batch->answers;
    unsigned joined = 0;

    for (unsigned i = 0, next; i < count; i = next) {
        struct msghdr *header = &messages[joined++].msg_hdr;
        size_t size = batch->bytes[i].iov_len;

        *header = messages[i].msg_hdr;
        for (next = i + 1; next < count; next++)
            if (!may_join(header, &messages[next].msg_hdr) || (next - i + 1) * size > JOINED_BYTES)
                break;
        header->msg_iovlen = next - i;
        if (next - i > 1)
            way_back_segment(header, size);
    }
    return joined;
}

/* Sends what can be sent up to the first one that cannot; returns its number. */
static unsigned send_up_to_failure(int fd, struct datagram_io *io, struct mmsghdr *messages,
                                   unsigned count)
{
    int n;

    do
        n = io->calls->sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    for (int i = 0; i < n; i++) {
        const struct msghdr *header = &messages[i].msg_hdr;

        stats_add(&io->stats->answered, header->msg_iovlen);
        for (size_t k = 0; k < header->msg_iovlen; k++)
            stats_add(&io->stats->sent, header->msg_iov[k].iov_len);
    }
    return n > 0 ? (unsigned)n : 0;
}

/* Those that do not go together may go alone: where IPsec is in use, or a link is very narrow. */
static void send_each(const struct listener *listener, struct datagram_io *io,
                      const struct msghdr *joined)
{
    struct mmsghdr one = {.msg_hdr = *joined};
    struct addr peer = {.len = joined->msg_namelen};

    memcpy(&peer.sa, joined->msg_name, joined->msg_namelen);
    one.msg_hdr.msg_iovlen = 1;
    if (joined->msg_iovlen > 1)
        one.msg_hdr.msg_controllen -= CMSG_SPACE(sizeof(uint16_t));
    for (size_t i = 0; i < joined->msg_iovlen; i++) {
        one.msg_hdr.msg_iov = &joined->msg_iov[i];
        if (joined->msg_iovlen == 1 || send_up_to_failure(listener->fd, io, &one, 1) == 0)
            drop(io, listener, &peer, DROP_UNSENDABLE);
    }
}

/* What one answer meets, a full queue, a route that is gone, is not asked of the ones behind it. */
static void send_all(const struct listener *listener, struct datagram_io *io, unsigned count)
{
    struct mmsghdr *messages = io->batch->answers;
    unsigned sent = 0;

    while (sent < count) {
        sent += send_up_to_failure(listener->fd, io, messages + sent, count - sent);
        if (sent < count)
            send_each(listener, io, &messages[sent++].msg_hdr);
    }
}

unsigned datagram_step(const struct listener *listener, struct datagram_io *io)
{
    unsigned received = receive(listener, io);

    if (received > 0)
        send_all(listener, io, join(io->batch, choose(listener, io, received)));
    return received;
}
