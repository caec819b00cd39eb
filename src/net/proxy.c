/* SPDX-License-Identifier: MIT */
#include "net/proxy.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/network.h"
#include "net/proxy_header.h"

_Static_assert((int)PROXY_HEADER_MAX <= (int)SPILL_BYTES, "it is collected in a spill buffer");

/*
 * Whether the client that is named is the proxy at the very other end of the connection. That is
 * how health checks of version 1 look: the specification advises against UNKNOWN for them.
 */
static bool is_itself(const struct addr *proxy, const struct addr *client)
{
    struct in6_addr here, there;

    return network_address(proxy, &here) && network_address(client, &there) &&
           IN6_ARE_ADDR_EQUAL(&here, &there) && addr_port(proxy) == addr_port(client);
}

static enum proxy_next name_client(struct slot *slot, const struct addr *client)
{
    struct addr proxy = slot_peer(slot);

    if (is_itself(&proxy, client))
        return PROXY_ITSELF;
    slot_set_peer(slot, client);
    return PROXY_CLIENT;
}

static enum proxy_next read_header(struct slot *slot, struct stream_io *io, const char **ret_fault)
{
    struct proxy_header header;

    switch (proxy_header_parse(spill_at(io->spill, slot->number), slot->spill_end, &header)) {
    case PROXY_HEADER_CLIENT:
        slot->header = (uint16_t)header.length;
        return name_client(slot, &header.client);
    case PROXY_HEADER_PROXY:
        slot->header = (uint16_t)header.length;
        return PROXY_ITSELF;
    case PROXY_HEADER_FAULTY:
        *ret_fault = header.fault;
        return PROXY_FAULTY;
    case PROXY_HEADER_BEGUN:
        break;
    }
    return PROXY_MORE;
}

/*
 * No more is read than the longest header takes: the rest of the stream has no need to wait here.
 * What is there is looked at in any case: it may be whole, and its reader have died of it.
 */
enum proxy_next proxy_step(struct slot *slot, struct stream_io *io, const char **ret_fault)
{
    uint8_t *to = spill_at(io->spill, slot->number) + slot->spill_end;
    ssize_t got = io->calls->recv(slot->fd, to, PROXY_HEADER_MAX - slot->spill_end, MSG_DONTWAIT);
    enum proxy_next next;

    if (got < 0 && !stream_is_transient(errno))
        return PROXY_BROKEN;
    if (got == 0 && slot->spill_end == 0)
        return PROXY_ENDED;
    slot->spill_end += (uint32_t)(got > 0 ? got : 0);
    slot->spill_begin = slot->spill_end;
    next = read_header(slot, io, ret_fault);
    if (next != PROXY_MORE || got != 0)
        return next;
    *ret_fault = "the stream ended within the header";
    return PROXY_FAULTY;
}

void proxy_begin_stream(struct slot *slot, struct stream_io *io)
{
    slot->spill_begin = slot->header;
    stream_count_received(slot, io, slot->spill_end - slot->header);
    atomic_signal_fence(memory_order_release); /* Until then the header would be read once more. */
    slot->header_due = false;
    if (!stream_owes(slot))
        stream_drop(slot, io);
}
