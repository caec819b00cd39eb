/* SPDX-License-Identifier: MIT */
#include "daemon/inheritance.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/service.h"
#include "net/recovery.h"

int inherit_arena(struct handed *handed, struct arena *ret)
{
    int r = handed->arena < 0 ? -ENOENT : arena_inherit(ret, handed->arena);
    bool unreadable = r < 0 && r != -ENOENT;
    bool strangers = unreadable || (r < 0 && handed->boxes.count > 0);

    if (r == 0)
        handed->arena = -1;
    else
        r = arena_init(ret);
    if (r < 0)
        return r;
    if (unreadable)
        service_unstore(HANDED_ARENA);
    (void)service_store(HANDED_ARENA, ret->fd); /* If not, it is there as long as we are. */
    return strangers;
}

/*
 * As long as more descriptors are under way than this process may have, nothing more can be sent,
 * unix(7): no connection could go on, and no new one be kept. A third is for new boxes.
 */
static void give_up_too_many(struct crew *crew)
{
    uint64_t most = crew->descriptors / 3 * 2, gone = escrow_shrink(&crew->escrow, most);

    if (gone > 0)
        (void)log_event(EVENT_NOTICE, 0, LOG_FIELDS(LOG_NUMBER(FIELD_CONNECTIONS, gone)),
                        "Connections that cannot go on: %llu: there are more than the %zu "
                        "descriptors that a process may have here allow for (ulimit -Hn, "
                        "LimitNOFILE=)",
                        (unsigned long long)gone, crew->descriptors);
}

static void inherit_boxes(struct handed *handed, struct crew *crew)
{
    struct escrow *escrow = &crew->escrow;

    escrow_init(escrow, handed->next_number);
    for (size_t i = 0; i < handed->boxes.count; i++) {
        struct handed_fd *box = &handed->boxes.list[i];

        if (escrow_inherit(escrow, box->fd, box->number) == 0)
            box->fd = -1;
        else
            handed_drop(box, "there are too many of its kind");
    }
    give_up_too_many(crew);
}

/* Signals will be sent to it. */
static bool is_child(pid_t pid)
{
    siginfo_t info;

    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Without its channel, one that cannot be told from other processes ends by itself. */
static int inherit_member(struct crew *crew, struct handed_fd *channel)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = channel->number};
    pid_t pid = (pid_t)strtol(channel->detail, NULL, 10);

    if (channel->number >= ARENA_WORKERS || !is_child(pid)) {
        closep(&channel->fd);
        return 0;
    }
    if (epoll_ctl(crew->epoll, EPOLL_CTL_ADD, channel->fd, &event) < 0)
        return -errno;
    crew->member[channel->number] = (struct member){
        .state = MEMBER_GIVING,
        .pid = pid,
        .channel = channel->fd,
        .started_ms = clock_ms(),
        .awaited = MEMBER_NOBODY,
    };
    channel->fd = -1;
    return 0;
}

static int inherit_members(struct handed *handed, struct crew *crew)
{
    int r = 0;

    for (size_t i = 0; i < handed->workers.count && r == 0; i++)
        r = inherit_member(crew, &handed->workers.list[i]);
    return r;
}

/* Slots whose owner is no member and no orphan: an owner that never was, or in transit to one. */
static int64_t forget_others(struct crew *crew)
{
    const struct slot_table *slots = &crew->arena->slots;
    int64_t count = 0;

    for (int64_t n = pool_next(&slots->pool, 0); n >= 0;
         n = pool_next(&slots->pool, (uint32_t)n + 1)) {
        uint32_t owner = slot_owner(&slots->slots[n]) & ~(uint32_t)SLOT_IN_TRANSIT;

        if (owner == SLOT_NOBODY || owner == SLOT_ORPHAN)
            continue;
        if (owner - SLOT_FIRST_WORKER < ARENA_WORKERS &&
            crew->member[owner - SLOT_FIRST_WORKER].state != MEMBER_NONE)
            continue;
        crew_forget_slot(crew, (uint32_t)n);
        count++;
    }
    return count;
}

