/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static int set_flag(int fd, int level, int name, int on)
{
    return setsockopt(fd, level, name, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int set_reuseport(int fd, int on)
{
    return set_flag(fd, SOL_SOCKET, SO_REUSEPORT, on);
}

static bool overlaps(const struct addr *a, const struct addr *b)
{
    return a->sa.sa_family == b->sa.sa_family && addr_port(a) == addr_port(b) &&
           (addr_is_wildcard(a) || addr_is_wildcard(b));
}

/*
 * The kernel refuses 0.0.0.0 while one of ours listens on 127.0.0.1 with the same port, unless
 * both sockets say SO_REUSEPORT. They say it for this moment only: who does not say it then gets
 * EADDRINUSE as ever. (The kernel remembers it for the port, though: a process of the same user
 * that says it, too, could join. Not so for UDP. There the sockets that say it and have the same
 * address share the datagrams; ours have different ones, and the more specific one gets them.)
 */
static int pool_set_reuseport(const struct listener_set *pool, int type, const struct addr *addr,
                              int on)
{
    int overlapping = 0;

    for (size_t i = 0; i < pool->count; i++)
        if (pool->list[i].type == type && overlaps(&pool->list[i].addr, addr)) {
            (void)set_reuseport(pool->list[i].fd, on); /* If it fails, bind says so. */
            overlapping++;
        }
    return overlapping;
}

/* The file goes first: once the socket is closed, its number may be that of another file. */
static void listener_close(struct listener *listener)
{
    socket_file_remove(&listener->file, &listener->addr);
    listener->file = (struct socket_file){.inode = 0};
    closep(&listener->fd);
}

/* SO_REUSEADDR is for streams alone: of UDP it would let others take the port over. */
static int set_options_before_bind(int fd, const struct listener_wanted *wanted)
{
    int family = wanted->addr.sa.sa_family, r = 0;

    if (wanted->type == SOCK_STREAM)
        r = set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && family == AF_INET6)
        r = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return r < 0 ? r : listener_set_options(fd, wanted->type, family);
}

static int bind_and_listen(struct listener *listener, const struct listener_wanted *wanted,
                           const char **ret_what)
{
    int backlog = wanted->type == SOCK_STREAM ? wanted->backlog : 0;
    int r;

    *ret_what = "setsockopt";
    r = set_options_before_bind(listener->fd, wanted);
    if (r < 0)
        return r;
    if (socket_file_is_meant(&wanted->addr))
        return socket_file_make(listener->fd, &wanted->addr, &wanted->access, backlog,
                                &listener->file, ret_what);
    *ret_what = "bind";
    if (bind(listener->fd, &wanted->addr.sa, wanted->addr.len) < 0)
        return -errno;
    *ret_what = "listen";
    return backlog > 0 && listen(listener->fd, backlog) < 0 ? -errno : 0;
}

static int listener_open(struct listener *listener, const struct listener_wanted *wanted,
                         const struct listener_set *pool, const char **ret_what)
{
    int overlapping, r;

    *ret_what = "socket";
    listener->fd =
        socket(wanted->addr.sa.sa_family, wanted->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return -errno;
    overlapping = pool_set_reuseport(pool, wanted->type, &wanted->addr, 1);
    if (overlapping)
        (void)set_reuseport(listener->fd, 1); /* If it fails, bind says so. */
    r = bind_and_listen(listener, wanted, ret_what);
    if (overlapping) {
        (void)set_reuseport(listener->fd, 0); /* Turning it off cannot fail. */
        (void)pool_set_reuseport(pool, wanted->type, &wanted->addr, 0);
    }
    if (r == 0)
        r = addr_of_socket(listener->fd, &listener->local);
    if (r < 0)
        listener_close(listener);
    return r;
}

int listeners_add(struct listener_set *set, const struct listener *listener)
{
    struct listener *list = realloc(set->list, (set->count + 1) * sizeof(*list));

    if (!list)
        return -ENOMEM;
    set->list = list;
    set->list[set->count++] = *listener;
    return 0;
}

int listeners_copy(const struct listener_set *set, struct listener_set *ret)
{
    struct listener_set copy = {0};

    for (size_t i = 0; i < set->count; i++) {
        int r = listeners_add(&copy, &set->list[i]);

        if (r < 0) {
            free(copy.list);
            return r;
        }
    }
    *ret = copy;
    return 0;
}

static bool is_unavailable(int error)
{
    return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

/* What the pool has of it; a socket whose file is gone cannot be reached, so it is opened anew. */
static const struct listener *find_kept(const struct listener_set *pool,
                                        const struct listener_wanted *wanted)
{
    const struct listener *kept = listeners_find(pool, wanted->type, &wanted->addr);

    if (kept && socket_file_is_meant(&kept->addr) && !socket_file_is_at(&kept->file, &kept->addr))
        return NULL;
    return kept;
}

static bool same_access(const struct socket_access *a, const struct socket_access *b)
{
    return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid;
}

/* Into the set first: from there listeners_undo() takes back whatever comes of it. */
static int keep(const struct listener *kept, const struct listener_wanted *wanted,
                struct listener_set *set, const char **ret_what)
{
    struct listener listener = *kept;
    int r;

    listener.backlog = wanted->backlog;
    listener.access = wanted->access;
    r = listeners_add(set, &listener);
    if (r < 0 || kept->file.inode == 0 || same_access(&kept->access, &wanted->access))
        return r;
    *ret_what = "chmod or chown";
    return socket_file_set_access(&kept->file, &kept->addr, &wanted->access);
}

static int open_new(const struct listener_wanted *wanted, const struct listener_set *pool,
                    struct listener_set *set, const char **ret_what)
{
    struct listener listener = {.fd = -1,
                                .type = wanted->type,
                                .backlog = wanted->backlog,
                                .addr = wanted->addr,
                                .access = wanted->access};
    int r = listener_open(&listener, wanted, pool, ret_what);

    if (r < 0)
        return wanted->optional && is_unavailable(r) ? 0 : r;
    r = listeners_add(set, &listener);
    if (r < 0)
        listener_close(&listener);
    return r;
}

static bool overlaps_any(const struct listener_set *set, const struct listener_wanted *wanted)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].type == wanted->type && overlaps(&set->list[i].addr, &wanted->addr))
            return true;
    return false;
}

