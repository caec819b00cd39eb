/* SPDX-License-Identifier: MIT */
#include "daemon/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(MESSAGE_SLOTS_MAX * sizeof(int))];
};

int channel_pair(int ret[static 2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret) < 0 ? -errno
                                                                                          : 0;
}

/* Only what the kind uses travels. */
static size_t message_size(const struct message *message)
{
    if (message->kind == MESSAGE_REPORT)
        return offsetof(struct message, report) + sizeof(message->report);
    if (message->kind == MESSAGE_GIVE || message->kind == MESSAGE_SHARE)
        return offsetof(struct message, slots);
    return offsetof(struct message, slots) + message->count * sizeof(message->slots[0]);
}

static bool is_whole(const struct message *message, size_t size)
{
    return size >= offsetof(struct message, slots) && message->count <= MESSAGE_SLOTS_MAX &&
           size == message_size(message);
}

int channel_send(int fd, const struct message *message, const int *fds)
{
    struct iovec body = {.iov_base = (void *)message, .iov_len = message_size(message)};
    struct msghdr header = {.msg_iov = &body, .msg_iovlen = 1};
    union control control = {.bytes = ""}; /* the padding travels, too */
    ssize_t n;

    if (fds && message->count > 0) {
        size_t size = message->count * sizeof(int);

        control.header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(size)};
        memcpy(CMSG_DATA(&control.header), fds, size);
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(size);
    }
    do
        n = sendmsg(fd, &header, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static void take_descriptors(struct msghdr *header, int fds[static MESSAGE_SLOTS_MAX])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(header);

    memset(fds, 0xff, MESSAGE_SLOTS_MAX * sizeof(int)); /* -1 each */
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
}

/* Whoever wrote it: text ends, and addresses are no longer than they can be. */
static void sanitize(struct report *report)
{
    report->reason[sizeof(report->reason) - 1] = '\0';
    if (report->peer.len > sizeof(report->peer.un))
        report->peer.len = sizeof(report->peer.un);
    if (report->local.len > sizeof(report->local.un))
        report->local.len = sizeof(report->local.un);
}

int channel_receive(int fd, struct message *ret, int fds[static MESSAGE_SLOTS_MAX])
{
    struct iovec body = {.iov_base = ret, .iov_len = sizeof(*ret)};
    union control control;
    struct msghdr header = {
        .msg_iov = &body,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n;

    /* ECONNRESET is said once, when the other side ended with messages of ours unread; what it
     * sent before is still there to be read. */
    do
        n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n <= 0)
        return n < 0 ? -errno : 0;
    take_descriptors(&header, fds);
    if (!is_whole(ret, (size_t)n)) {
        for (size_t i = 0; i < MESSAGE_SLOTS_MAX; i++)
            closep(&fds[i]);
        return -EBADMSG;
    }
    if (ret->kind == MESSAGE_REPORT)
        sanitize(&ret->report);
    return 1;
}
