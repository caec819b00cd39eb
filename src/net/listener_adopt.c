/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Listeners that others opened: the service manager, or an earlier process of ours. */

static int socket_int(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

/* Whether somebody could send to a datagram socket. */
static bool has_name(int fd)
{
    struct addr addr;

    if (addr_of_socket(fd, &addr) < 0)
        return false;
    return addr.sa.sa_family == AF_UNIX ? addr.len > sizeof(sa_family_t) : addr_port(&addr) != 0;
}

/* What is wrong with a descriptor as a listener, or NULL. */
static const char *fault_of(int fd)
{
    int family = socket_int(fd, SO_DOMAIN);

    if (family < 0)
        return "it is no socket";
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX && family != AF_VSOCK)
        return "its address family is none of IPv4, IPv6, Unix, vsock";
    switch (socket_int(fd, SO_TYPE)) {
    case SOCK_STREAM:
        return socket_int(fd, SO_ACCEPTCONN) == 1
                   ? NULL
                   : "it does not listen (with Accept=yes, use echod --inetd)";
    case SOCK_DGRAM:
        if (family == AF_VSOCK)
            return "it is a datagram socket of vsock, which is not supported";
        return has_name(fd) ? NULL
                            : "it is bound to no address (ListenDatagram= makes one that is)";
    default:
        return "it is neither a stream nor a datagram socket (ListenStream= and ListenDatagram= "
               "make those)";
    }
}

static int set_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

/* What both have in common; ret_what is what is wrong. */
static int take_over(int fd, struct listener *ret, const char **ret_what)
{
    struct listener listener = {.fd = fd, .type = socket_int(fd, SO_TYPE)};
    int r;

    *ret_what = fault_of(fd);
    if (*ret_what)
        return -EINVAL;
    r = addr_of_socket(fd, &listener.local);
    if (r == 0)
        r = set_flags(fd);
    if (r == 0)
        r = listener_set_options(fd, listener.type, listener.local.sa.sa_family);
    listener.addr = listener.local;
    if (r == 0)
        *ret = listener;
    else
        *ret_what = strerror(-r);
    return r;
}

static int add(struct listener_set *set, const struct listener *listener, const char **ret_what)
{
    int r = listeners_add(set, listener);

    if (r < 0)
        *ret_what = strerror(-r);
    return r;
}

int listener_adopt(int fd, const char *name, struct listener_set *set,
                   struct listener_fault *ret_fault)
{
    struct listener listener;
    int r = take_over(fd, &listener, &ret_fault->what);

    if (r < 0)
        return r;
    listener.passed = true;
    (void)snprintf(listener.name, sizeof(listener.name), "%s", name);
    return add(set, &listener, &ret_fault->what);
}

/* The file that it had, if it still has it. */
static int recover_file(struct listener *listener, const struct socket_file *file,
                        const char **ret_what)
{
    int r;

    if (!socket_file_is_meant(&listener->local))
        return 0;
    r = socket_file_address(&listener->local, &listener->addr);
    if (r == 0)
        r = socket_file_get_access(file, &listener->addr, &listener->access);
    listener->file = *file;
    *ret_what = "its path does not lead to it any more";
    return r;
}

int listener_recover(int fd, uint32_t stored, const struct socket_file *file,
                     struct listener_set *set, struct listener_fault *ret_fault)
{
    struct listener listener;
    struct addr peer;
    int r = take_over(fd, &listener, &ret_fault->what);

    if (r == 0 && addr_of_peer(fd, &peer) == 0) {
        ret_fault->what = "it was retired";
        r = -ESTALE;
    }
    if (r == 0)
        r = recover_file(&listener, file, &ret_fault->what);
    if (r < 0)
        return r;
    listener.stored = stored;
    return add(set, &listener, &ret_fault->what);
}
