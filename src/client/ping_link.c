/* SPDX-License-Identifier: MIT */
#include "client/ping_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
/* errqueue.h needs struct timespec before it. */
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "base/cleanup.h"
#include "client/deadline.h"

/* Software time stamps of both directions; those of what was sent come without its bytes. */
enum {
    STAMPS = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
             SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY,
    CONTROL_SIZE = 512,
};

/* What can be asked of the kernel and is not vital: without it, less is known. */
static void ask(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void ask_for_details(const struct ping_link *link)
{
    int family = link->addr.sa.sa_family;

    if (family != AF_INET && family != AF_INET6)
        return;
    ask(link->fd, SOL_SOCKET, SO_TIMESTAMPING, STAMPS);
    if (link->type != SOCK_DGRAM)
        return;
    if (family == AF_INET) {
        ask(link->fd, IPPROTO_IP, IP_RECVERR, 1);
        ask(link->fd, IPPROTO_IP, IP_RECVFRAGSIZE, 1);
    } else {
        ask(link->fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
        ask(link->fd, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1);
    }
}

void ping_link_adopt(struct ping_link *link, int fd, int64_t connect_nsec)
{
    link->fd = fd;
    link->state = PING_LINK_UP;
    link->connect_nsec = connect_nsec;
    ask_for_details(link);
}

int ping_link_begin(struct ping_link *link)
{
    int fd;

    link->began_nsec = clock_nsec();
    fd = dial_begin(&link->addr, link->type, link->dial);
    if (fd < 0)
        return fd;
    link->fd = fd;
    link->state = PING_LINK_CONNECTING;
    /* What needs no waiting is up at once. */
    return link->type == SOCK_DGRAM ? ping_link_finish(link) : 0;
}

int ping_link_finish(struct ping_link *link)
{
    int r = dial_finish(link->fd, &link->addr, link->dial);

    if (r < 0) {
        ping_link_close(link);
        return r;
    }
    ping_link_adopt(link, link->fd, clock_nsec() - link->began_nsec);
    return 0;
}

void ping_link_close(struct ping_link *link)
{
    closep(&link->fd);
    link->state = PING_LINK_DOWN;
}

ssize_t ping_link_send(const struct ping_link *link, const void *data, size_t size)
{
    ssize_t n;

    do
        n = send(link->fd, data, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int64_t stamp_of(const struct cmsghdr *control)
{
    struct scm_timestamping stamps;

    memcpy(&stamps, CMSG_DATA(control), sizeof(stamps));
    return stamps.ts[0].tv_sec * NSEC_PER_SEC + stamps.ts[0].tv_nsec;
}

static bool is(const struct cmsghdr *control, int level, int type)
{
    return control->cmsg_level == level && control->cmsg_type == type;
}

static void read_arrival(struct msghdr *message, struct ping_arrival *arrival)
{
    struct cmsghdr *control;
    int size;

    for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control))
        if (is(control, SOL_SOCKET, SO_TIMESTAMPING)) {
            arrival->kernel_nsec = stamp_of(control);
        } else if (is(control, IPPROTO_IP, IP_RECVFRAGSIZE) ||
                   is(control, IPPROTO_IPV6, IPV6_RECVFRAGSIZE)) {
            memcpy(&size, CMSG_DATA(control), sizeof(size));
            arrival->fragment_size = (size_t)size;
        }
}

static ssize_t receive(int fd, void *buffer, size_t size, int flags, struct msghdr *message)
{
    struct iovec vector = {.iov_base = buffer, .iov_len = size};
    ssize_t n;

    message->msg_iov = &vector;
    message->msg_iovlen = 1;
    do
        n = recvmsg(fd, message, flags);
    while (n < 0 && errno == EINTR);
    message->msg_iov = NULL;
    return n < 0 ? -errno : n;
}

ssize_t ping_link_receive(const struct ping_link *link, void *buffer, size_t size,
                          struct ping_arrival *ret_arrival)
{
    _Alignas(struct cmsghdr) char control[CONTROL_SIZE];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t n = receive(link->fd, buffer, size, 0, &message);

    if (n < 0)
        return n;
    *ret_arrival = (struct ping_arrival){0};
    read_arrival(&message, ret_arrival);
    return n;
}

static void read_error(const struct cmsghdr *control, struct ping_notice *notice)
{
    struct sock_extended_err error;

    memcpy(&error, CMSG_DATA(control), sizeof(error));
    if (error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING) {
        notice->key = error.ee_data;
        return;
    }
    notice->error = -(int)error.ee_errno;
    notice->mtu = error.ee_errno == EMSGSIZE ? error.ee_info : 0;
    notice->from_afar = error.ee_origin != SO_EE_ORIGIN_LOCAL;
}

static void read_notice(struct msghdr *message, struct ping_notice *notice)
{
    struct cmsghdr *control;

    for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control))
        if (is(control, SOL_SOCKET, SO_TIMESTAMPING))
            notice->kernel_nsec = stamp_of(control);
        else if (is(control, IPPROTO_IP, IP_RECVERR) || is(control, IPPROTO_IPV6, IPV6_RECVERR))
            read_error(control, notice);
}

int ping_link_notice(const struct ping_link *link, void *buffer, size_t size,
                     struct ping_notice *ret_notice)
{
    _Alignas(struct cmsghdr) char control[CONTROL_SIZE];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t n = receive(link->fd, buffer, size, MSG_ERRQUEUE | MSG_DONTWAIT, &message);

    if (n < 0)
        return (int)n;
    *ret_notice = (struct ping_notice){.length = (size_t)n};
    read_notice(&message, ret_notice);
    return 0;
}
