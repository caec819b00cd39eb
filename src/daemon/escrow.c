/* SPDX-License-Identifier: MIT */
#include "daemon/escrow.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/service.h"
#include "daemon/handed.h"

enum {
    QUEUE_BYTES = 4 << 20, /* of a box: as much of it as the kernel grants */
    DEAD_LEAST = 256,      /* fewer are not worth the work */
    PER_BOX_LEAST = 4096,  /* entries; a box has room for more, unless they came one by one */
};

void escrow_init(struct escrow *escrow, uint32_t first_number)
{
    *escrow = (struct escrow){.next_number = first_number};
}

static void close_box(struct escrow_box *box)
{
    closep(&box->receive);
    closep(&box->send);
}

void escrow_deinit(struct escrow *escrow)
{
    for (unsigned i = 0; i < escrow->count; i++)
        close_box(&escrow->box[i]);
    escrow->count = 0;
}

int escrow_inherit(struct escrow *escrow, int fd, uint32_t number)
{
    if (escrow->count == ESCROW_BOXES)
        return -ENOBUFS;
    escrow->box[escrow->count++] = (struct escrow_box){.receive = fd, .send = -1, .number = number};
    return 0;
}

static const char *box_name(const struct escrow_box *box, char text[static HANDED_NAME_SIZE])
{
    return handed_name(HANDED_BOX, box->number, text);
}

/* How much may lie in the queue is the sending end's affair. */
static void widen(int fd)
{
    static const int bytes = QUEUE_BYTES;

    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)); /* then more boxes */
}

static void rewind_box(const struct escrow_box *box)
{
    static const int begin = 0;

    (void)setsockopt(box->receive, SOL_SOCKET, SO_PEEK_OFF, &begin,
                     sizeof(begin)); /* Never fails. */
}

static int add_box(struct escrow *escrow)
{
    struct escrow_box box = {.number = escrow->next_number};
    char name[HANDED_NAME_SIZE];
    int pair[2], r;

    if (escrow->count == ESCROW_BOXES)
        return -ENOBUFS;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    box.receive = pair[0];
    box.send = pair[1];
    widen(box.send);
    rewind_box(&box); /* It may come while the escrow is read, and has to be read on in, too. */
    escrow->next_number++;
    escrow->box[escrow->count++] = box;
    r = service_store(box_name(&box, name), box.receive);
    if (r < 0)
        escrow->unstored = r; /* It is as long as we are. */
    return 0;
}

static int put_into_last(const struct escrow *escrow, const struct escrow_entry *entries,
                         const int *fds, uint32_t count)
{
    int send = escrow->count > 0 ? escrow->box[escrow->count - 1].send : -1;

    return send < 0 ? -EAGAIN : rights_send(send, entries, count * sizeof(*entries), fds, count);
}

int escrow_put(struct escrow *escrow, const struct escrow_entry *entries, const int *fds,
               uint32_t count)
{
    int r = put_into_last(escrow, entries, fds, count);

    if (r == -EAGAIN) {
        r = add_box(escrow);
        if (r == 0)
            r = put_into_last(escrow, entries, fds, count);
    }
    if (r == 0)
        escrow->entries += count;
    return r;
}

void escrow_rewind(struct escrow *escrow)
{
    for (unsigned i = 0; i < escrow->count; i++)
        rewind_box(&escrow->box[i]);
    escrow->next = 0;
}

/* The number of entries in a message, 0 after the last, or -errno. */
static int receive(const struct escrow_box *box, int flags,
                   struct escrow_entry entries[static ESCROW_BATCH], int fds[static ESCROW_BATCH])
{
    ssize_t n = rights_receive(box->receive, entries, ESCROW_BATCH * sizeof(*entries),
                               flags | MSG_DONTWAIT, fds);

    if (n > 0)
        return (int)((size_t)n / sizeof(*entries));
    return n == -EAGAIN ? 0 : (int)n;
}

int escrow_next(struct escrow *escrow, struct escrow_entry entries[static ESCROW_BATCH],
                int fds[static ESCROW_BATCH])
{
    int count = 0;

    while (escrow->next < escrow->count && count == 0) {
        count = receive(&escrow->box[escrow->next], MSG_PEEK, entries, fds);
        if (count == 0)
            escrow->next++;
    }
    return count;
}

/* Closes what is in the first message. */
static int take_out(const struct escrow_box *box)
{
    struct escrow_entry entries[ESCROW_BATCH];
    int fds[ESCROW_BATCH];
    int count = receive(box, 0, entries, fds);

    if (count > 0)
        rights_close(fds);
    return count;
}

uint64_t escrow_shrink(struct escrow *escrow, uint64_t most)
{
    struct escrow_entry entries[ESCROW_BATCH];
    int fds[ESCROW_BATCH];
    uint64_t gone = 0;
    int count;

    escrow->entries = 0;
    for (escrow_rewind(escrow); (count = escrow_next(escrow, entries, fds)) > 0; rights_close(fds))
        escrow->entries += (unsigned)count;
    for (unsigned i = 0; i < escrow->count; i++)
        while (escrow->entries - gone > most && (count = take_out(&escrow->box[i])) > 0)
            gone += (unsigned)count;
    escrow->entries -= gone;
    return gone;
}

bool escrow_is_inherited(const struct escrow *escrow)
{
    return escrow->count > 0 && escrow->box[0].send < 0;
}

bool escrow_is_sparse(const struct escrow *escrow, uint64_t dead)
{
    return dead > escrow->entries / 2 + DEAD_LEAST ||
           escrow->count > 2 + escrow->entries / PER_BOX_LEAST;
}

void escrow_discard(struct escrow *escrow)
{
    char name[HANDED_NAME_SIZE];

    for (unsigned i = 0; i < escrow->count; i++)
        service_unstore(box_name(&escrow->box[i], name));
    escrow_deinit(escrow);
}

/* FRESH is in the store already: whoever dies in between leaves more there than is needed. */
void escrow_replace(struct escrow *escrow, struct escrow *fresh)
{
    escrow_discard(escrow);
    *escrow = *fresh;
}