static int open_wanted(const struct listener_wanted *wanted, const struct listener_set *pool,
                       struct listener_set *set, struct listener_fault *fault)
{
    const struct listener *kept = find_kept(pool, wanted);

    if (listeners_find(set, wanted->type, &wanted->addr))
        return 0;
    *fault = (struct listener_fault){.wanted = *wanted, .what = "remember it"};
    fault->ours = overlaps_any(set, wanted);
    if (fault->ours)
        return -EADDRINUSE;
    return kept ? keep(kept, wanted, set, &fault->what) : open_new(wanted, pool, set, &fault->what);
}

int listeners_open(const struct listener_wanted *wanted, size_t count,
                   const struct listener_set *pool, struct listener_set *ret,
                   struct listener_fault *ret_fault)
{
    struct listener_set set = {0};

    for (size_t i = 0; i < count; i++) {
        int r = open_wanted(&wanted[i], pool, &set, ret_fault);

        if (r < 0) {
            listeners_undo(&set, pool);
            return r;
        }
    }
    *ret = set;
    return 0;
}

void listeners_set_backlogs(const struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct listener *listener = &set->list[i];

        if (listener->type == SOCK_STREAM && !listener->passed)
            (void)listen(listener->fd, listener->backlog); /* It was listening already. */
    }
}

int listener_backlog(const struct listener *listener)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);

    if (getsockopt(listener->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return -errno;
    return (int)info.tcpi_sacked; /* of a listening socket: the length its queue may have */
}

const struct listener *listeners_find(const struct listener_set *set, int type,
                                      const struct addr *addr)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].type == type && addr_equal(&set->list[i].addr, addr))
            return &set->list[i];
    return NULL;
}

const struct listener *listeners_serving(const struct listener_set *set, int type,
                                         const struct addr *local)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct listener *listener = &set->list[i];
        const struct addr *addr = &listener->local;

        if (listener->type == type && addr->sa.sa_family == local->sa.sa_family &&
            (addr_equal(addr, local) ||
             (addr_is_wildcard(addr) && addr_port(addr) == addr_port(local))))
            return listener;
    }
    return NULL;
}

static const struct listener *find_fd(const struct listener_set *set, int fd)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (set->list[i].fd == fd)
            return &set->list[i];
    return NULL;
}

void listeners_retire(const struct listener_set *set, const struct listener_set *keep)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct listener *listener = &set->list[i];
        struct addr addr = listener->addr;

        if (listener->type != SOCK_DGRAM || addr.sa.sa_family == AF_UNIX ||
            find_fd(keep, listener->fd))
            continue;
        if (addr_is_wildcard(&addr))
            addr = addr_loopback(addr.sa.sa_family, (uint16_t)addr_port(&addr));
        (void)connect(listener->fd, &addr.sa, addr.len); /* Failing, it gets what will be lost. */
    }
}

void listeners_close(struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        listener_close(&set->list[i]);
}

void listeners_close_except(struct listener_set *set, const struct listener_set *keep)
{
    for (size_t i = 0; i < set->count; i++)
        if (!find_fd(keep, set->list[i].fd))
            listener_close(&set->list[i]);
    free(set->list);
    *set = (struct listener_set){0};
}

void listeners_leave(struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].stored)
            set->list[i].file = (struct socket_file){.inode = 0}; /* is to stay */
    listeners_close_except(set, NULL);
}

void listeners_undo(struct listener_set *set, const struct listener_set *pool)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct listener *listener = &set->list[i];
        const struct listener *was = find_fd(pool, listener->fd);

        if (was && was->file.inode != 0 && !same_access(&was->access, &listener->access))
            (void)socket_file_set_access(&was->file, &was->addr, &was->access); /* as it was */
    }
    listeners_close_except(set, pool);
}