/* All places of members that are no more. */
static int64_t bury_all(struct crew *crew)
{
    int64_t lost = 0;

    for (uint32_t i = 0; i < arena_places(crew->arena); i++)
        if (crew->member[i].state == MEMBER_NONE)
            lost += crew_bury_place(crew, i, true).lost;
    return lost + forget_others(crew);
}

/*
 * A connection of which nothing is known but what the kernel knows. -ENOTCONN: it has ended,
 * -EBADMSG: it is owed bytes, and nobody knows which.
 */
static int take_stranger(struct crew *crew, const struct conf *conf, int fd,
                         struct escrow_entry *ret)
{
    const struct ledger_limits no_limits = {.connections = ARENA_SLOTS};
    struct addr peer = {.len = sizeof(peer.un)};
    struct source source;
    struct slot *slot;
    enum recovery recovery;
    uint32_t number;
    int r;

    if (getpeername(fd, &peer.sa, &peer.len) < 0)
        return -errno;
    source = source_of(&peer, conf->limit_ipv4_prefix, conf->limit_ipv6_prefix);
    r = ledger_open(&crew->arena->ledger, SLOT_ORPHAN, &peer, &source, &no_limits, &number);
    if (r < 0)
        return r;
    slot = &crew->arena->slots.slots[number];
    recovery = recovery_of_stranger(slot, fd);
    if (recovery != RECOVERED) {
        ledger_close(&crew->arena->ledger, number);
        return recovery == RECOVERY_OVER ? -ENOTCONN : -EBADMSG;
    }
    r = slot_read_cookie(slot, fd);
    *ret = (struct escrow_entry){.number = number, .mark = (uint32_t)slot->cookie};
    return r;
}

/* Of one message: those that can go on move to the front. The number of those that cannot. */
static int64_t take_strangers(struct crew *crew, const struct conf *conf, uint64_t *seen,
                              struct escrow_entry *entries, int *fds, int *count)
{
    int64_t lost = 0;
    int taken = 0;

    for (int i = 0; i < *count; i++) {
        _cleanup_(closep) int fd = fds[i];
        int r;

        fds[i] = -1;
        if (fd < 0 || entries[i].number >= ARENA_SLOTS || !crew_sees_first(seen, entries[i].number))
            continue;
        r = take_stranger(crew, conf, fd, &entries[taken]);
        if (r == 0) {
            fds[taken++] = fd;
            fd = -1;
            continue;
        }
        if (r != -ENOTCONN)
            lost++;
        stream_reset(fd);
        (void)shutdown(fd, SHUT_RDWR); /* A Unix socket knows no reset. */
    }
    *count = taken;
    return lost;
}

static int64_t inherit_strangers(struct crew *crew, const struct conf *conf)
{
    uint64_t *seen = crew_seen_new();
    struct escrow_entry entries[ESCROW_BATCH];
    struct escrow fresh;
    int64_t lost = 0;
    int fds[ESCROW_BATCH];
    int count;

    if (!seen)
        return -ENOMEM;
    escrow_init(&fresh, crew->escrow.next_number);
    escrow_rewind(&crew->escrow);
    while ((count = escrow_next(&crew->escrow, entries, fds)) > 0) {
        lost += take_strangers(crew, conf, seen, entries, fds, &count);
        if (count > 0 && escrow_put(&fresh, entries, fds, (uint32_t)count) < 0)
            lost += count; /* crew_adopt() will not find them. */
        rights_close(fds);
    }
    free(seen);
    escrow_replace(&crew->escrow, &fresh);
    return lost;
}

int64_t inherit_crew(struct handed *handed, bool strangers, const struct conf *conf,
                     struct crew *crew)
{
    int r;

    inherit_boxes(handed, crew);
    if (strangers)
        return inherit_strangers(crew, conf);
    r = inherit_members(handed, crew);
    if (r < 0)
        return r;
    if (crew_is_empty(crew))
        r = ledger_inherit(&crew->arena->ledger);
    return r < 0 ? r : bury_all(crew);
}
