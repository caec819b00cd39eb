/* SPDX-License-Identifier: MIT */
#include "net/slot.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

int64_t slot_open(struct slot_table *table, uint32_t limit, uint32_t owner, const struct addr *peer)
{
    int64_t number = pool_take(&table->pool, limit);
    struct slot *slot;

    if (number < 0)
        return -1;
    slot = &table->slots[number];
    *slot = (struct slot){
        .fd = -1,
        .number = (uint32_t)number,
        .opened_usec = clock_usec(),
        .active_ms = clock_ms(),
    };
    slot_set_peer(slot, peer);
    slot_set_owner(slot, owner);
    return number;
}

void slot_close(struct slot_table *table, uint32_t number)
{
    table->slots[number].source = (struct source){0};
    slot_set_owner(&table->slots[number], SLOT_NOBODY);
    pool_give(&table->pool, number);
}

int64_t slot_next(const struct slot_table *table, uint32_t owner, uint32_t from)
{
    int64_t number = pool_next(&table->pool, from);

    while (number >= 0 && slot_owner(&table->slots[number]) != owner)
        number = pool_next(&table->pool, (uint32_t)number + 1);
    return number;
}

static int get_cookie(int fd, uint64_t *ret)
{
    socklen_t size = sizeof(*ret);

    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, ret, &size) < 0 ? -errno : 0;
}

int slot_read_cookie(struct slot *slot, int fd)
{
    uint64_t cookie;
    int r = get_cookie(fd, &cookie);

    if (r == 0)
        slot->cookie = cookie;
    return r;
}

bool slot_is_of(const struct slot *slot, int fd)
{
    uint64_t cookie;

    return slot->cookie != 0 && get_cookie(fd, &cookie) == 0 && cookie == slot->cookie;
}

static socklen_t peer_length(sa_family_t family)
{
    switch (family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    case AF_VSOCK:
        return sizeof(struct sockaddr_vm);
    default:
        return sizeof(sa_family_t);
    }
}

struct addr slot_peer(const struct slot *slot)
{
    struct addr addr = {.len = peer_length(slot->peer.sa.sa_family)};

    memcpy(&addr.sa, &slot->peer, addr.len);
    return addr;
}

void slot_set_peer(struct slot *slot, const struct addr *peer)
{
    if (peer->sa.sa_family == AF_UNIX)
        slot->peer.sa.sa_family = AF_UNIX;
    else
        memcpy(&slot->peer, &peer->sa, sizeof(slot->peer));
}
